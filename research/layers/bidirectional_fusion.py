"""SGCPNet's context propagation: five scales fused downwards, upwards, and downwards again.

Papers: Hao et al. 2022 (arXiv:2005.11034); the first pass is a BiFPN, Tan et al. 2020
(arXiv:1911.09070).
Source: zhouyuan888888/SGCPNet, commit ead5adf (no licence: only what it does was described).
"""

from collections.abc import Sequence
from typing import Any

from roadseg.layers.conv_bn import BatchNorm, batch_norm
from roadseg.layers.convolution import activate, conv, depthwise_conv
from roadseg.layers.pooling import MaxPooling
from roadseg.layers.resize import RepeatLike
from roadseg.layers.weighted_fusion import WeightedFusion

Tensor = Any
# PyTorch's momentum of 0.01, as Keras counts it.
NORM = BatchNorm(momentum=0.99, epsilon=1e-3)
WIDTH = 64
FINEST = 3
"""Level n lies at 1/2^n; levels 3 to 7 are fused."""


def both_ways(maps: Sequence[Tensor], name: str) -> list[Tensor]:
    """Return levels 3 to 7, fused from coarse to fine and back, 64 channels each.

    maps: levels 3, 4 and 5, (batch, height, width, any channels); each side is half the one
    before, rounded up, and goes on so for levels 6 and 7.
    On the way back levels 4 and 5 enter by a second projection of their own.
    """
    p3, p4, p5 = maps
    p6 = _halved(_projected(p5, f"{name}.p5_to_p6"), f"{name}.p5_to_p6.2")
    p7 = _halved(p6, f"{name}.p6_to_p7.0")
    narrow = [
        _projected(x, f"{name}.p{level}_down_channel")
        for level, x in enumerate((p3, p4, p5), start=FINEST)
    ]
    downwards = top_down([*narrow, p6, p7], name)
    again = [
        _projected(x, f"{name}.p{level}_down_channel_2")
        for level, x in enumerate((p4, p5), start=FINEST + 1)
    ]
    fused = [downwards[0]]
    # The coarsest level has nothing above it to be fused with on the way down.
    sources = [[*pair] for pair in zip((*again, p6), downwards[1:], strict=True)] + [[p7]]
    for level, own in enumerate(sources, start=FINEST + 1):
        finer = _halved(fused[-1], f"{name}.p{level}_downsample")
        fused.append(_fused([*own, finer], f"{name}.p{level}_w2", f"{name}.conv{level}_down"))
    return fused


def top_down(levels: Sequence[Tensor], name: str) -> list[Tensor]:
    """Return all levels but the coarsest, finest first, each fused with the coarser ones.

    levels: levels 3 to 7, of one number of channels.
    """
    *finer, x = levels
    fused: list[Tensor] = []
    for level, own in reversed([*enumerate(finer, start=FINEST)]):
        x = RepeatLike(name=f"{name}.p{level}_upsample")([x, own])
        x = _fused([own, x], f"{name}.p{level}_w1", f"{name}.conv{level}_up")
        fused.insert(0, x)
    return fused


def _fused(maps: list[Tensor], weights: str, convolution: str) -> Tensor:
    """Return the weighted sum of `maps` after swish and a separable convolution, normalised."""
    x = activate(WeightedFusion(name=weights)(maps), f"{weights}.swish", "silu")
    x = depthwise_conv(x, f"{convolution}.depthwise_conv.conv")
    x = conv(x, WIDTH, 1, f"{convolution}.pointwise_conv.conv", use_bias=True)
    return batch_norm(x, NORM, f"{convolution}.bn")


def _projected(x: Tensor, name: str) -> Tensor:
    """Return 64 channels of `x`, normalised; the convolution has a bias all the same."""
    return batch_norm(conv(x, WIDTH, 1, f"{name}.0.conv", use_bias=True), NORM, f"{name}.1")


def _halved(x: Tensor, name: str) -> Tensor:
    return MaxPooling(signed=True, name=name)(x)
