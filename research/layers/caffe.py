"""Caffe's average pooling and bilinear deconvolution as layers; see `ops.caffe`."""

from typing import Any

import keras

from roadseg.ops.caffe import bilinear_deconvolution, tile_average_pool

Tensor = Any
Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable("roadseg")
class TileAveragePooling(keras.layers.Layer):
    """Averages square tiles; the last of a row or column may be cut by the frame."""

    def __init__(self, side: int, **kwargs: Any) -> None:
        """Keep the side of a tile, which is kernel and stride at once."""
        super().__init__(**kwargs)
        self.side = side

    def call(self, x: Tensor) -> Tensor:
        """Return (batch, ceil(height / side), ceil(width / side), channels)."""
        return tile_average_pool(x, self.side)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape after pooling."""
        sides = [None if side is None else -(-side // self.side) for side in input_shape[1:3]]
        return (input_shape[0], *sides, input_shape[3])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "side": self.side}


@keras.saving.register_keras_serializable("roadseg")
class BilinearDeconvolution(keras.layers.Layer):
    """Enlarges by an even factor, zeros outside the frame; nothing in it is trained."""

    def __init__(self, factor: int, **kwargs: Any) -> None:
        """Keep the factor; raise ValueError for an odd one."""
        super().__init__(**kwargs)
        if factor % 2:
            raise ValueError(f"factor={factor}; an even one is needed")
        self.factor = factor

    def call(self, x: Tensor) -> Tensor:
        """Return (batch, factor x height, factor x width, channels)."""
        return bilinear_deconvolution(x, self.factor)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape after enlargement."""
        sides = [None if side is None else side * self.factor for side in input_shape[1:3]]
        return (input_shape[0], *sides, input_shape[3])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "factor": self.factor}
