"""The published way to targets and back to pixels: the yardstick of the benchmark, and an oracle.

NumPy edges, SciPy's distance transform with distances and indices, Ceres at
its default tolerances; SciPy's griddata over all channels, then argmax.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from roadseg.nus_native.solvers import has_ceres, solve_grid


def edge_map(labels: NDArray, target_classes: Sequence[int], ignore: int = 255) -> NDArray:
    """Return where labels (height, width), uint8, change, bool; see `nus_native.edge_map`."""
    edges = np.zeros(labels.shape, bool)
    down, right = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    edges[1:] |= down
    edges[:-1] |= down
    edges[:, 1:] |= right
    edges[:, :-1] |= right
    wanted = np.zeros(256, bool)
    wanted[list(target_classes)] = True
    wanted[ignore] = False
    return edges & wanted[labels]


def nearest_edges(edges: NDArray, grid: tuple[int, int]) -> NDArray[np.float64]:
    """Return the nearest edge of each grid point, (h, w, 2), (row, column) in 0..1."""
    from scipy import ndimage

    _, indices = ndimage.distance_transform_edt(~edges, return_indices=True)
    rows, columns = (
        np.arange(points) * (side - 1) // (points - 1)
        for points, side in zip(grid, edges.shape, strict=True)
    )
    nearest = indices[:, rows[:, None], columns[None]].transpose(1, 2, 0)
    return nearest / (np.array(edges.shape) - 1)


def boundary_targets(
    labels: NDArray, grid: tuple[int, int], target_classes: Sequence[int], alpha: float = 0.5
) -> NDArray[np.float32]:
    """Return the sampling targets (h, w, 2) of one map; without Ceres, by the exact solver."""
    nearest = nearest_edges(edge_map(labels, target_classes), grid)
    solver = "ceres" if has_ceres() else "direct"
    return solve_grid(nearest, alpha, solver).astype(np.float32)  # type: ignore[arg-type]


def interpolate(scores: NDArray, grid: NDArray, size: tuple[int, int]) -> NDArray:
    """Return scores (n, m, channels), sampled at grid (n, m, 2), at every pixel of `size`."""
    from scipy.interpolate import griddata

    points = (grid.astype(np.float64) * (np.array(size) - 1)).reshape(-1, 2)
    pixels = tuple(np.mgrid[: size[0], : size[1]])
    return griddata(points, scores.reshape(-1, scores.shape[-1]), pixels, method="linear")


def labels(scores: NDArray, grid: NDArray, size: tuple[int, int]) -> NDArray[np.int64]:
    """Return the channel with the largest interpolated score at every pixel of `size`."""
    return interpolate(scores, grid, size).argmax(axis=-1)
