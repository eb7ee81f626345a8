"""EfficientDet's fast normalised fusion: maps added in shares that training finds.

Paper: Tan et al. 2020 (arXiv:1911.09070), section 3.3.
"""

from typing import Any

import keras
from keras import ops

Tensor = Any
Shape = tuple[int | None, ...]
EPSILON = 1e-4


@keras.saving.register_keras_serializable("roadseg")
class WeightedFusion(keras.layers.Layer):
    """Adds maps of one shape, each times its rectified weight over the sum of all and 1e-4.

    A weight that training takes below 0 gets no gradient any more: that map stays out.
    """

    def build(self, input_shape: list[Shape]) -> None:
        """Make one weight a map, all ones."""
        # Shares are computed in full precision, whatever the maps are in.
        self.parameter = self.add_weight(
            name="parameter", shape=(len(input_shape),), initializer="ones", autocast=False
        )

    def call(self, inputs: list[Tensor]) -> Tensor:
        """Return the sum, of the shape of each input (batch, height, width, channels)."""
        kept = ops.relu(self.parameter)
        shares = ops.cast(kept / (ops.sum(kept) + EPSILON), self.compute_dtype)
        fused = shares[0] * inputs[0]
        for number, x in enumerate(inputs[1:], start=1):
            fused = fused + shares[number] * x
        return fused

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        """Return the shape of the first input."""
        return input_shape[0]
