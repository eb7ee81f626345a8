"""What decides between two maps pixel by pixel: PIDNet's attention and its boundary guide.

Paper: Xu et al. 2022 (arXiv:2206.02066), sections 4.1 and 4.3.
"""

from typing import Any

import keras
from keras import ops

Tensor = Any
Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable("roadseg")
class Similarity(keras.layers.Layer):
    """Multiplies two maps and adds up the channels."""

    def call(self, inputs: list[Tensor]) -> Tensor:
        """Return (batch, height, width, 1) for two maps of equal shapes."""
        first, second = inputs
        return ops.sum(first * second, axis=-1, keepdims=True)

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        """Return the first shape with one channel."""
        return (*input_shape[0][:-1], 1)


@keras.saving.register_keras_serializable("roadseg")
class GatedBlend(keras.layers.Layer):
    """Takes the share s = sigmoid(gate) of one map and the rest of another."""

    def call(self, inputs: list[Tensor]) -> Tensor:
        """Return s a + (1 - s) b for [a, b, gate]; the gate has one channel or as many as they."""
        first, second, gate = inputs
        share = ops.sigmoid(gate)
        return share * first + (1 - share) * second

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        """Return the shape of the maps."""
        return input_shape[0]


@keras.saving.register_keras_serializable("roadseg")
class Exchange(keras.layers.Layer):
    """Adds to each of two maps its share of the other, s = sigmoid(gate)."""

    def call(self, inputs: list[Tensor]) -> list[Tensor]:
        """Return [a + (1 - s) b, b + s a] for [a, b, gate], all of one shape."""
        first, second, gate = inputs
        share = ops.sigmoid(gate)
        return [first + (1 - share) * second, second + share * first]

    def compute_output_shape(self, input_shape: list[Shape]) -> list[Shape]:
        """Return the shapes of both maps."""
        return input_shape[:2]
