"""Convolution, batch normalisation, activation: the block every network is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import keras

from roadseg.errors import RoadsegError
from roadseg.layers.dilated_depthwise import DilatedDepthwiseConv2D

Tensor = Any


@dataclass(frozen=True)
class BatchNorm:
    """Momentum (of the running value, as Keras counts it) and epsilon of a batch normalisation."""

    momentum: float
    epsilon: float


def batch_norm(x: Tensor, norm: BatchNorm, name: str) -> Tensor:
    """Return `x` normalised by a layer of this name, with scale and offset."""
    layer = keras.layers.BatchNormalization(momentum=norm.momentum, epsilon=norm.epsilon, name=name)
    return layer(x)


def conv_bn(
    x: Tensor,
    filters: int,
    kernel_size: int,
    name: str,
    norm: BatchNorm,
    initializer: keras.initializers.Initializer,
    strides: int = 1,
    activation: str | None = None,
) -> Tensor:
    """Return convolution (no bias, `same`), batch normalisation and activation of `x`.

    x: (batch, height, width, channels). Layers: `name`, `name.bn`, `name.<activation>`.
    At stride 2 `same` pads (0, 1) on even sizes, as TensorFlow does and PyTorch does not.
    """
    x = keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer=initializer,
        name=name,
    )(x)
    return _normalise_and_activate(x, name, norm, activation)


def depthwise_bn(
    x: Tensor,
    name: str,
    norm: BatchNorm,
    initializer: keras.initializers.Initializer,
    strides: int = 1,
    dilation: int = 1,
    activation: str | None = None,
) -> Tensor:
    """Return the 3x3 depthwise counterpart of `conv_bn`; layers are named alike.

    Raises ValueError when both a stride and a dilation are asked for.
    """
    if strides > 1 and dilation > 1:
        raise ValueError(f"{name}: stride {strides} and dilation {dilation} exclude each other")
    kind: Any = DilatedDepthwiseConv2D if dilation > 1 else keras.layers.DepthwiseConv2D
    x = kind(
        3,
        strides=strides,
        padding="same",
        dilation_rate=dilation,
        use_bias=False,
        depthwise_initializer=initializer,
        name=name,
    )(x)
    return _normalise_and_activate(x, name, norm, activation)


def synchronise_batch_norm(
    model: keras.Model, synchronised: bool = True, local: Sequence[str] = ()
) -> keras.Model:
    """Return `model` itself, every batch normalisation in it now taking moments over all replicas.

    local: patterns (*) of the names of those that take each replica's own.
    Call it before the first training step is traced. TensorFlow only: Keras's JAX backend has no
    such moments. Raises RoadsegError for a pattern that no batch normalisation answers to.
    """
    norms = [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    for pattern in local:
        if not any(fnmatchcase(layer.name, pattern) for layer in norms):
            near = ", ".join(layer.name for layer in norms[:2] + norms[-2:])
            raise RoadsegError(
                f"--batch-norm.unsynchronised {pattern}: no such batch normalisation; "
                f"there are {near} .."
            )
    for layer in norms:
        own = any(fnmatchcase(layer.name, pattern) for pattern in local)
        layer.synchronized = synchronised and not own
    return model


def freeze_statistics(model: keras.Model) -> keras.Model:
    """Return `model` itself, every batch normalisation now going by its running statistics.

    These stay as they are in training too; scale and offset can still be trained where they could.
    """
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            own = [(weight, weight.trainable) for weight in (layer.gamma, layer.beta)]
            # A frozen layer goes by its running statistics; Keras then freezes its weights too.
            layer.trainable = False
            for weight, trainable in own:
                weight.trainable = trainable
    return model


def _normalise_and_activate(
    x: Tensor, name: str, norm: BatchNorm, activation: str | None
) -> Tensor:
    x = batch_norm(x, norm, f"{name}.bn")
    if activation is None:
        return x
    return keras.layers.Activation(activation, name=f"{name}.{activation}")(x)
