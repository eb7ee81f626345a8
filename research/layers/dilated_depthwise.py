"""A depthwise convolution whose taps are apart on maps of any size in one graph."""

from typing import Any

import keras

from roadseg.ops.dilated import dilated_depthwise

Tensor = Any


@keras.saving.register_keras_serializable(package="roadseg")
class DilatedDepthwiseConv2D(keras.layers.DepthwiseConv2D):
    """Keras's depthwise convolution at stride 1; see `ops.dilated.dilated_depthwise`."""

    def call(self, inputs: Tensor) -> Tensor:
        """Return (batch, height, width, channels * depth_multiplier)."""
        if self.strides != (1, 1) or self.data_format != "channels_last":
            return super().call(inputs)
        found = dilated_depthwise(inputs, self.kernel, self.dilation_rate, self.padding)
        found = found if self.bias is None else found + self.bias
        return found if self.activation is None else self.activation(found)
