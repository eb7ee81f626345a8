"""Maps at other scales and back, by ratios of integers, as ESPNetv2's pyramid takes them."""

from typing import Any

import keras
from keras import ops

from roadseg.ops.pooling import adaptive_average_pool
from roadseg.ops.resize import resize_bilinear

Tensor = Any
Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable("roadseg")
class ScaledMap(keras.layers.Layer):
    """Enlarges bilinearly with aligned corners, or averages over overlapping bins to fewer."""

    def __init__(self, up: int, down: int, least: int = 1, **kwargs: Any) -> None:
        """Keep the ratio, up / down; sides are rounded up, and are `least` at least."""
        super().__init__(**kwargs)
        self.up = up
        self.down = down
        self.least = least

    def call(self, x: Tensor) -> Tensor:
        """Return (batch, height', width', channels); a ratio below 1 averages, even to more."""
        size = tuple(self._side(side) for side in ops.shape(x)[1:3])
        return resize_bilinear(x, size) if self.up > self.down else adaptive_average_pool(x, size)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape after scaling."""
        sides = [side and self._side(side) for side in input_shape[1:3]]
        return (input_shape[0], *sides, input_shape[3])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"up": self.up, "down": self.down, "least": self.least}
        return {**super().get_config(), **own}

    def _side(self, side: Any) -> Any:
        scaled = (side * self.up + self.down - 1) // self.down
        if isinstance(scaled, int):
            return max(scaled, self.least)
        return ops.maximum(scaled, self.least)


@keras.saving.register_keras_serializable("roadseg")
class AverageLike(keras.layers.Layer):
    """Averages its first input over bins, as many as its second has rows and columns."""

    def call(self, inputs: list[Tensor]) -> Tensor:
        """Return inputs[0] (B, h, w, C) as (B, H, W, C), for inputs[1] of shape (B, H, W, any)."""
        x, like = inputs
        return adaptive_average_pool(x, tuple(ops.shape(like)[1:3]))

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        """Return the first shape with the second's height and width."""
        x, like = input_shape
        return (x[0], like[1], like[2], x[3])


@keras.saving.register_keras_serializable("roadseg")
class ChannelShuffle(keras.layers.Layer):
    """Reorders channels: the first of every group, then the second of every group, and so on."""

    def __init__(self, groups: int, **kwargs: Any) -> None:
        """Keep the number of groups, of which each has equally many channels."""
        super().__init__(**kwargs)
        self.groups = groups

    def call(self, x: Tensor) -> Tensor:
        """Return `x` (batch, height, width, channels) in the new order."""
        channels = x.shape[-1]
        order = [
            group * (channels // self.groups) + place
            for place in range(channels // self.groups)
            for group in range(self.groups)
        ]
        return ops.take(x, order, axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the same shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "groups": self.groups}
