"""Poolings as layers, for functional networks whose height and width are not known yet."""

from typing import Any, Literal

import keras

from roadseg.ops.pooling import (
    adaptive_average_pool,
    average_pool,
    average_windows,
    max_pool,
    maximum_windows,
    proportionate_average_pool,
)

Tensor = Any
Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable("roadseg")
class AdaptiveAveragePooling(keras.layers.Layer):
    """Averages over overlapping bins to a fixed number of rows and columns."""

    def __init__(self, size: int | tuple[int, int], **kwargs: Any) -> None:
        """Keep the number of bins, one for both axes or (rows, columns)."""
        super().__init__(**kwargs)
        rows, columns = (size, size) if isinstance(size, int) else size
        self.size = (rows, columns)

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
    """Takes the 3x3 maximum at stride 2, padded by 1; of what follows a ReLU unless `signed`."""

    def __init__(self, ceil_mode: bool = False, signed: bool = False, **kwargs: Any) -> None:
        """Keep the rounding of sides and the kind of padding; see `ops.pooling.max_pool`."""
        super().__init__(**kwargs)
        self.ceil_mode = ceil_mode
        self.signed = signed

    def call(self, x: Tensor) -> Tensor:
        """Return about half the height and width of `x`; values below 0 want `signed`."""
        return max_pool(x, self.ceil_mode, self.signed)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape after pooling."""
        up = 0 if self.ceil_mode else 1
        sides = [None if side is None else (side - up) // 2 + 1 for side in input_shape[1:3]]
        return (input_shape[0], *sides, input_shape[3])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "ceil_mode": self.ceil_mode, "signed": self.signed}


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


@keras.saving.register_keras_serializable("roadseg")
class ProportionateAveragePooling(keras.layers.Layer):
    """Averages to a fixed number of rows of about square bins, as SwiftNet's pyramid does."""

    def __init__(self, rows: int, **kwargs: Any) -> None:
        """Keep the number of rows; see `ops.pooling.proportionate_average_pool`."""
        super().__init__(**kwargs)
        self.rows = rows

    def call(self, x: Tensor) -> Tensor:
        """Return (batch, rows, columns as the aspect has it, channels)."""
        return proportionate_average_pool(x, self.rows)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape after pooling."""
        batch, height, width, channels = input_shape
        if height is None or width is None:
            return (batch, self.rows, None, channels)
        return (batch, self.rows, max(1, round(self.rows * width / height)), channels)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "rows": self.rows}


@keras.saving.register_keras_serializable("roadseg")
class SpatialAwarePooling(keras.layers.Layer):
    """Pools one map at strides 2, 4 .. 2^levels, over windows of twice the stride and one."""

    def __init__(
        self,
        levels: int,
        pool: Literal["average", "max"] = "average",
        count_padding: bool = False,
        **kwargs: Any,
    ) -> None:
        """Keep the number of poolings and their kind; see `ops.pooling.average_windows`.

        Raises ValueError for another kind.
        """
        super().__init__(**kwargs)
        if pool not in ("average", "max"):
            raise ValueError(f"pool={pool!r}; there are 'average' and 'max'")
        self.levels = levels
        self.pool = pool
        self.count_padding = count_padding

    def call(self, x: Tensor) -> list[Tensor]:
        """Return `levels` maps, finest first; sides are divided by the stride and rounded up."""
        if self.pool == "max":
            return maximum_windows(x, self.levels)
        strides = (2**level for level in range(1, self.levels + 1))
        return [average_windows(x, stride, self.count_padding) for stride in strides]

    def compute_output_shape(self, input_shape: Shape) -> list[Shape]:
        """Return the shape of each map."""
        batch, *sides, channels = input_shape
        return [
            (batch, *(side and -(-side // 2**level) for side in sides), channels)
            for level in range(1, self.levels + 1)
        ]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"levels": self.levels, "pool": self.pool, "count_padding": self.count_padding}
        return {**super().get_config(), **own}
