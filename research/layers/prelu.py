"""Batch normalisation and a ReLU with a slope below zero that is learned, one for each channel."""

from typing import Any

import keras

from roadseg.layers.conv_bn import BatchNorm, batch_norm

Tensor = Any


def prelu(x: Tensor, name: str) -> Tensor:
    """Return `x` (batch, height, width, channels), below zero times a slope that starts at 1/4."""
    slope = keras.initializers.Constant(0.25)
    return keras.layers.PReLU(slope, shared_axes=[1, 2], name=name)(x)


def norm_prelu(x: Tensor, norm: BatchNorm, normalisation: str, activation: str) -> Tensor:
    """Return `x` normalised, then `prelu` of it, by layers of these names."""
    return prelu(batch_norm(x, norm, normalisation), activation)
