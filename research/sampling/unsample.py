"""The way out: scores at scattered sampling positions brought back to every pixel of the image."""

from typing import Any

from keras import ops

from roadseg.sampling.grid import Tensor, last_pixel
from roadseg.sampling.polyline import blend, fraction, segment_of_pixel

METHODS = ("two_pass",)


def unsample(
    scores: Tensor,
    grid: Tensor,
    size: tuple[Any, Any],
    argmax: bool = False,
    method: str = "two_pass",
) -> Tensor:
    """Return `scores` interpolated to every pixel of an image of `size`.

    scores: (batch, h, w, classes) float of any precision; computed in float32.
    grid: (batch, h, w, 2) or (h, w, 2), (row, column), 0..1: where the scores were sampled.
    size: (height, width) in pixels, integers or scalar tensors.
    Returns (batch, height, width, classes) float32, or with `argmax` the best class of each pixel,
    (batch, height, width) int32, the first of equal ones.
    """
    scores = ops.cast(scores, "float32")
    height, width = size
    position = ops.cast(grid, "float32") * ops.cast(last_pixel(size), "float32")
    if len(position.shape) == 3:
        position = ops.broadcast_to(position[None], (ops.shape(scores)[0], *position.shape))
    row_px, values = _along_rows(scores, position, width)
    if argmax:
        return _labels(row_px, values, height)
    return _down_columns(row_px, values, height)


def best_class(scores: Tensor) -> Tensor:
    """Return the index of the largest of the last axis, int32; the first of equal ones."""
    return ops.cast(ops.top_k(scores, 1)[1][..., 0], "int32")


def _along_rows(scores: Tensor, position: Tensor, width: Any) -> tuple[Tensor, Tensor]:
    batch, h, w, channels = ops.shape(scores)
    row = ops.reshape(position[..., 0], (-1,))
    column = ops.reshape(position[..., 1], (-1,))
    table = ops.reshape(scores, (-1, channels))
    segment = segment_of_pixel(ops.reshape(column, (batch * h, w, 1)), width)[..., 0]
    start = segment + ops.reshape(ops.arange(batch * h, dtype="int32"), (-1, 1)) * w
    pixel = ops.cast(ops.arange(width), "float32")
    weight = fraction(pixel, ops.take(column, start), ops.take(column, start + 1))
    row_px = blend(ops.take(row, start), ops.take(row, start + 1), weight)
    values = blend(
        ops.take(table, start, axis=0), ops.take(table, start + 1, axis=0), weight[..., None]
    )
    return (
        ops.reshape(row_px, (batch, h, width)),
        ops.reshape(values, (batch, h, width, channels)),
    )


def _down_columns(row_px: Tensor, values: Tensor, height: Any) -> Tensor:
    batch, h, width, channels = ops.shape(values)
    segment = segment_of_pixel(row_px, height)
    line = ops.reshape(ops.arange(batch, dtype="int32"), (-1, 1, 1)) * h
    start = (segment + line) * width + ops.arange(width, dtype="int32")
    pixel = ops.reshape(ops.cast(ops.arange(height), "float32"), (-1, 1))
    row = ops.reshape(row_px, (-1,))
    weight = fraction(pixel, ops.take(row, start), ops.take(row, start + width))
    table = ops.reshape(values, (-1, channels))
    return blend(
        ops.take(table, start, axis=0), ops.take(table, start + width, axis=0), weight[..., None]
    )


def _labels(row_px: Tensor, values: Tensor, height: Any) -> Tensor:
    batch, h, width, channels = ops.shape(values)
    best = best_class(values)
    pair = ops.where(best[:, :-1] == best[:, 1:], best[:, :-1], -1)
    segment = segment_of_pixel(row_px, height)
    line = ops.reshape(ops.arange(batch, dtype="int32"), (-1, 1, 1)) * (h - 1)
    start = (segment + line) * width + ops.arange(width, dtype="int32")
    labels = ops.reshape(ops.take(ops.reshape(pair, (-1,)), start), (-1,))
    where = ops.cast(ops.nonzero(labels < 0)[0], "int32")
    b = where // (height * width)
    pixel = ops.cast((where // width) % height, "float32")
    start = ops.take(ops.reshape(start, (-1,)), where) + b * width
    row = ops.reshape(row_px, (-1,))
    weight = fraction(pixel, ops.take(row, start), ops.take(row, start + width))
    table = ops.reshape(values, (-1, channels))
    mixed = blend(
        ops.take(table, start, axis=0), ops.take(table, start + width, axis=0), weight[..., None]
    )
    labels = ops.scatter_update(labels, where[:, None], best_class(mixed))
    return ops.reshape(labels, (batch, height, width))
