"""A trainable value for each cell of a map, to which a network adds what the image says."""

from typing import Any

import keras
from keras import ops

Tensor = Any


@keras.saving.register_keras_serializable("roadseg")
class CellBias(keras.layers.Layer):
    """Adds a trainable map, zero at first, to maps (batch, rows, columns) of one fixed size.

    The weight `cells` has shape (rows, columns). Of a density it is the logarithm of the prior:
    what is likely before the image was looked at.
    """

    def build(self, input_shape: tuple) -> None:
        """Make the weight for maps of `input_shape` (batch, rows, columns)."""
        self.cells = self.add_weight(
            shape=tuple(input_shape[1:3]), initializer="zeros", name="cells"
        )
        self.built = True

    def call(self, maps: Tensor) -> Tensor:
        """Return maps plus the weight."""
        return maps + ops.cast(self.cells, maps.dtype)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the shape of the maps."""
        return input_shape


@keras.saving.register_keras_serializable("roadseg")
class FixedCells(keras.layers.Layer):
    """Gives the same map (batch, rows, columns) for any images (batch, height, width, channels).

    The weight `cells` has shape (rows, columns), zero at first, and is not trained but set.
    size: (rows, columns).
    """

    def __init__(self, size: tuple[int, int], **options: Any) -> None:
        """Keep the size; `options` are those of every Keras layer."""
        super().__init__(**options)
        self.size = int(size[0]), int(size[1])

    def build(self, input_shape: tuple) -> None:
        """Make the weight."""
        self.cells = self.add_weight(
            shape=self.size, initializer="zeros", name="cells", trainable=False
        )
        self.built = True

    def call(self, images: Tensor) -> Tensor:
        """Return the weight once for each image."""
        return ops.broadcast_to(self.cells, (ops.shape(images)[0], *self.size))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return (batch, *size)."""
        return (input_shape[0], *self.size)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "size": self.size}
