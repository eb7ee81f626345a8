"""Bicubic resize as OpenCV's INTER_CUBIC, inside a graph, at sizes known or not."""

from typing import Any

import keras

from roadseg.ops import operations as ops
from roadseg.ops.resize import Size, Tensor

A = -0.75
"""Slope of the kernel one sample away from its centre, as in OpenCV (Pillow: -0.5)."""


def resize_cubic(
    images: Tensor, size: Size, begin: Size = (0, 0), end: Size | None = None
) -> Tensor:
    """Return `images` resized bicubically to `size`, in their own float type (integers: float32).

    images: (batch, height, width, channels).
    size: (height, width), Python integers or integer scalars of a graph.
    begin, end: rows and columns of the result that are wanted, from `begin` to `end` (without it);
        None: to the last. Nothing else is computed.
    Row i is read at (i + 1/2) in / out - 1/2 (columns alike) from four rows, whose weights add up
    to 1; rows outside the frame repeat its border. No antialiasing. Results may leave the range of
    `images`.
    Raises ValueError for another rank.
    Source: OpenCV 4, resize with INTER_CUBIC.
    """
    images = ops.convert_to_tensor(images)
    if len(images.shape) != 4:
        raise ValueError(f"(batch, height, width, channels) expected, got shape {images.shape}")
    kind = keras.backend.standardize_dtype(images.dtype)
    images = images if "float" in kind else ops.cast(images, "float32")
    height, width = ops.shape(images)[1:3]
    # Columns first: the rows that are gathered last, where most is written, are contiguous.
    (top, left), (bottom, right) = begin, size if end is None else end
    images = _resize_axis(images, width, size[1], 2, (left, right))
    return _resize_axis(images, height, size[0], 1, (top, bottom))


def _resize_axis(images: Tensor, source: Any, target: Any, axis: int, wanted: Size) -> Tensor:
    """Return samples `wanted` of `images` with `axis` resized from `source` to `target` samples."""
    known = all(isinstance(place, int) for place in (source, target, *wanted))
    if known and source == target and wanted == (0, target):
        return images
    index = ops.arange(*wanted, dtype="int32")
    # One sample is added to the position, so that no format divides a negative number.
    numerator, denominator = (2 * index + 1) * source + target, 2 * target
    below = numerator // denominator - 1
    kind = keras.backend.standardize_dtype(images.dtype)
    wide = "float64" if kind == "float64" else "float32"
    share = ops.cast(numerator % denominator, wide) / ops.cast(denominator, wide)
    shape = (1, -1, 1, 1) if axis == 1 else (1, 1, -1, 1)
    total: Tensor = 0.0
    for offset, weight in enumerate(_weights(share), -1):
        taken = ops.take(images, ops.clip(below + offset, 0, source - 1), axis=axis)
        total = total + taken * ops.cast(ops.reshape(weight, shape), kind)
    return total


def _weights(share: Tensor) -> tuple[Tensor, ...]:
    """Return the weights of the samples at -1, 0, 1 and 2 for a position 0 <= `share` < 1."""
    rest = 1 - share
    outer = A * share * rest * rest, A * rest * share * share
    inner = ((A + 2) * share - (A + 3)) * share * share + 1
    # One is what the others leave, so that a constant stays what it is.
    return outer[0], inner, 1 - inner - outer[0] - outer[1], outer[1]
