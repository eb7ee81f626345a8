"""Convolutions padded alike on both sides, as PyTorch pads, with its initial weights and norms.

Keras's `same` pads (0, 1) before a stride of 2 on even sides; these pad (1, 1).
"""

from functools import partial
from typing import Any

import keras

from roadseg.layers.conv_bn import BatchNorm, batch_norm
from roadseg.layers.dilated_depthwise import DilatedDepthwiseConv2D
from roadseg.layers.grouped import GroupedConv2D
from roadseg.ops.dilated import dilated_convolution

Tensor = Any
TORCH_NORM = BatchNorm(momentum=0.9, epsilon=1e-5)
"""PyTorch's defaults, its momentum 0.1 counted as Keras does."""


@keras.saving.register_keras_serializable(package="roadseg")
class DilatedConv2D(keras.layers.Conv2D):
    """Keras's convolution at stride 1, whose taps are apart on maps of any size in one graph."""

    def convolution_op(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """Return the convolution of `inputs` without bias; see `ops.dilated`."""
        if self.strides != (1, 1) or len(set(self.dilation_rate)) > 1 or self.groups > 1:
            return super().convolution_op(inputs, kernel)
        return dilated_convolution(inputs, kernel, self.dilation_rate[0], self.padding)


def uniform_fan_in(fan_in: int) -> keras.initializers.Initializer:
    """Return PyTorch's default for kernels and biases: uniform within 1 / sqrt(fan_in)."""
    bound = fan_in**-0.5
    return keras.initializers.RandomUniform(-bound, bound)


def normal_fan_out() -> keras.initializers.Initializer:
    """Return He's for backbones: normal, standard deviation sqrt(2 / (kernel area x filters))."""
    # Untruncated as PyTorch's; Keras's HeNormal is truncated.
    return keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")


def xavier() -> keras.initializers.Initializer:
    """Return PyTorch's xavier_uniform with the gain of a ReLU: by the mean of both fans."""
    return keras.initializers.VarianceScaling(2.0, "fan_avg", "uniform")


def conv(
    x: Tensor,
    filters: int,
    kernel_size: int,
    name: str,
    strides: int = 1,
    dilation: int = 1,
    padding: int | None = None,
    use_bias: bool = False,
    initializer: keras.initializers.Initializer | None = None,
    bias_initializer: keras.initializers.Initializer | None = None,
    groups: int = 1,
) -> Tensor:
    """Return the convolution of `x` (batch, height, width, channels).

    padding: zeros on each of the four sides; None for dilation (kernel_size - 1) / 2, which keeps
        the size at stride 1. Layers: `name`, and `name.pad` where Keras's own padding differs.
    initializer, bias_initializer: of the kernel, and of the bias if there is one, cloned: one that
        is called twice gives the same values twice. None for PyTorch's default.
    groups: each as many channels in and out, in the order they come in; see `GroupedConv2D`.
    """
    x, own = _padded(x, kernel_size, name, strides, dilation, padding)
    # A filter sees the channels of its own group alone.
    fan_in = kernel_size**2 * x.shape[-1] // groups
    kind: Any = DilatedConv2D if dilation > 1 else keras.layers.Conv2D
    if groups > 1:
        kind = partial(GroupedConv2D, groups=groups)
    return kind(
        filters,
        kernel_size,
        strides=strides,
        dilation_rate=dilation,
        padding=own,
        use_bias=use_bias,
        kernel_initializer=initializer.clone() if initializer else uniform_fan_in(fan_in),
        bias_initializer=bias_initializer.clone() if bias_initializer else uniform_fan_in(fan_in),
        name=name,
    )(x)


def depthwise_conv(
    x: Tensor,
    name: str,
    strides: int = 1,
    dilation: int = 1,
    initializer: keras.initializers.Initializer | None = None,
    kernel_size: int = 3,
) -> Tensor:
    """Return the depthwise counterpart of `conv`, without bias; it keeps the size at stride 1."""
    x, own = _padded(x, kernel_size, name, strides, dilation, None)
    kind: Any = DilatedDepthwiseConv2D if dilation > 1 else keras.layers.DepthwiseConv2D
    return kind(
        kernel_size,
        strides=strides,
        dilation_rate=dilation,
        padding=own,
        use_bias=False,
        depthwise_initializer=initializer.clone()
        if initializer
        else uniform_fan_in(kernel_size**2),
        name=name,
    )(x)


def conv_norm(
    x: Tensor,
    filters: int,
    kernel_size: int,
    names: tuple[str, str],
    strides: int = 1,
    dilation: int = 1,
    padding: int | None = None,
    activation: str | None = "relu",
    norm: BatchNorm = TORCH_NORM,
    initializer: keras.initializers.Initializer | None = None,
    use_bias: bool = False,
) -> Tensor:
    """Return convolution, without bias by default, batch normalisation, and `activation` of `x`.

    names: of the convolution and of the normalisation; the activation takes the second's.
    """
    convolution, normalisation = names
    x = conv(
        x,
        filters,
        kernel_size,
        convolution,
        strides=strides,
        dilation=dilation,
        padding=padding,
        use_bias=use_bias,
        initializer=initializer,
    )
    x = batch_norm(x, norm, normalisation)
    return activate(x, f"{normalisation}.{activation}", activation) if activation else x


def activate(x: Tensor, name: str, activation: str = "relu") -> Tensor:
    """Return `activation` of `x`, by a layer of this name."""
    return keras.layers.Activation(activation, name=name)(x)


def channel_dropout(x: Tensor, name: str) -> Tensor:
    """Return `x`, in training with a tenth of its feature maps dropped."""
    return keras.layers.SpatialDropout2D(0.1, name=name)(x)


def _padded(
    x: Tensor, kernel_size: int, name: str, strides: int, dilation: int, padding: int | None
) -> tuple[Tensor, str]:
    """Return `x` with its zeros, and what is left for the convolution to do itself."""
    keeps_size = dilation * (kernel_size - 1) // 2
    padding = keeps_size if padding is None else padding
    if padding == 0:
        return x, "valid"
    # At stride 1 Keras's `same` pads alike on both sides as well.
    if strides == 1 and padding == keeps_size:
        return x, "same"
    return keras.layers.ZeroPadding2D(padding, name=f"{name}.pad")(x), "valid"
