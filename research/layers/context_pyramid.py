"""Pyramids of averages over ever larger windows, where DDRNet and PIDNet gather context.

Papers: Hong et al. 2021 (arXiv:2101.06085), section III-C; Xu et al. 2022 (arXiv:2206.02066),
section 4.2.
"""

from typing import Any

import keras

from roadseg.layers.pooling import AdaptiveAveragePooling, SpatialAwarePooling
from roadseg.layers.pre_activation import norm_relu_conv
from roadseg.layers.resize import ResizeLike

Tensor = Any
WINDOWS = 3
"""Windows of 5, 9 and 17 pixels at strides 2, 4 and 8, what lies outside counted as 0."""
GROUPS = 4


def deep_aggregation_pyramid(x: Tensor, width: int, filters: int, name: str) -> Tensor:
    """Return `x` (batch, height, width, channels) with its context, `filters` channels.

    Each scale is enlarged, added to the one before it, and convolved 3x3; all five are joined.
    Layers: `name.scale0` .. `scale4`, `process1` .. `process4`, `compression`, `shortcut`.
    Source: ydhongHIT/DDRNet de0db31, `DAPPM`.
    """
    scales = _scales(x, width, name)
    maps = scales[:1]
    for number, scale in enumerate(scales[1:], start=1):
        process = f"{name}.process{number}"
        total = keras.layers.Add(name=f"{process}.sum")([scale, maps[-1]])
        maps.append(norm_relu_conv(total, width, 3, (f"{process}.0", f"{process}.2")))
    return _joined(x, maps, filters, name)


def parallel_aggregation_pyramid(x: Tensor, width: int, filters: int, name: str) -> Tensor:
    """Return `x` with its context, `filters` channels; the scales do not wait for each other.

    Each scale is enlarged and added to the first; one convolution in four groups sees them all.
    Layers: `name.scale0` .. `scale4`, `scale_process`, `compression`, `shortcut`.
    Source: XuJiacong/PIDNet 4c158cf, `PAPPM`.
    """
    first, *others = _scales(x, width, name)
    sums = [
        keras.layers.Add(name=f"{name}.scale{number}.sum")([scale, first])
        for number, scale in enumerate(others, start=1)
    ]
    both = keras.layers.Concatenate(name=f"{name}.scale_process.concatenated")(sums)
    process = (f"{name}.scale_process.0", f"{name}.scale_process.2")
    both = norm_relu_conv(both, GROUPS * width, 3, process, groups=GROUPS)
    return _joined(x, [first, both], filters, name)


def _scales(x: Tensor, width: int, name: str) -> list[Tensor]:
    """Return `x` at five scales, `width` channels: as it is, windows enlarged, and the mean (1x1).

    The mean is one pixel, which sums spread over the map: what enlarging it would give.
    """
    pooled = SpatialAwarePooling(WINDOWS, count_padding=True, name=f"{name}.windows")(x)
    maps = [norm_relu_conv(x, width, 1, (f"{name}.scale0.0", f"{name}.scale0.2"))]
    for number, window in enumerate(pooled, start=1):
        scale = f"{name}.scale{number}"
        window = norm_relu_conv(window, width, 1, (f"{scale}.1", f"{scale}.3"))
        maps.append(ResizeLike("half_pixel", name=f"{scale}.up")([window, x]))
    mean = f"{name}.scale{WINDOWS + 1}"
    whole = AdaptiveAveragePooling(1, name=f"{mean}.0")(x)
    return [*maps, norm_relu_conv(whole, width, 1, (f"{mean}.1", f"{mean}.3"))]


def _joined(x: Tensor, maps: list[Tensor], filters: int, name: str) -> Tensor:
    joined = keras.layers.Concatenate(name=f"{name}.compression.concatenated")(maps)
    parts = [
        norm_relu_conv(part, filters, 1, (f"{name}.{layer}.0", f"{name}.{layer}.2"))
        for layer, part in (("compression", joined), ("shortcut", x))
    ]
    return keras.layers.Add(name=f"{name}.sum")(parts)
