"""Blocks of ESPNetv2's decoder: a pyramid of depthwise convolutions, and gated narrow ones.

Source: sacmehta/EdgeNets, commit 2b232d3 (MIT).
"""

from math import gcd
from typing import Any

import keras

from roadseg.layers.convolution import TORCH_NORM, activate, conv, depthwise_conv, normal_fan_out
from roadseg.layers.pooling import AdaptiveAveragePooling
from roadseg.layers.prelu import norm_prelu
from roadseg.layers.resize import ResizeLike
from roadseg.layers.scaled_map import AverageLike, ChannelShuffle, ScaledMap

Tensor = Any
SCALES = ((2, 1), (3, 2), (1, 1), (1, 2), (1, 10))
"""Ratios to the map's own size, in the order of the originals' branches."""
LEAST_SIDE = 5


def efficient_pyramid(x: Tensor, filters: int, inner: int, name: str, last: bool = False) -> Tensor:
    """Return `x` (batch, height, width, channels) with what it looks like at five scales.

    inner: channels of each scale. last: give `filters` logits, with a bias and nothing after.
    Layers: `name.projection_layer`, `stages.0` .. `4`, `merge_layer.0`, `.2`, `.3`, `br`.
    Source: `EfficientPyrPool`.
    """
    x = conv_norm_prelu(x, inner, 1, f"{name}.projection_layer.cbr")
    maps = [_stage(x, f"{name}.stages.{number}", *ratio) for number, ratio in enumerate(SCALES)]
    merge = f"{name}.merge_layer"
    x = keras.layers.Concatenate(name=f"{merge}.concatenated")(maps)
    x = norm_prelu(x, TORCH_NORM, f"{merge}.0.br.0", f"{merge}.0.br.1")
    x = ChannelShuffle(len(SCALES), name=f"{merge}.1")(x)
    x = conv_norm_prelu(x, inner, 3, f"{merge}.2.cbr", groups=inner)
    x = conv(x, filters, 1, f"{merge}.3", use_bias=last, initializer=normal_fan_out())
    return x if last else norm_prelu(x, TORCH_NORM, f"{name}.br.br.0", f"{name}.br.br.1")


def gated_projection(x: Tensor, filters: int, name: str) -> Tensor:
    """Return `x` with `filters` channels, each weighted by what the whole image holds.

    The convolution has as many groups as divide both widths.
    Layers: `name.expansion_layer.cbr`, `name.wt_layer.1`. Source: `EfficientPWConv`.
    """
    weight = AdaptiveAveragePooling(1, name=f"{name}.wt_layer.0")(x)
    weight = conv(weight, filters, 1, f"{name}.wt_layer.1", initializer=normal_fan_out())
    weight = activate(weight, f"{name}.wt_layer.2", "sigmoid")
    groups = gcd(x.shape[-1], filters)
    x = conv_norm_prelu(x, filters, 3, f"{name}.expansion_layer.cbr", groups=groups)
    return keras.layers.Multiply(name=f"{name}.product")([x, weight])


def conv_norm_prelu(
    x: Tensor, filters: int, kernel_size: int, name: str, groups: int = 1
) -> Tensor:
    """Return convolution, normalisation and PReLU; layers `name.0`, `name.1`, `name.2`."""
    initializer = normal_fan_out()
    x = conv(x, filters, kernel_size, f"{name}.0", initializer=initializer, groups=groups)
    return norm_prelu(x, TORCH_NORM, f"{name}.1", f"{name}.2")


def depthwise_normal(channels: int, taps: int = 9) -> keras.initializers.Initializer:
    """Return He's initial values by fan out as PyTorch counts it for depthwise kernels."""
    return keras.initializers.RandomNormal(stddev=(2 / (taps * channels)) ** 0.5)


def _stage(x: Tensor, name: str, up: int, down: int) -> Tensor:
    """Return a depthwise convolution of `x` at another scale, brought back to its size."""
    initializer = depthwise_normal(x.shape[-1])
    if up == down:
        return depthwise_conv(x, name, initializer=initializer)
    scaled = ScaledMap(up, down, LEAST_SIDE, name=f"{name}.scaled")(x)
    scaled = depthwise_conv(scaled, name, initializer=initializer)
    back = AverageLike if up > down else ResizeLike
    return back(name=f"{name}.back")([scaled, x])
