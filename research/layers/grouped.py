"""Convolutions in groups that every device can train, and export to every format."""

from typing import Any

import keras
from keras import ops

from roadseg.ops.dilated import dilated_depthwise

Tensor = Any
FEW = 8
"""Groups up to which one convolution for each is faster than one depthwise one and sums."""


@keras.saving.register_keras_serializable("roadseg")
class GroupedConv2D(keras.layers.Conv2D):
    """A convolution whose g-th run of filters sees the g-th run of input channels alone.

    Weights, arguments and values are those of `keras.layers.Conv2D(groups=...)`. TensorFlow has no
    gradient for that on processors but compiled by XLA, which other formats do not take.
    """

    def convolution_op(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """Return the convolution of `inputs` (batch, height, width, channels), without bias.

        kernel: (rows, columns, channels / groups, filters).
        """
        if self.groups == 1:
            return super().convolution_op(inputs, kernel)
        if self.groups > FEW:
            return self._summed(inputs, kernel)
        parts = zip(
            ops.split(inputs, self.groups, axis=-1),
            ops.split(kernel, self.groups, axis=-1),
            strict=True,
        )
        convolve = super().convolution_op
        return ops.concatenate([convolve(part, own) for part, own in parts], axis=-1)

    def _summed(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """Return the same from a depthwise convolution, as many multiply-adds, and sums."""
        rows, columns, width, filters = kernel.shape
        each = filters // self.groups
        kernel = ops.reshape(kernel, (rows, columns, width, self.groups, each))
        kernel = ops.transpose(kernel, (0, 1, 3, 2, 4))
        kernel = ops.reshape(kernel, (rows, columns, self.groups * width, each))
        if self.strides == (1, 1) and self.data_format == "channels_last":
            maps = dilated_depthwise(inputs, kernel, self.dilation_rate, self.padding)
        else:
            maps = ops.depthwise_conv(
                inputs,
                kernel,
                strides=self.strides,
                padding=self.padding,
                dilation_rate=self.dilation_rate,
                data_format=self.data_format,
            )
        if width == 1:
            return maps
        batch, height, breadth, _ = ops.shape(maps)
        maps = ops.reshape(maps, (batch, height, breadth, self.groups, width, each))
        return ops.reshape(ops.sum(maps, axis=4), (batch, height, breadth, filters))
