"""Un-sampling in two passes: along the grid's rows to pixel columns, then down the columns.

No search is needed: which segment of a row covers a pixel follows from counting the points that
are not beyond it. At 19 classes, 128x128 samples and 1024x2048 pixels, one core: 0.13 s for the
logits, 0.06 s for labels of a street (SciPy's griddata and argmax: 0.4 s and more).
"""

from typing import Any

from keras import ops

from roadseg.ops.best_class import MIXED, best_class, fill_mixed, may_skip
from roadseg.ops.gather import gather_rows
from roadseg.sampling.grid import Tensor
from roadseg.sampling.polyline import blend, fraction, segment_of_pixel


def interpolate(
    logits: Tensor, position_px: Tensor, size: tuple[Any, Any], portable: bool = False
) -> Tensor:
    """Return (batch, height, width, classes) from logits (batch, h, w, classes).

    position_px: (batch, h, w, 2), (row, column) in pixels. size: (height, width) of the result.
    portable: as in `segment_of_pixel`.
    """
    height, width = size
    row_px, values = along_rows(logits, position_px, width, portable)
    start = _first_of_pair(row_px, height, portable)
    pixel = ops.reshape(ops.arange(height, dtype="int32"), (-1, 1))
    return _down_columns(row_px, values, start, pixel)


def labels(
    logits: Tensor,
    position_px: Tensor,
    size: tuple[Any, Any],
    skip: bool,
    portable: bool = False,
) -> Tensor:
    """Return the best class of every pixel, (batch, height, width) int32, as `interpolate` has it.

    A class that is best at both ends of a segment is best all along it, so class logits are needed
    only between ends of different classes.
    """
    if not may_skip(skip):
        return best_class(interpolate(logits, position_px, size, portable))
    height, width = size
    row_px, values = along_rows(logits, position_px, width, portable)
    start = _first_of_pair(row_px, height, portable)

    def logits_at(pixels: Tensor) -> Tensor:
        row = (pixels // width) % height
        return _down_columns(row_px, values, gather_rows(ops.reshape(start, (-1,)), pixels), row)

    return fill_mixed(_class_or_mixed(values, start), logits_at)


def interpolated_share(logits: Tensor, position_px: Tensor, size: tuple[Any, Any]) -> Tensor:
    """Return the share of each image's pixels whose class logits `labels` computes, (batch,)."""
    row_px, values = along_rows(logits, position_px, size[1])
    mixed = _class_or_mixed(values, _first_of_pair(row_px, size[0], False)) == MIXED
    return ops.mean(ops.cast(mixed, "float32"), axis=(1, 2))


def _class_or_mixed(values: Tensor, start: Tensor) -> Tensor:
    """Return each pixel's class where both ends of its segment have the same, else MIXED."""
    best = best_class(values)
    # One row more than there are segments, so that segments and rows share their flat positions.
    below = ops.concatenate([best[:, 1:], best[:, :1]], axis=1)
    plain = ops.where(best == below, best, MIXED)
    return gather_rows(ops.reshape(plain, (-1,)), start)


def along_rows(
    logits: Tensor, position_px: Tensor, width: Any, portable: bool = False
) -> tuple[Tensor, Tensor]:
    """Return each grid row at every pixel column: its height in pixels, and the logits there.

    Returns (batch, h, width) and (batch, h, width, classes). portable: as in `segment_of_pixel`.
    """
    # Images and grid rows are lines alike, so they share one axis.
    batch, h, w, classes = ops.shape(logits)
    row_px = ops.reshape(position_px[..., 0], (-1,))
    column_px = ops.reshape(position_px[..., 1], (-1,))
    lines = ops.reshape(column_px, (batch * h, w, 1))
    segment = segment_of_pixel(lines, width, portable)[..., 0]
    start = segment + ops.reshape(ops.arange(batch * h, dtype="int32"), (-1, 1)) * w
    pixel = ops.cast(ops.arange(width, dtype="int32"), "float32")
    weight = fraction(pixel, gather_rows(column_px, start), gather_rows(column_px, start + 1))
    row_px = blend(gather_rows(row_px, start), gather_rows(row_px, start + 1), weight)
    table = ops.reshape(logits, (-1, classes))
    first, second = gather_rows(table, start), gather_rows(table, start + 1)
    values = blend(first, second, ops.expand_dims(weight, -1))
    return (
        ops.reshape(row_px, (batch, h, width)),
        ops.reshape(values, (batch, h, width, classes)),
    )


def _first_of_pair(row_px: Tensor, height: Any, portable: bool) -> Tensor:
    """Return, for each pixel, the flat position in `row_px` of the grid row above it, int32."""
    batch, h, width = ops.shape(row_px)
    image = ops.reshape(ops.arange(batch, dtype="int32"), (-1, 1, 1)) * h
    segment = segment_of_pixel(row_px, height, portable)
    return (segment + image) * width + ops.arange(width, dtype="int32")


def _down_columns(row_px: Tensor, values: Tensor, start: Tensor, pixel_row: Tensor) -> Tensor:
    """Return logits between the grid rows at `start` and the ones below them."""
    width, classes = ops.shape(values)[2:]
    end = start + width
    flat = ops.reshape(row_px, (-1,))
    pixel = ops.cast(pixel_row, "float32")
    weight = fraction(pixel, gather_rows(flat, start), gather_rows(flat, end))
    table = ops.reshape(values, (-1, classes))
    first, second = gather_rows(table, start), gather_rows(table, end)
    return blend(first, second, ops.expand_dims(weight, -1))
