"""Resizes as layers, for functional networks whose height and width are not known yet."""

from typing import Any

import keras
from keras import ops

from roadseg.ops.resize import Corners, Tensor, resize_bilinear


@keras.saving.register_keras_serializable("roadseg")
class ResizeLike(keras.layers.Layer):
    """Resizes its first input bilinearly to the height and width of its second."""

    def __init__(self, align_corners: Corners = True, **kwargs: Any) -> None:
        """Keep the convention; `align_corners` is the argument of `ops.resize.resize_bilinear`."""
        super().__init__(**kwargs)
        self.align_corners = align_corners

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
        return {**super().get_config(), "align_corners": self.align_corners}
