"""From scores at scattered grid points back to every pixel, through a fixed triangle mesh."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from roadseg.nus_native import _mesh
from roadseg.nus_native.arguments import (
    LARGEST_VALUE,
    aligned,
    finite,
    image_size,
    side_pair,
    thread_count,
)

BORDER = 5e-7  # a few float32 steps at 1


def interpolate(
    scores: NDArray,
    grid: NDArray,
    size: Sequence[int],
    argmax: bool = False,
    *,
    threads: int | None = None,
) -> NDArray:
    """Return the scores at every pixel, (..., height, width, channels), or the best channel there.

    scores: (n, m, channels) or (batch, n, m, channels), float16, float32 or float64, within 1e300.
    grid: (n, m, 2), or (batch, n, m, 2): (row, column) of each sample, 0..1; the pixel is
        grid * (size - 1), not rounded. Up to 1e300; points may lie outside 0..1. Within 5e-7 of 0
        and 1, where float32 leaves a border that was enlarged, they count as 0 and 1.
    size: (height, width), both at least 2.
    argmax: return int32 (..., height, width), the lowest of the channels that share the largest
        score, without interpolating what cannot matter: 20 times faster and more.
    threads: None is one for each image, up to the CPUs. The GIL is released.

    Linear inside triangles: the cell of samples (i, j) .. (i + 1, j + 1) is cut from (i, j + 1) to
    (i + 1, j). Where cells overlap because the grid folds, the last one wins: cells in row-major
    order, in a cell the triangle at (i, j) first. A pixel in no triangle repeats the nearest pixel
    of its row that is in one; a row without any, the nearest row; an image without any takes the
    samples as if the grid were uniform. So every value is within the range of the samples.
    Raises RoadsegError for a side below 2, ValueError for a wrong type, shape or NaN.
    Source: replaces the published code's Delaunay triangulation (scipy.interpolate.griddata).
    """
    scores, grid = _checked(scores, grid)
    batch = scores if scores.ndim == 4 else scores[None]
    height, width = image_size(size)
    if len(batch) == 0:
        empty = np.empty((0, height, width, scores.shape[-1]), scores.dtype)
        return empty[..., 0].astype(np.int32) if argmax else empty
    grid = grid.astype(np.float64, copy=False)
    positions = _on_border(finite(grid, "grid", LARGEST_VALUE)) * [height - 1, width - 1]
    out = _mesh.interpolate(
        finite(aligned(batch), "scores", LARGEST_VALUE),
        aligned(positions if positions.ndim == 4 else positions[None]),
        height,
        width,
        bool(argmax),
        thread_count(threads, len(batch)),
    )
    return out if scores.ndim == 4 else out[0]


def _checked(scores: NDArray, grid: NDArray) -> tuple[NDArray, NDArray]:
    """Return both as arrays that fit together; raise as `interpolate` says if they do not."""
    scores, grid = np.asarray(scores), np.asarray(grid)
    if scores.dtype == np.float16:
        scores = scores.astype(np.float32)
    if scores.dtype not in (np.float32, np.float64):
        raise ValueError(f"scores are {scores.dtype}; pass float16, float32 or float64")
    if scores.ndim not in (3, 4) or scores.shape[-1] == 0:
        raise ValueError(f"scores have shape {scores.shape}; pass (..., n, m, channels)")
    if grid.dtype not in (np.float16, np.float32, np.float64):
        raise ValueError(f"grid is {grid.dtype}; pass float16, float32 or float64")
    if grid.shape not in (scores.shape[:-1] + (2,), scores.shape[-3:-1] + (2,)):
        raise ValueError(
            f"grid has shape {grid.shape}; scores of {scores.shape} need (..., n, m, 2)"
        )
    side_pair(scores.shape[-3:-1], "grid", "a cell has four corners")
    return scores, grid


def _on_border(grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `grid` with what rounding left beside the border put on it."""
    border = np.rint(grid)
    beside = (np.abs(grid - border) <= BORDER) & ((border == 0) | (border == 1))
    return np.where(beside, border, grid)
