"""Sampling grids: uniform ones, projection to the border, enlargement, and their pixel indices.

A grid is (..., h, w, 2), channel 0 the row and channel 1 the column, both 0..1 from the centre of
the first pixel to the centre of the last; its axes are (row, column) too.
"""

import math
from numbers import Integral, Real
from typing import Any

import keras
from keras import ops

from roadseg.ops.resize import resize_bilinear

Tensor = Any
Size = int | tuple[int, int]


def checked_size(size: Size, name: str = "size") -> tuple[int, int]:
    """Return `size` as (height, width); one integer stands for a square.

    Raises ValueError unless both sides are integers of at least 2: between its first and its last
    point a grid has to span the image.
    """
    sides = size if isinstance(size, tuple | list) else (size, size)
    # True and False are integers to Python.
    whole = all(isinstance(side, Integral) and not isinstance(side, bool) for side in sides)
    if len(sides) != 2 or not whole or min(sides) < 2:
        raise ValueError(f"{name} is an integer or (height, width), each at least 2; got {size!r}")
    return int(sides[0]), int(sides[1])


def checked_images(images: Tensor) -> Tensor:
    """Return `images` as a tensor; ValueError unless it is (batch, height, width, 3), not empty."""
    images = ops.convert_to_tensor(images)
    if len(images.shape) != 4 or images.shape[-1] != 3 or 0 in images.shape:
        raise ValueError(
            f"images are (batch, height, width, 3), RGB, at least one; got {tuple(images.shape)}"
        )
    return images


def checked_labels(labels: Tensor) -> Tensor:
    """Return `labels` as a tensor; ValueError unless it is (batch, height, width) of integers."""
    labels = ops.convert_to_tensor(labels)
    kind = keras.backend.standardize_dtype(labels.dtype)
    if len(labels.shape) != 3 or 0 in labels.shape or "float" in kind:
        raise ValueError(
            "labels are (batch, height, width), integers, at least one map; got "
            f"{tuple(labels.shape)} of {kind}"
        )
    return labels


def number(value: Any, name: str, wanted: str, least: float = -math.inf) -> float:
    """Return `value` as a float; ValueError unless it is a finite number of at least `least`."""
    sound = isinstance(value, Real) and not isinstance(value, bool)
    if not sound or not math.isfinite(value) or value < least:
        raise ValueError(f"{name}={value!r} is {wanted}")
    return float(value)


def uniform_grid(size: Size, batch: Any = None) -> Tensor:
    """Return the uniform grid of `size` points, (h, w, 2) float32, or (batch, h, w, 2).

    Source: adaptive-sampling, nus.py: linspace(0, 1, N) in both axes.
    """
    height, width = checked_size(size)
    rows = ops.linspace(0.0, 1.0, height, dtype="float32")
    columns = ops.linspace(0.0, 1.0, width, dtype="float32")
    grid = ops.stack(ops.meshgrid(rows, columns, indexing="ij"), axis=-1)
    if batch is None:
        return grid
    return ops.broadcast_to(grid, (batch, height, width, 2))


def project(grid: Tensor) -> Tensor:
    """Return `grid` with its rim on the image border and every coordinate within 0..1, float32.

    The row coordinate of the first and last grid row becomes 0 and 1, the column coordinate of the
    first and last grid column likewise; the rest is clipped.
    grid: (..., h, w, 2), any range. Source: Marin et al. 2019, Eq. 3 (covering constraints).
    """
    grid = ops.clip(ops.cast(grid, "float32"), 0.0, 1.0)
    height, width = checked_size(tuple(grid.shape[-3:-1]), "grid")
    # Tensors take no assignment: masks choose the rim.
    rows, columns = ops.arange(height), ops.arange(width)
    first = ops.stack(ops.meshgrid(rows == 0, columns == 0, indexing="ij"), axis=-1)
    last = ops.stack(ops.meshgrid(rows == height - 1, columns == width - 1, indexing="ij"), axis=-1)
    grid = ops.where(first, ops.zeros_like(grid), grid)
    return ops.where(last, ops.ones_like(grid), grid)


def enlarge(grid: Tensor, size: Size) -> Tensor:
    """Return `grid` (batch, h, w, 2) brought to `size` points, bilinearly with aligned corners."""
    return resize_bilinear(ops.cast(grid, "float32"), checked_size(size), align_corners=True)


def pixel_indices(grid: Tensor, size: tuple[Any, Any]) -> Tensor:
    """Return the pixel that each point of `grid` falls on, int32 (..., 2), in (row, column).

    size: (height, width) of the image in pixels. The position is location * (size - 1) in float32,
    halves rounded to even; positions outside the image take the nearest pixel in it.
    Source: adaptive-sampling, nus.py (tf.round).
    """
    last = last_pixel(size)
    position = ops.clip(ops.cast(grid, "float32"), 0.0, 1.0) * ops.cast(last, "float32")
    return ops.cast(ops.round(position), "int32")


def last_pixel(size: tuple[Any, Any]) -> Tensor:
    """Return (height - 1, width - 1) as an int32 tensor, for integers and scalar tensors alike."""
    return ops.stack([ops.cast(side, "int32") for side in size]) - 1
