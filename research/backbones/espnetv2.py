"""ESPNetv2's backbone: depthwise dilated convolutions side by side between grouped 1x1s.

Paper: Mehta et al. 2018 (arXiv:1811.11431; CVPR 2019).
Source: sacmehta/EdgeNets, commit 2b232d3 (MIT).
"""

from typing import Any

import keras

from roadseg.layers.conv_bn import batch_norm
from roadseg.layers.convolution import TORCH_NORM, conv, depthwise_conv, normal_fan_out
from roadseg.layers.efficient_pyramid import depthwise_normal
from roadseg.layers.pooling import AveragePooling
from roadseg.layers.prelu import norm_prelu, prelu
from roadseg.layers.strided_depthwise import StridedDilatedDepthwiseConv2D

Tensor = Any
WIDTHS = {
    0.5: (16, 32, 64, 128),
    1.0: (32, 64, 128, 256),
    1.25: (32, 80, 160, 320),
    1.5: (32, 96, 192, 384),
    2.0: (32, 128, 256, 512),
}
"""Channels at 1/2, 1/4, 1/8 and 1/16, by the scale of the width."""
BLOCKS = {3: 3, 4: 7}
BRANCHES = 4
WIDE, NARROW = (1, 2, 3, 4), (1, 1, 2, 3)
"""Dilations of the branches; the deepest level's see at most 7 pixels."""
NEVER_RUN = tuple(f"level{level}_0.eesp.module_act." for level in (2, 3, 4))
"""Slopes that the original's down-samplers hold and do not use."""


def espnetv2_backbone(x: Tensor, s: float, prefix: str = "") -> list[Tensor]:
    """Return the maps at 1/2, 1/4, 1/8 and 1/16 of normalised images.

    x: (batch, height, width, 3). s: a key of `WIDTHS`. prefix: of every layer's name.
    Raises ValueError for another scale.
    """
    if s not in WIDTHS:
        raise ValueError(f"s={s!r}; there are {', '.join(map(str, WIDTHS))}")
    widths = WIDTHS[s]
    images = x
    x = _conv_norm_prelu(x, widths[0], 3, f"{prefix}level1", strides=2)
    small = AveragePooling(name=f"{prefix}half")(images)
    maps = [x]
    for level, width in enumerate(widths[1:], start=2):
        small = AveragePooling(name=f"{prefix}level{level}_0.image")(small)
        x = _down(x, small, width, f"{prefix}level{level}_0")
        for block in range(BLOCKS.get(level, 0)):
            dilations = NARROW if level == 4 else WIDE
            x = _block(x, dilations, f"{prefix}level{level}.{block}")
        maps.append(x)
    return maps


def _down(x: Tensor, images: Tensor, filters: int, name: str) -> Tensor:
    """Return `x` at half its size, joined by averages and by the image at that size."""
    pooled = AveragePooling(name=f"{name}.avg")(x)
    learned = _pyramid(x, filters - x.shape[-1], WIDE, f"{name}.eesp", strides=2)
    joined = keras.layers.Concatenate(name=f"{name}.concatenated")([pooled, learned])
    seen = _conv_norm_prelu(images, 3, 3, f"{name}.inp_reinf.0")
    seen = _conv_norm(seen, filters, 1, f"{name}.inp_reinf.1")
    joined = keras.layers.Add(name=f"{name}.sum")([joined, seen])
    return prelu(joined, f"{name}.act")


def _block(x: Tensor, dilations: tuple[int, ...], name: str) -> Tensor:
    inner = _pyramid(x, x.shape[-1], dilations, name)
    x = keras.layers.Add(name=f"{name}.sum")([x, inner])
    return prelu(x, f"{name}.module_act")


def _pyramid(
    x: Tensor, filters: int, dilations: tuple[int, ...], name: str, strides: int = 1
) -> Tensor:
    """Return depthwise branches of `x`, each added to the one before, mixed by a grouped 1x1."""
    x = _conv_norm_prelu(x, filters // BRANCHES, 1, f"{name}.proj_1x1", groups=BRANCHES)
    maps: list[Tensor] = []
    for number, dilation in enumerate(dilations):
        part = _depthwise(x, strides, dilation, f"{name}.spp_dw.{number}.conv")
        if maps:
            part = keras.layers.Add(name=f"{name}.spp_dw.{number}.sum")([part, maps[-1]])
        maps.append(part)
    x = keras.layers.Concatenate(name=f"{name}.concatenated")(maps)
    x = norm_prelu(x, TORCH_NORM, f"{name}.br_after_cat.bn", f"{name}.br_after_cat.act")
    return _conv_norm(x, filters, 1, f"{name}.conv_1x1_exp", groups=BRANCHES)


def _depthwise(x: Tensor, strides: int, dilation: int, name: str) -> Tensor:
    initializer = depthwise_normal(x.shape[-1])
    if 1 in (strides, dilation):
        return depthwise_conv(x, name, strides, dilation, initializer)
    return StridedDilatedDepthwiseConv2D(
        3,
        stride=strides,
        dilation=dilation,
        use_bias=False,
        depthwise_initializer=initializer,
        name=name,
    )(x)


def _conv_norm(
    x: Tensor, filters: int, kernel_size: int, name: str, strides: int = 1, groups: int = 1
) -> Tensor:
    x = conv(
        x,
        filters,
        kernel_size,
        f"{name}.conv",
        strides,
        initializer=normal_fan_out(),
        groups=groups,
    )
    return batch_norm(x, TORCH_NORM, f"{name}.bn")


def _conv_norm_prelu(
    x: Tensor, filters: int, kernel_size: int, name: str, strides: int = 1, groups: int = 1
) -> Tensor:
    x = _conv_norm(x, filters, kernel_size, name, strides, groups)
    return prelu(x, f"{name}.act")
