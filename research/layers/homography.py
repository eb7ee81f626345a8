"""The warp along a homography as a layer, for networks whose height and width are not known."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from roadseg.ops.homography import warp_by_homography, with_stretched_rows

Tensor = Any
Shape = tuple[int | None, ...]
Size = tuple[int, int]


@keras.saving.register_keras_serializable("roadseg")
class WarpByHomography(keras.layers.Layer):
    """Shows a map of one camera as another camera of the rig sees it, zero where it sees more."""

    def __init__(
        self,
        matrix: Sequence[Sequence[float]],
        size: Size | None = None,
        rows_short: int = 0,
        stretched: Sequence[Size] | None = None,
        align_corners: bool = True,
        **kwargs: Any,
    ) -> None:
        """Keep where to look.

        matrix: of `rig.Rig.sampling_matrix`, into the result's view.
        size: (height, width) of the result; None for that of the map, less `rows_short` rows.
        stretched: native (height, width) of the result's camera and of the map's, where
            intrinsics are to be scaled by the width alone; see `ops.homography`.
        align_corners: see `ops.homography.homography_points`.
        """
        super().__init__(**kwargs)
        # Plain numbers, which a saved configuration can hold.
        self.matrix = [[float(entry) for entry in row] for row in matrix]
        # A saved configuration gives lists back.
        self.size: Any = None if size is None else tuple(size)
        self.rows_short = rows_short
        self.stretched: Any = stretched and tuple(tuple(pair) for pair in stretched)
        self.align_corners = align_corners

    def call(self, maps: Tensor) -> Tensor:
        """Return (batch, rows, columns, channels) for maps (batch, height, width, channels)."""
        height, width = ops.shape(maps)[1:3]
        size = self.size or (self._rows(height), width)
        matrix: Any = self.matrix
        if self.stretched is not None:
            matrix = with_stretched_rows(matrix, size, *self.stretched)
        return warp_by_homography(maps, matrix, size, self.align_corners)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape after the warp."""
        batch, height, width, channels = input_shape
        rows = height if height is None else self._rows(height)
        return (batch, *(self.size or (rows, width)), channels)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "matrix": self.matrix,
            "size": self.size,
            "rows_short": self.rows_short,
            "stretched": self.stretched,
            "align_corners": self.align_corners,
        }

    def _rows(self, height: Any) -> Any:
        rows = height - self.rows_short
        return max(rows, 1) if isinstance(rows, int) else ops.maximum(rows, 1)
