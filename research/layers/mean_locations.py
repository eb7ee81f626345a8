"""The trainable mean of a sampling grid, to which a network adds what this image asks for."""

from typing import Any

import keras
import numpy as np
from keras import ops

Tensor = Any


@keras.saving.register_keras_serializable("roadseg")
class MeanLocations(keras.layers.Layer):
    """Adds a trainable grid, the uniform one at first, to shifts of the same size.

    The weight `mean_locations` has shape (1, height, width, 2): (row, column), 0..1.
    Source: dmitrii-marin/adaptive-sampling, research/deeplab/nus.py (Apache 2.0).
    """

    def build(self, input_shape: tuple) -> None:
        """Make the weight for shifts of `input_shape` (batch, height, width, 2)."""
        height, width = input_shape[1:3]
        rows, columns = np.linspace(0, 1, height), np.linspace(0, 1, width)
        grid_yx01 = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1)[None]
        self.mean_locations = self.add_weight(
            shape=grid_yx01.shape,
            initializer=lambda shape, dtype: ops.convert_to_tensor(grid_yx01, dtype),
            name="mean_locations",
        )
        self.built = True

    def call(self, shifts: Tensor) -> Tensor:
        """Return shifts (batch, height, width, 2) plus the mean: a raw, unprojected grid."""
        return shifts + self.mean_locations

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the shape of the shifts."""
        return input_shape
