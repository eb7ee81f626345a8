"""Resizes as layers, for functional networks whose height and width are not known yet."""

from typing import Any

import keras
from keras import ops

from roadseg.ops.resize import Corners, Tensor, resize_bilinear, resize_nearest


@keras.saving.register_keras_serializable("roadseg")
class ResizeLike(keras.layers.Layer):
    """Resizes its first input bilinearly to the height and width of its second."""

    def __init__(
        self, align_corners: Corners = True, in_original: bool = False, **kwargs: Any
    ) -> None:
        """Keep the convention; `align_corners` is the argument of `ops.resize.resize_bilinear`.

        in_original: the original network makes this resize itself. Without it the layer stands for
            one that the original's users make, of logits to the size of the image.
        """
        super().__init__(**kwargs)
        self.align_corners = align_corners
        self.in_original = in_original

    def call(self, inputs: list[Tensor]) -> Tensor:
        """Return inputs[0] (B, h, w, C) as (B, H, W, C), for inputs[1] of shape (B, H, W, any)."""
        images, like = inputs
        return resize_bilinear(images, tuple(ops.shape(like)[1:3]), self.align_corners)

    def compute_output_shape(self, input_shape: list[tuple]) -> tuple:
        """Return the first shape with the second's height and width."""
        images, like = input_shape
        return (images[0], like[1], like[2], images[3])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "align_corners": self.align_corners,
            "in_original": self.in_original,
        }


@keras.saving.register_keras_serializable("roadseg")
class RepeatLike(keras.layers.Layer):
    """Repeats the pixels of its first input to the height and width of its second."""

    def call(self, inputs: list[Tensor]) -> Tensor:
        """Return inputs[0] (B, h, w, C) as (B, H, W, C), for inputs[1] of shape (B, H, W, any)."""
        images, like = inputs
        return resize_nearest(images, tuple(ops.shape(like)[1:3]), align_corners=False)

    def compute_output_shape(self, input_shape: list[tuple]) -> tuple:
        """Return the first shape with the second's height and width."""
        images, like = input_shape
        return (images[0], like[1], like[2], images[3])


@keras.saving.register_keras_serializable("roadseg")
class ResizeBy(keras.layers.Layer):
    """Resizes bilinearly by a ratio of integers; sides are rounded down, but are at least 1."""

    def __init__(
        self, up: int = 1, down: int = 1, align_corners: Corners = True, **kwargs: Any
    ) -> None:
        """Keep the ratio, up / down, and the convention; see `ResizeLike`."""
        super().__init__(**kwargs)
        self.up = up
        self.down = down
        self.align_corners = align_corners

    def call(self, images: Tensor) -> Tensor:
        """Return images (B, h, w, C) as (B, h up // down, w up // down, C)."""
        height, width = ops.shape(images)[1:3]
        return resize_bilinear(images, (self._side(height), self._side(width)), self.align_corners)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the shape after resizing."""
        sides = [None if side is None else self._side(side) for side in input_shape[1:3]]
        return (input_shape[0], *sides, input_shape[3])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "up": self.up,
            "down": self.down,
            "align_corners": self.align_corners,
        }

    def _side(self, side: Any) -> Any:
        resized = side * self.up // self.down
        return max(resized, 1) if isinstance(resized, int) else ops.maximum(resized, 1)


@keras.saving.register_keras_serializable("roadseg")
class ResizeToMultiple(keras.layers.Layer):
    """Resizes bilinearly, corners aligned, to the next multiples of a number."""

    def __init__(self, multiple: int, **kwargs: Any) -> None:
        """Keep the number."""
        super().__init__(**kwargs)
        self.multiple = multiple

    def call(self, images: Tensor) -> Tensor:
        """Return images (B, h, w, C) with both sides rounded up."""
        height, width = ops.shape(images)[1:3]
        return resize_bilinear(images, (self._side(height), self._side(width)))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the shape after resizing."""
        sides = [side and self._side(side) for side in input_shape[1:3]]
        return (input_shape[0], *sides, input_shape[3])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "multiple": self.multiple}

    def _side(self, side: Any) -> Any:
        return (side + self.multiple - 1) // self.multiple * self.multiple
