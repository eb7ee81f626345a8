"""Xception-39: three stages of separable residual blocks, the fast backbone of BiSeNet's paper.

Paper: Yu et al. 2018, BiSeNet (arXiv:1808.00897), after Chollet 2017 (arXiv:1610.02357).
Source: lxtGH/Fast_Seg, commit 7895738 (Apache 2.0), where no network uses it.
"""

import keras

from roadseg.layers.convolution import Tensor, activate, conv_norm, depthwise_conv
from roadseg.layers.pooling import MaxPooling

STAGES = ((4, 16), (8, 32), (4, 64))
"""Blocks, and channels inside them, of each stage."""
EXPANSION = 4
"""Channels a block gives for each one inside it."""


def xception39(x: Tensor, prefix: str = "backbone.") -> list[Tensor]:
    """Return the stages at 1/8 (64 channels), 1/16 (128) and 1/32 (256).

    x: (batch, height, width, 3), any size; each of five strides of 2 rounds a side up.
    prefix: of every layer's name; then the published one (`layer1.0.residual_branch.0.conv1`).
    """
    x = conv_norm(x, 8, 3, (f"{prefix}conv1.conv", f"{prefix}conv1.bn"), strides=2)
    x = MaxPooling(name=f"{prefix}maxpool")(x)
    maps = []
    for stage, (blocks, inside) in enumerate(STAGES, start=1):
        for unit in range(blocks):
            x = _block(x, inside, f"{prefix}layer{stage}.{unit}", strides=1 if unit else 2)
        maps.append(x)
    return maps


def _block(x: Tensor, inside: int, name: str, strides: int) -> Tensor:
    """Return three separable convolutions beside a shortcut, which is projected at stride 2."""
    shortcut = x
    if strides > 1:
        shortcut = _separable(x, EXPANSION * inside, f"{name}.proj", strides, activation=None)
    branch = f"{name}.residual_branch"
    x = _separable(x, inside, f"{branch}.0", strides)
    x = _separable(x, inside, f"{branch}.1")
    x = _separable(x, EXPANSION * inside, f"{branch}.2", activation=None)
    return activate(keras.layers.Add(name=f"{name}.sum")([shortcut, x]), f"{name}.relu")


def _separable(
    x: Tensor, filters: int, name: str, strides: int = 1, activation: str | None = "relu"
) -> Tensor:
    """Return a depthwise 3x3, then 1x1; only the second has a normalisation."""
    x = depthwise_conv(x, f"{name}.conv1", strides=strides)
    names = (f"{name}.point_wise_cbr.conv", f"{name}.point_wise_cbr.bn")
    return conv_norm(x, filters, 1, names, activation=activation)
