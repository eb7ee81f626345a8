"""The two passes of un-sampling: each takes the lines of a mesh to every pixel of one axis."""

from typing import Any

from keras import ops

from roadseg.sampling.grid import Tensor


def segment_of_pixel(position_px: Tensor, pixels: Any, portable: bool = False) -> Tensor:
    """Return which segment of each polyline covers each pixel, int32 (lines, pixels, others).

    position_px: (lines, points, others) float32, where the points of a line lie along the axis.
    Of several segments over one pixel (the line folds) the last is taken: it starts at the last
    point that is not beyond the pixel, so it does contain the pixel, and what is interpolated on
    it stays affine and within its ends. Pixels beyond either end take the first or last segment.
    portable: the same without sums of segments, which some runtimes lack and others take long for.
    """
    # The last point that is not beyond a pixel is the last whose suffix minimum is not beyond it.
    # Both ends are left out: pixels beyond them belong to the first and the last segment.
    start_px = ops.ceil(_suffix_minimum(position_px)[:, 1:-1])
    start = ops.cast(ops.clip(start_px, 0.0, ops.cast(pixels, "float32")), "int32")
    return _by_runs(start, pixels) if portable else _by_sums(start, pixels)


def _by_sums(start: Tensor, pixels: Any) -> Tensor:
    """Return how many of `start` lie at or before each pixel: sums of segments, then running sums.

    start: (lines, starts, others) int32, ascending along axis 1, from 0 to `pixels`.
    """
    lines, _, others = ops.shape(start)
    slots = ops.reshape(_slots(start, pixels), (-1,))
    # One slot more than pixels holds what starts after the last of them.
    starts = ops.segment_sum(ops.ones_like(slots), slots, lines * (pixels + 1) * others)
    return _running(starts, lines, pixels, others)


def _by_runs(start: Tensor, pixels: Any) -> Tensor:
    """Return what `_by_sums` does, writing each slot that counts once, with the whole of its run.

    What becomes of several values for one slot differs between runtimes, some of which keep one.
    """
    lines, points, others = ops.shape(start)
    number = ops.reshape(ops.arange(points, dtype="int32"), (1, -1, 1))
    none = ops.full_like(start[:, :1], -1)
    opens = start != ops.concatenate([none, start[:, :-1]], axis=1)
    closes = start != ops.concatenate([start[:, 1:], none], axis=1)
    first = _prefix_maximum(ops.where(opens, number, ops.zeros_like(start)))
    # All but the last of a run go beyond the pixels, where any of them may win.
    slots = _slots(ops.where(closes, start, pixels), pixels)
    length = ops.reshape(number - first + 1, (-1,))
    starts = ops.scatter(ops.reshape(slots, (-1, 1)), length, (lines * (pixels + 1) * others,))
    return _running(starts, lines, pixels, others)


def _slots(start: Tensor, pixels: Any) -> Tensor:
    """Return the flat position of each start among (lines, pixels + 1, others)."""
    lines, _, others = ops.shape(start)
    line = ops.reshape(ops.arange(lines, dtype="int32"), (-1, 1, 1)) * (pixels + 1)
    return (line + start) * others + ops.arange(others, dtype="int32")


def _running(starts: Tensor, lines: Any, pixels: Any, others: Any) -> Tensor:
    starts = ops.reshape(starts, (lines, pixels + 1, others))[:, :-1]
    return ops.cumsum(starts, axis=1)


def _prefix_maximum(values: Tensor) -> Tensor:
    points, shift = values.shape[1], 1
    # Doubled steps: a logarithm of the points in operations, each over the whole line.
    while shift < points:
        higher = ops.maximum(values[:, shift:], values[:, :-shift])
        values = ops.concatenate([values[:, :shift], higher], axis=1)
        shift *= 2
    return values


def _suffix_minimum(position_px: Tensor) -> Tensor:
    points, shift = position_px.shape[1], 1
    # Doubled steps, as in `_prefix_maximum`.
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
