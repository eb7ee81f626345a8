"""Squared error of sampling grids, as a sum and a count."""

from typing import Any

import keras
from keras import ops

Tensor = Any


def squared_error(grid: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return (sum of squared differences over every entry, number of entries), float32 or wider.

    grid, target: (batch, h, w, 2), (row, column); the raw grid, border entries included.
    Raises ValueError when the shapes differ.
    Source: adaptive-sampling, nus.py (mean squared error of the unprojected sampling).
    """
    if tuple(grid.shape[1:]) != tuple(target.shape[1:]):
        raise ValueError(f"grid {tuple(grid.shape)} and target {tuple(target.shape)} differ")
    wide = keras.backend.result_type(grid.dtype, "float32")
    difference = ops.cast(grid, wide) - ops.cast(target, wide)
    return ops.sum(ops.square(difference)), ops.sum(ops.ones_like(difference))
