"""The two passes of un-sampling: each takes the lines of a mesh to every pixel of one axis."""

from typing import Any

from keras import ops

from roadseg.sampling.grid import Tensor


def segment_of_pixel(position_px: Tensor, pixels: Any) -> Tensor:
    """Return which segment of each polyline covers each pixel, int32 (lines, pixels, others).

    position_px: (lines, points, others) float32, where the points of a line lie along the axis.
    Of several segments over one pixel (the line folds) the last is taken: it starts at the last
    point that is not beyond the pixel, so it does contain the pixel, and what is interpolated on
    it stays affine and within its ends. Pixels beyond either end take the first or last segment.
    """
    lines, points, others = ops.shape(position_px)
    limit = ops.cast(pixels, "float32")
    # The last point that is not beyond a pixel is the last whose suffix minimum is not beyond it.
    start_px = ops.ceil(_suffix_minimum(position_px)[:, 1:-1])
    start = ops.cast(ops.clip(start_px, 0.0, limit), "int32")
    line = ops.reshape(ops.arange(lines, dtype="int32"), (-1, 1, 1)) * (pixels + 1)
    slots = (line + start) * others + ops.arange(others, dtype="int32")
    slots = ops.reshape(slots, (-1,))
    starts = ops.segment_sum(ops.ones_like(slots), slots, lines * (pixels + 1) * others)
    starts = ops.reshape(starts, (lines, pixels + 1, others))[:, :-1]
    return ops.cumsum(starts, axis=1)


def _suffix_minimum(position_px: Tensor) -> Tensor:
    points, shift = position_px.shape[1], 1
    while shift < points:
        tail = ops.minimum(position_px[:, :-shift], position_px[:, shift:])
        position_px = ops.concatenate([tail, position_px[:, -shift:]], axis=1)
        shift *= 2
    return position_px


def fraction(pixel: Tensor, start_px: Tensor, end_px: Tensor) -> Tensor:
    """Return where `pixel` lies between two points, 0..1; 1 on a segment without length."""
    length = end_px - start_px
    positive = length > 0
    ratio = (pixel - start_px) / ops.where(positive, length, ops.ones_like(length))
    return ops.where(positive, ops.clip(ratio, 0.0, 1.0), ops.ones_like(ratio))


def blend(start: Tensor, end: Tensor, weight: Tensor) -> Tensor:
    """Return start + weight * (end - start)."""
    return start + weight * (end - start)
