"""MobileNetV2 as TF-slim builds it for DeepLab: any width and output stride, no last layer.

Paper: Sandler et al. 2018. Source: tensorflow/models, research/slim/nets/mobilenet (Apache 2.0),
with DeepLab's feature_extractor.py for the channel rule. Nothing differs from it in inference.
"""

from dataclasses import dataclass
from typing import Any

import keras

from roadseg.layers.conv_bn import BatchNorm, conv_bn, depthwise_bn

Tensor = Any

NORM = BatchNorm(momentum=0.997, epsilon=1e-3)
OUTPUT_STRIDES = (4, 8, 16, 32)
# Paper, table 2: channels at multiplier 1 and nominal stride of each inverted residual block.
BLOCKS = (
    (16, 1),
    *((24, 2), (24, 1)),
    *((32, 2), (32, 1), (32, 1)),
    *((64, 2), (64, 1), (64, 1), (64, 1)),
    *((96, 1), (96, 1), (96, 1)),
    *((160, 2), (160, 1), (160, 1)),
    (320, 1),
)
STEM_CHANNELS = 32
EXPANSION = 6


def mobilenet_v2(images: Tensor, output_stride: int = 16, depth_multiplier: float = 1.0) -> Tensor:
    """Return the features of the last inverted residual block.

    images: (batch, height, width, 3) in -1..1.
    Returned: (batch, ceil(height / output_stride), ceil(width / output_stride), channels), with
    320 channels at multiplier 1. Layers are named `backbone.conv`, `backbone.expanded_conv_<k>...`;
    the last, `backbone`, is an identity to find the features by.
    Convolutions are `same`, activations ReLU6, batch normalisation 0.997 and 1e-3.
    Raises ValueError for an output stride that is not 4, 8, 16 or 32, or a multiplier <= 0.
    """
    if output_stride not in OUTPUT_STRIDES:
        raise ValueError(f"output_stride={output_stride}; MobileNetV2 has 4, 8, 16 and 32")
    if depth_multiplier <= 0:
        raise ValueError(f"depth_multiplier={depth_multiplier}; it must be above 0")
    stem = scaled_channels(STEM_CHANNELS, depth_multiplier)
    x = conv_bn(images, stem, 3, "backbone.conv", NORM, _normal(), strides=2, activation="relu6")
    reached = Reached(stride=2)
    for index, (channels, nominal_stride) in enumerate(BLOCKS):
        strides, dilation, reached = effective_stride(nominal_stride, reached, output_stride)
        name = "backbone.expanded_conv" + (f"_{index}" if index else "")
        filters = scaled_channels(channels, depth_multiplier)
        x = inverted_residual(x, filters, name, strides, dilation, 1 if index == 0 else EXPANSION)
    return keras.layers.Identity(name="backbone")(x)


def inverted_residual(
    x: Tensor, filters: int, name: str, strides: int, dilation: int, expansion: int
) -> Tensor:
    """Return 1x1 expansion, 3x3 depthwise and linear 1x1 projection of `x`, plus `x` if alike.

    The expansion is left out if it would not widen `x`; its width is a multiple of 8 whatever the
    depth multiplier. `x` is added when the stride in effect is 1 and the widths are equal.
    """
    shortcut, width = x, x.shape[-1]
    expanded = make_divisible(expansion * width, 8, 8)
    if expansion > 1 and expanded > width:
        x = conv_bn(x, expanded, 1, f"{name}.expand", NORM, _normal(), activation="relu6")
    x = depthwise_bn(x, f"{name}.depthwise", NORM, _normal(), strides, dilation, activation="relu6")
    x = conv_bn(x, filters, 1, f"{name}.project", NORM, _normal())
    if strides == 1 and filters == width:
        x = keras.layers.Add(name=f"{name}.add")([shortcut, x])
    return x


@dataclass(frozen=True)
class Reached:
    """Stride reached so far, and the dilation that later layers run with."""

    stride: int
    dilation: int = 1


def effective_stride(
    nominal_stride: int, reached: Reached, output_stride: int
) -> tuple[int, int, Reached]:
    """Return the stride and dilation of a layer, and what is reached after it.

    Once the output stride is reached, a layer keeps the current dilation, and its own stride
    multiplies the dilation of the layers after it.
    """
    if reached.stride < output_stride:
        return nominal_stride, 1, Reached(reached.stride * nominal_stride)
    later = Reached(reached.stride, reached.dilation * nominal_stride)
    return 1, reached.dilation, later


def scaled_channels(channels: int, depth_multiplier: float) -> int:
    """Return the width of a layer: multiples of 8 at multiplier 1, any integer at another."""
    divisor = 8 if depth_multiplier == 1.0 else 1
    return make_divisible(channels * depth_multiplier, divisor, divisor)


def make_divisible(value: float, divisor: int, minimum: int) -> int:
    """Return the multiple of `divisor` nearest to `value`: >= `minimum`, never 10 % below."""
    rounded = max(minimum, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


def _normal() -> keras.initializers.Initializer:
    return keras.initializers.TruncatedNormal(stddev=0.09)
