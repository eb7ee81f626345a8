"""Sampling targets of the auxiliary network: label map -> edges -> nearest edges -> smooth grid."""

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from roadseg.errors import RoadsegError
from roadseg.label_tables.class_ids import label_id
from roadseg.nus_native import _targets
from roadseg.nus_native.arguments import class_ids, grid_size, label_maps, thread_count
from roadseg.nus_native.solvers import Solver, Weighting, solve_grid

GridIndex = Literal["exact", "square", "nus"]
NoEdge = Literal["uniform", "nus"]


def boundary_targets(
    labels: NDArray,
    grid: Sequence[int] = (8, 8),
    alpha: float = 0.5,
    target_classes: Iterable[int] | None = None,
    ignore: int | None = 255,
    solver: Solver = "direct",
    *,
    dtype: DTypeLike = np.float32,
    weighting: Weighting = "nus",
    smoothness: float | None = None,
    grid_index: GridIndex = "exact",
    no_edge: NoEdge = "uniform",
    tolerance: float | None = None,
    threads: int | None = None,
) -> NDArray:
    """Return the grid that is drawn to semantic edges, (..., h, w, 2): (row, column) in 0..1.

    labels: (height, width) or (batch, height, width), uint8 or int32, both sides at least 2.
    grid: (h, w), both at least 2. alpha: weight of the edges, above 0, at most 1.
    target_classes: only pixels of these classes count as edges; None: of every class.
    ignore: pixels of this label are no edges themselves (their neighbours may be); None: no such.
    solver: see `solve_grid`, also for weighting, smoothness and tolerance.
    dtype: of the result; np.float64 gives the exact solution unrounded.
    grid_index, no_edge: see `nearest_edges`. A map without an edge gives the uniform grid.
    threads: None is one for each label map, up to the CPUs. The GIL is released.
    Raises RoadsegError for sizes, alpha or options out of range, ValueError for a wrong type or
    rank. Source: Marin et al. 2019, Eq. 2, with the weights of the published code.
    """
    if _kind(dtype) != "f":
        raise ValueError(f"dtype is {dtype!r}; pass a floating-point type")
    nearest, found = _nearest(labels, grid, target_classes, ignore, grid_index, no_edge, threads)
    targets = solve_grid(
        nearest,
        alpha,
        solver,
        weighting=weighting,
        smoothness=smoothness,
        tolerance=tolerance,
        threads=threads,
    )
    if no_edge == "uniform":
        # Exactly: the solver would leave rounding.
        targets[~found] = uniform_grid(grid)
    targets = targets.astype(dtype, copy=False)
    return targets if np.ndim(labels) == 3 else targets[0]


def nearest_edges(
    labels: NDArray,
    grid: Sequence[int] = (8, 8),
    target_classes: Iterable[int] | None = None,
    ignore: int | None = 255,
    *,
    grid_index: GridIndex = "exact",
    no_edge: NoEdge = "uniform",
    threads: int | None = None,
) -> NDArray[np.float64]:
    """Return the edge pixel nearest to each grid point, (..., h, w, 2): (row, column) in 0..1.

    Of several equally near pixels any may be returned. Arguments as for `boundary_targets`.
    grid_index: the pixel asked at (i, j). "exact": row i * (H - 1) // (h - 1), column
        j * (W - 1) // (w - 1). "square": columns by the height too (as published: only the left H
        columns are asked; a map higher than wide is an error). "nus": like "square", in
        floating point, which can lose one pixel.
    no_edge: what a map without an edge gives. "uniform": the uniform grid itself, which is then
        also the smooth grid. "nus": row -1 and column 0, in pixels, everywhere.
    Source: the published code's exact distance transform, read at the grid points.
    """
    nearest, _ = _nearest(labels, grid, target_classes, ignore, grid_index, no_edge, threads)
    return nearest if np.ndim(labels) == 3 else nearest[0]


def edge_map(
    labels: NDArray,
    target_classes: Iterable[int] | None = None,
    ignore: int | None = 255,
    *,
    threads: int | None = None,
) -> NDArray[np.bool_]:
    """Return where labels change, bool of the shape of `labels`.

    A pixel is an edge if one of its 4 neighbours has another label, so both sides of a boundary
    are; image borders are not. Pixels of the ignore label, and of other classes than the target
    classes if these are given, are then cleared.
    """
    maps = label_maps(labels)
    ignore = None if ignore is None else label_id(ignore, "ignore")
    if maps.size == 0:
        return np.zeros(np.shape(labels), bool)
    threads = thread_count(threads, len(maps))
    edges = _targets.edge_maps(maps, class_ids(target_classes), ignore, threads)
    return edges.view(bool).reshape(np.shape(labels))


def uniform_grid(grid: Sequence[int]) -> NDArray[np.float64]:
    """Return the evenly spaced grid, float64 (h, w, 2): (row, column), 0..1."""
    height, width = grid_size(grid)
    rows, columns = np.linspace(0, 1, height), np.linspace(0, 1, width)
    return np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1)


def _nearest(
    labels: NDArray,
    grid: Sequence[int],
    target_classes: Iterable[int] | None,
    ignore: int | None,
    grid_index: GridIndex,
    no_edge: NoEdge,
    threads: int | None,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return nearest edges of a batch, (batch, h, w, 2), and which of its maps have an edge."""
    if no_edge not in ("uniform", "nus"):
        raise RoadsegError(f"no_edge {no_edge!r} is unknown; use 'uniform' or 'nus'")
    maps = label_maps(labels)
    sides = grid_size(grid)
    rows, columns = _asked_pixels(sides, maps.shape[1:], grid_index)
    targets = class_ids(target_classes)
    ignore = None if ignore is None else label_id(ignore, "ignore")
    if len(maps) == 0:
        return np.empty((0, *sides, 2)), np.empty(0, bool)
    threads = thread_count(threads, len(maps))
    pixels = _targets.nearest_edges(maps, rows, columns, targets, ignore, threads)
    found = pixels[:, 0, 0, 0] >= 0
    if no_edge == "nus":
        pixels[~found, ..., 1] = 0
    nearest = pixels / (np.array(maps.shape[1:], np.float64) - 1)
    if no_edge == "uniform":
        nearest[~found] = uniform_grid(sides)
    return nearest, found


def _asked_pixels(
    grid: tuple[int, int], size: tuple[int, ...], grid_index: GridIndex
) -> tuple[list[int], list[int]]:
    """Return the pixel rows and pixel columns of the grid points."""
    height, width = size
    if grid_index == "exact":
        return _truncated(grid[0], height), _truncated(grid[1], width)
    if grid_index not in ("square", "nus"):
        raise RoadsegError(f"grid_index {grid_index!r} is unknown; use 'exact', 'square' or 'nus'")
    if width < height:
        raise RoadsegError(
            f"label map of size {height}x{width}: grid_index {grid_index!r} asks for columns up to "
            f"{height - 1}, as the published code does; use 'exact' where the height is larger"
        )
    if grid_index == "square":
        return _truncated(grid[0], height), _truncated(grid[1], height)
    steps = [(height - 1) / (side - 1) for side in grid]
    rows, columns = ([int(i * step) for i in range(n)] for n, step in zip(grid, steps, strict=True))
    return rows, columns


def _kind(dtype: DTypeLike) -> str:
    """Return NumPy's letter for the type of numbers that `dtype` names; '' if it names none."""
    try:
        return np.dtype(dtype).kind
    except TypeError:
        return ""


def _truncated(points: int, pixels: int) -> list[int]:
    return [i * (pixels - 1) // (points - 1) for i in range(points)]
