"""Un-sampling through the fixed mesh of two triangles a cell.

A pixel's strip of cells, between two grid rows, is known from the first pass of `two_pass`; which
cell of the strip holds it, a few steps to the left or right find out. Each cell is cut from its
upper right to its lower left corner, as in `nus_native`.
"""

from typing import Any

from keras import ops

from roadseg.ops.best_class import MIXED, best_class, fill_mixed, may_skip
from roadseg.ops.gather import gather_rows
from roadseg.sampling.grid import Tensor
from roadseg.sampling.polyline import blend, fraction, segment_of_pixel
from roadseg.sampling.two_pass import along_rows

# Enough for the native logits, to 1.4e-5, on every exact 8x8 target of the fixtures enlarged to 64
# and 128 points; what has not settled is held within its cell.
STEPS = 4


def interpolate(
    logits: Tensor, position_px: Tensor, size: tuple[Any, Any], portable: bool = False
) -> Tensor:
    """Return (batch, height, width, classes) from logits (batch, h, w, classes).

    position_px: (batch, h, w, 2), (row, column) in pixels. size: (height, width) of the result.
    portable: as in `segment_of_pixel`.
    """
    cell = find_cells(position_px, size, portable)
    pixel = _pixels(size)
    return _within_cells(logits, position_px, cell, pixel)


def labels(
    logits: Tensor,
    position_px: Tensor,
    size: tuple[Any, Any],
    skip: bool,
    portable: bool = False,
) -> Tensor:
    """Return the best class of every pixel, (batch, height, width) int32, as `interpolate` has it.

    A cell whose corners have one best class has it everywhere.
    """
    if not may_skip(skip):
        return best_class(interpolate(logits, position_px, size, portable))
    cell = find_cells(position_px, size, portable)
    best = best_class(logits)
    # The last row and column wrap around; no cell starts there.
    right, below = ops.roll(best, -1, axis=2), ops.roll(best, -1, axis=1)
    same = (best == right) & (best == below) & (best == ops.roll(below, -1, axis=2))
    plain = ops.reshape(ops.where(same, best, MIXED), (-1,))

    def logits_at(pixels: Tensor) -> Tensor:
        row, column = (pixels // size[1]) % size[0], pixels % size[1]
        pixel = ops.cast(ops.stack([row, column], axis=-1), "float32")
        chosen = gather_rows(ops.reshape(cell, (-1,)), pixels)
        return _within_cells(logits, position_px, chosen, pixel)

    return fill_mixed(gather_rows(plain, cell), logits_at)


def find_cells(position_px: Tensor, size: tuple[Any, Any], portable: bool = False) -> Tensor:
    """Return the cell of each pixel, (batch, height, width) int32: the flat index of its first
    corner in the mesh's (batch, h, w) points.
    """
    batch, h, w, _ = ops.shape(position_px)
    height, width = size
    # Interpolated like logits, the number of a corner says how far along its row a pixel lies.
    corner = ops.cast(ops.arange(w, dtype="int32"), "float32")[:, None]
    corner = ops.broadcast_to(corner, (batch, h, w, 1))
    row_px, column = along_rows(corner, position_px, width, portable)
    strip = segment_of_pixel(row_px, height, portable)
    image = ops.reshape(ops.arange(batch, dtype="int32"), (-1, 1, 1)) * h
    start = (strip + image) * width + ops.arange(width, dtype="int32")
    pixel = _pixels(size)
    flat_row, flat_column = ops.reshape(row_px, (-1,)), ops.reshape(column, (-1,))
    weight = fraction(
        pixel[..., 0], gather_rows(flat_row, start), gather_rows(flat_row, start + width)
    )
    guess = blend(gather_rows(flat_column, start), gather_rows(flat_column, start + width), weight)
    # The last corner of a row starts no cell.
    column = ops.clip(ops.cast(ops.floor(ops.stop_gradient(guess)), "int32"), 0, w - 2)
    first = (strip + image) * w
    table = _corners(position_px)
    for _ in range(STEPS):
        sideways = _barycentric(table, first + column, pixel)[3]
        column = ops.clip(column + ops.cast(sideways, "int32"), 0, w - 2)
    return first + column


def _pixels(size: tuple[Any, Any]) -> Tensor:
    """Return the (row, column) of every pixel, (height, width, 2) float32."""
    axes = [ops.cast(ops.arange(side, dtype="int32"), "float32") for side in size]
    return ops.stack(ops.meshgrid(*axes, indexing="ij"), axis=-1)


def _corners(position_px: Tensor) -> Tensor:
    """Return the four corners of each cell side by side, (batch * h * w, 8)."""
    right, below = ops.roll(position_px, -1, axis=2), ops.roll(position_px, -1, axis=1)
    corners = [position_px, right, below, ops.roll(below, -1, axis=2)]
    return ops.reshape(ops.concatenate(corners, axis=-1), (-1, 8))


def _barycentric(table: Tensor, cell: Tensor, pixel: Tensor) -> tuple[Any, Any, Any, Any]:
    """Return how a pixel lies in its cell.

    Three things: whether it is in the lower triangle; its weights along the two legs of its
    triangle; and -1, 0 or 1 where the next cell of the strip is to be tried.
    """
    corners = gather_rows(table, cell)
    upper_left, upper_right = corners[..., 0:2], corners[..., 2:4]
    lower_left, lower_right = corners[..., 4:6], corners[..., 6:8]
    along, down = _legs(pixel - upper_left, upper_right - upper_left, lower_left - upper_left)
    lower = (along >= 0) & (along + down > 1)
    back, up = _legs(pixel - lower_right, lower_left - lower_right, upper_right - lower_right)
    left = along < 0
    right = lower & (back < 0)
    sideways = ops.cast(right, "int32") - ops.cast(left, "int32")
    return lower, ops.where(lower, back, along), ops.where(lower, up, down), sideways


def _legs(offset: Tensor, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Return the weights of `first` and `second` that make up `offset`; 0 if they are parallel."""
    area = _cross(first, second)
    flat = area == 0
    safe = ops.where(flat, ops.ones_like(area), area)
    zero = ops.zeros_like(area)
    along = ops.where(flat, zero, _cross(offset, second) / safe)
    return along, ops.where(flat, zero, _cross(first, offset) / safe)


def _cross(first: Tensor, second: Tensor) -> Tensor:
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]


def _within_cells(logits: Tensor, position_px: Tensor, cell: Tensor, pixel: Tensor) -> Tensor:
    """Return logits at pixels by linear interpolation in the triangle of their cell."""
    w, classes = ops.shape(logits)[2:]
    lower, along, down, _ = _barycentric(_corners(position_px), cell, pixel)
    # Where a fold left a pixel outside its triangle: weights within 0..1 that still sum to 1.
    along, down = ops.maximum(along, 0), ops.maximum(down, 0)
    rest = ops.maximum(1 - along - down, 0)
    total = along + down + rest
    table = ops.reshape(logits, (-1, classes))
    lower = ops.cast(lower, "int32")
    # The upper triangle stands on its cell's upper left corner, the lower one on the lower right.
    at_corner = cell + lower * (w + 1)
    along_leg = cell + 1 + lower * (w - 1)
    down_leg = cell + w - lower * (w - 1)
    return sum(
        (weight / total)[..., None] * gather_rows(table, corner)
        for weight, corner in ((rest, at_corner), (along, along_leg), (down, down_leg))
    )
