"""STDC, versions 1 and 2: blocks that halve their width from layer to layer and keep every part.

Paper: Fan et al. 2021, "Rethinking BiSeNet" (arXiv:2104.13188): STDCNet813 and STDCNet1446.
Source: lxtGH/SFSegNets, commit ba475ba (MIT), after MichaelFan01/STDC-Seg.
Changed: the classifier is left out, since no feature depends on it.
"""

import keras

from roadseg.layers.conv_bn import batch_norm
from roadseg.layers.convolution import (
    TORCH_NORM,
    Tensor,
    conv_norm,
    depthwise_conv,
    normal_fan_out,
)
from roadseg.layers.pooling import AveragePooling

STEM = (32, 64)
FILTERS = (256, 512, 1024)
BLOCKS = {1: (2, 2, 2), 2: (4, 5, 3)}
"""Blocks of each stage, the first at stride 2."""
NEVER_RUN = ("conv_last.", "fc.", "bn.", "linear.", "x2.", "x4.", "x8.", "x16.", "x32.")
"""How names in checkpoints begin that are no feature's: the classifier, then the features again."""


def stdc(x: Tensor, version: int, prefix: str = "backbone.") -> list[Tensor]:
    """Return the maps at 1/4 (64 channels), 1/8 (256), 1/16 (512) and 1/32 (1024).

    x: (batch, height, width, 3), any size; each of five strides of 2 rounds a side up.
    version: 1 or 2. prefix: of every layer's name; then the published one (`features.2.conv_list`).
    Kernels begin as He's for backbones. Raises ValueError for another version.
    """
    if version not in BLOCKS:
        raise ValueError(f"version={version!r}; STDC has {', '.join(map(str, BLOCKS))}")
    for index, filters in enumerate(STEM):
        x = _conv(x, filters, 3, f"{prefix}features.{index}", strides=2)
    # The original holds stem and blocks in one sequence, so their numbers go on.
    maps, index = [x], len(STEM)
    for blocks, filters in zip(BLOCKS[version], FILTERS, strict=True):
        for unit in range(blocks):
            x = _block(x, filters, f"{prefix}features.{index}", strides=1 if unit else 2)
            index += 1
        maps.append(x)
    return maps


def _block(x: Tensor, filters: int, name: str, strides: int) -> Tensor:
    """Return a half, a quarter and twice an eighth of the channels, each made from the one before.

    At stride 2 a depthwise convolution leads from the first to the second, and the first itself
    is averaged.
    """
    first = _conv(x, filters // 2, 1, f"{name}.conv_list.0")
    x = first
    if strides > 1:
        x = depthwise_conv(x, f"{name}.avd_layer.0", strides, initializer=_normal_fan_out(x))
        x = batch_norm(x, TORCH_NORM, f"{name}.avd_layer.1")
        first = AveragePooling(name=f"{name}.skip")(first)
    parts = [first]
    for number, width in enumerate((filters // 4, filters // 8, filters // 8), start=1):
        x = _conv(x, width, 3, f"{name}.conv_list.{number}")
        parts.append(x)
    return keras.layers.Concatenate(name=f"{name}.concatenated")(parts)


def _conv(x: Tensor, filters: int, kernel_size: int, name: str, strides: int = 1) -> Tensor:
    names = (f"{name}.conv", f"{name}.bn")
    return conv_norm(x, filters, kernel_size, names, strides, initializer=normal_fan_out())


def _normal_fan_out(x: Tensor) -> keras.initializers.Initializer:
    """Return He's for a depthwise 3x3, which PyTorch takes for one of as many filters."""
    return keras.initializers.RandomNormal(0.0, (2 / (9 * x.shape[-1])) ** 0.5)
