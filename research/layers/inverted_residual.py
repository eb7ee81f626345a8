"""MobileNetV3's block: widen, filter each channel by itself, narrow, with squeeze-excite between.

Paper: Howard et al. 2019 (arXiv:1905.02244), after Sandler et al. 2018 (arXiv:1801.04381).
PyTorch's networks place squeeze-excite and shortcuts each in its own way: `Form` says how. The
block of TF-slim's MobileNetV2, which pads as TensorFlow does, is in `backbones.mobilenet_v2`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import keras

from roadseg.layers.conv_bn import BatchNorm, batch_norm
from roadseg.layers.convolution import (
    TORCH_NORM,
    activate,
    conv_norm,
    depthwise_conv,
    uniform_fan_in,
)

Tensor = Any
Pair = tuple[str, str]
Initializers = Callable[[], keras.initializers.Initializer]


@dataclass(frozen=True)
class Form:
    """What the blocks of one network have in common; names are below that of the block.

    Pairs name a convolution and its normalisation.
    """

    expand: Pair
    depthwise: Pair
    project: Pair
    squeeze: tuple[str, ...]
    """Layers of squeeze-excite: two dense ones, or two 1x1 convolutions, each with its norm."""
    squeeze_at: Literal["depthwise", "output"]
    """Between the depthwise layer's norm and activation, or on what the projection gives."""
    shortcut: Pair | None = None
    """Projection of the shortcut where widths differ at stride 1; None: none is added there."""
    norm: BatchNorm = TORCH_NORM
    initializer: Initializers | None = None
    """Of kernels; None for PyTorch's default. Made anew for each: making one draws a seed, and one
    made at import would draw it before or after a user sets theirs."""
    depthwise_initializer: Initializers | None = None
    """Of depthwise kernels, whose fans Keras counts otherwise than PyTorch."""


def inverted_residual(
    x: Tensor,
    filters: int,
    expanded: int,
    kernel_size: int,
    name: str,
    form: Form,
    strides: int = 1,
    dilation: int = 1,
    activation: str = "relu",
    squeezed: bool = False,
) -> Tensor:
    """Return 1x1 to `expanded` channels, depthwise, and linear 1x1 to `filters`, plus a shortcut.

    x: (batch, height, width, channels); sides are divided by `strides` and rounded up.
    kernel_size, strides, dilation: of the depthwise layer, padded alike on both sides.
    activation: after the first and the second normalisation; none follows the sum.
    squeezed: whether squeeze-excite takes part. A shortcut is added at stride 1 alone.
    """
    shortcut = x
    names = _below(name, form.expand)
    x = conv_norm(
        x, expanded, 1, names, activation=activation, norm=form.norm, initializer=_own(form)
    )
    convolution, normalisation = _below(name, form.depthwise)
    initializer = form.depthwise_initializer and form.depthwise_initializer()
    x = depthwise_conv(x, convolution, strides, dilation, initializer, kernel_size)
    x = batch_norm(x, form.norm, normalisation)
    if squeezed and form.squeeze_at == "depthwise":
        x = squeeze_excite(x, name, form)
    x = activate(x, f"{normalisation}.{activation}", activation)
    x = _linear(x, filters, _below(name, form.project), form)
    if squeezed and form.squeeze_at == "output":
        x = squeeze_excite(x, name, form)
    if strides > 1:
        return x
    return _with_shortcut(x, shortcut, name, form)


def squeeze_excite(x: Tensor, name: str, form: Form) -> Tensor:
    """Return `x`, each channel times a factor between 0 and 1 that the whole image decides.

    The mean of each channel goes through two layers without bias, the first a quarter as wide
    (rounded down) with ReLU, the second with hard sigmoid, relu6(x + 3) / 6.
    Where the layers have batch normalisation, that sees one value an image: in training a batch of
    one image would give it nothing but its offset.
    """
    channels = x.shape[-1]
    factor = keras.layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}.squeeze.mean")(x)
    steps = zip((channels // 4, channels), ("relu", "hard_sigmoid"), strict=True)
    for number, (width, activation) in enumerate(steps):
        if len(form.squeeze) == 2:
            kernels = _kernels(form, factor.shape[-1])
            layer = f"{name}.{form.squeeze[number]}"
            factor = keras.layers.Dense(
                width, use_bias=False, kernel_initializer=kernels, name=layer
            )(factor)
        else:
            layer, norm = form.squeeze[2 * number : 2 * number + 2]
            factor = _linear(factor, width, _below(name, (layer, norm)), form)
        factor = activate(factor, f"{name}.squeeze.{activation}", activation)
    return keras.layers.Multiply(name=f"{name}.squeeze.product")([x, factor])


def _with_shortcut(x: Tensor, shortcut: Tensor, name: str, form: Form) -> Tensor:
    if shortcut.shape[-1] != x.shape[-1]:
        if form.shortcut is None:
            return x
        shortcut = _linear(shortcut, x.shape[-1], _below(name, form.shortcut), form)
    return keras.layers.Add(name=f"{name}.sum")([x, shortcut])


def _linear(x: Tensor, filters: int, names: Pair, form: Form) -> Tensor:
    """Return 1x1 convolution and normalisation of `x`."""
    return conv_norm(x, filters, 1, names, activation=None, norm=form.norm, initializer=_own(form))


def _own(form: Form) -> keras.initializers.Initializer | None:
    return form.initializer() if form.initializer else None


def _kernels(form: Form, fan_in: int) -> keras.initializers.Initializer:
    return form.initializer() if form.initializer else uniform_fan_in(fan_in)


def _below(name: str, pair: Pair) -> Pair:
    convolution, normalisation = pair
    return f"{name}.{convolution}", f"{name}.{normalisation}"
