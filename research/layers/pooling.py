"""Poolings as layers, for functional networks whose height and width are not known yet."""

from typing import Any

import keras

from roadseg.ops.pooling import adaptive_average_pool, average_pool, max_pool

Tensor = Any
Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable("roadseg")
class AdaptiveAveragePooling(keras.layers.Layer):
    """Averages over overlapping bins to a fixed number of rows and columns."""

    def __init__(self, size: int | tuple[int, int], **kwargs: Any) -> None:
        """Keep the number of bins, one for both axes or (rows, columns)."""
        super().__init__(**kwargs)
        self.size = (size, size) if isinstance(size, int) else tuple(size)

    def call(self, x: Tensor) -> Tensor:
        """Return (batch, *size, channels)."""
        return adaptive_average_pool(x, self.size)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape after pooling."""
        return (input_shape[0], *self.size, input_shape[3])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable("roadseg")
class MaxPooling(keras.layers.Layer):
    """Takes the 3x3 maximum at stride 2 of what follows a ReLU, padded by 1."""

    def __init__(self, ceil_mode: bool = False, **kwargs: Any) -> None:
        """Keep the rounding of sides; see `ops.pooling.max_pool`."""
        super().__init__(**kwargs)
        self.ceil_mode = ceil_mode

    def call(self, x: Tensor) -> Tensor:
        """Return about half the height and width of `x`, which has no value below 0."""
        return max_pool(x, self.ceil_mode)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape after pooling."""
        up = 0 if self.ceil_mode else 1
        sides = [None if side is None else (side - up) // 2 + 1 for side in input_shape[1:3]]
        return (input_shape[0], *sides, input_shape[3])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "ceil_mode": self.ceil_mode}


@keras.saving.register_keras_serializable("roadseg")
class AveragePooling(keras.layers.Layer):
    """Averages 3x3 windows at stride 2, padded by zeros that count."""

    def call(self, x: Tensor) -> Tensor:
        """Return half the height and width of `x`, rounded up."""
        return average_pool(x, 3, strides=2, padding=1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape after pooling."""
        sides = [None if side is None else (side - 1) // 2 + 1 for side in input_shape[1:3]]
        return (input_shape[0], *sides, input_shape[3])
