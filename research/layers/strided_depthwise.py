"""A depthwise convolution with a stride and a dilation at once, which TensorFlow refuses."""

from typing import Any

import keras
from keras import ops

Tensor = Any
Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable("roadseg")
class StridedDilatedDepthwiseConv2D(keras.layers.DepthwiseConv2D):
    """Reads every `stride`-th place with taps `dilation` pixels apart, padded alike on all sides.

    Nothing is computed that is thrown away: as many multiply-adds as outputs times taps.
    """

    def __init__(self, kernel_size: Any, stride: int, dilation: int, **kwargs: Any) -> None:
        """Keep both; the rest is that of `DepthwiseConv2D`, without bias unless asked for."""
        super().__init__(kernel_size, **kwargs)
        self.stride = stride
        self.dilation = dilation

    def call(self, inputs: Tensor) -> Tensor:
        """Return (batch, ceil(height / stride), ceil(width / stride), channels)."""
        rows, columns = self.kernel_size
        pads = [(0, 0), *((self.dilation * (taps // 2),) * 2 for taps in (rows, columns)), (0, 0)]
        height, width = (self._after(side) for side in ops.shape(inputs)[1:3])
        padded = ops.pad(inputs, pads)
        kernel = ops.cast(self.kernel, padded.dtype)
        total = None
        # One slice a tap, in place of the convolution that TensorFlow refuses.
        for row in range(rows):
            below = self._places(row, height)
            for column in range(columns):
                seen = padded[:, below, self._places(column, width)]
                part = seen * kernel[row, column, :, 0]
                total = part if total is None else total + part
        return total if self.bias is None else total + self.bias

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape with both sides divided by the stride and rounded up."""
        sides = [side and self._after(side) for side in input_shape[1:3]]
        return (input_shape[0], *sides, input_shape[3])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "stride": self.stride, "dilation": self.dilation}

    def _after(self, side: Any) -> Any:
        return (side + self.stride - 1) // self.stride

    def _places(self, tap: int, count: Any) -> slice:
        first = tap * self.dilation
        return slice(first, first + (count - 1) * self.stride + 1, self.stride)
