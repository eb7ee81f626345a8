"""Where an image should be sampled: label maps to smooth grids drawn to boundaries, in a graph.

The same as `roadseg.nus_native.boundary_targets`, batched and on whatever device the graph is on.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from keras import ops

from roadseg.label_tables.class_ids import class_ids
from roadseg.sampling.grid import Size, Tensor, checked_size, uniform_grid

# Squares of two such distances still fit int32 together; image sides stay below it.
FAR_PX = 32_767


def boundary_targets(
    labels: Tensor,
    grid: Size = (8, 8),
    alpha: float = 0.5,
    target_classes: Iterable[int] | None = None,
    ignore: int | None = 255,
    smoothness: float | None = None,
) -> Tensor:
    """Return the grid that the auxiliary network learns, (batch, h, w, 2) float32, (row, column).

    labels: (batch, height, width), or (height, width) for one map; integers.
    grid: points, (rows, columns). alpha: weight a of the pull to the nearest boundary, in (0, 1].
    target_classes: the classes whose boundaries count; None or empty for all.
    ignore: the label whose own pixels are no boundary; None: there is no such label.
    smoothness: None for the published weights, a = alpha and c = 1 - sqrt(alpha); else the paper's
        lambda, a = 1 and c = smoothness, as in `nus_native`.
    The grid minimises a sum |x - b|^2 + c sum |x_p - x_q|^2, b the nearest boundary
    pixel of each point; the first and last rows and columns lie on the border. A map without a
    boundary gives the uniform grid.
    Raises ValueError for another rank, a grid side below 2, a weight out of its range, and for
    classes that are no whole numbers.
    Source: Marin et al. 2019, Eq. 2 and 3; adaptive-sampling, utils/nus (the weights).
    """
    size = checked_size(grid, "grid")
    labels = ops.cast(labels, "int32")
    if len(labels.shape) not in (2, 3):
        raise ValueError(f"labels are ([batch,] height, width); got {tuple(labels.shape)}")
    if 1 in labels.shape[-2:] or 0 in labels.shape:
        raise ValueError(f"labels are at least one map of 2x2 pixels; got {tuple(labels.shape)}")
    if not 0 < alpha <= 1 or (smoothness is not None and smoothness < 0):
        raise ValueError(f"alpha={alpha} is in (0, 1] and smoothness={smoothness} at least 0")
    batch = labels if len(labels.shape) == 3 else labels[None]
    data, pair = (alpha, 1 - alpha**0.5) if smoothness is None else (1.0, smoothness)
    edges = edge_map(batch, target_classes, ignore)
    smooth = smooth_grid(nearest_edges(edges, size), data, pair)
    found = ops.reshape(ops.any(edges, axis=(1, 2)), (-1, 1, 1, 1))
    targets = ops.where(found, smooth, uniform_grid(size))
    return targets if len(labels.shape) == 3 else targets[0]


def edge_map(labels: Tensor, target_classes: Iterable[int] | None, ignore: int | None) -> Tensor:
    """Return which pixels differ from one of their 4 neighbours, bool (batch, height, width).

    Pixels of the label `ignore`, and with `target_classes` those of all other classes, are none.
    """
    down = labels[:, 1:] != labels[:, :-1]
    right = labels[:, :, 1:] != labels[:, :, :-1]
    rows, columns = ((0, 0), (1, 0), (0, 0)), ((0, 0), (0, 0), (1, 0))
    last_row, last_column = ((0, 0), (0, 1), (0, 0)), ((0, 0), (0, 0), (0, 1))
    # Both pixels of an unlike pair are edges.
    edges = ops.pad(down, rows) | ops.pad(down, last_row)
    edges = edges | ops.pad(right, columns) | ops.pad(right, last_column)
    if ignore is not None:
        edges = edges & (labels != ignore)
    # Not by its truth: that of an array of class 0 is false.
    targets = () if target_classes is None else class_ids(target_classes)
    if not targets:
        return edges
    wanted = labels == targets[0]
    for target in targets[1:]:
        wanted = wanted | (labels == target)
    return edges & wanted


def nearest_edges(edges: Tensor, grid: tuple[int, int]) -> Tensor:
    """Return the edge pixel nearest to each grid point, (batch, h, w, 2) float32, 0..1.

    edges: (batch, height, width) bool. Point (i, j) stands at pixel i * (height - 1) // (h - 1),
    columns likewise. Exact: the nearest edge row of every column, then the nearest column. Of
    equally near pixels the leftmost column wins, then the upper row.
    """
    height, width = ops.shape(edges)[1:3]
    rows, columns = _stops(height, grid[0]), _stops(width, grid[1])
    nearest_row = _nearest_in_columns(edges, rows)
    away = ops.absolute(nearest_row - rows[:, None])
    away = ops.minimum(away, FAR_PX)
    aside = ops.arange(width, dtype="int32") - columns[:, None]
    squares = (away * away)[:, :, None, :] + aside * aside
    column = ops.cast(ops.argmin(squares, axis=-1), "int32")
    row = ops.take_along_axis(nearest_row, column, axis=-1)
    last = ops.cast(ops.stack([height - 1, width - 1]), "float32")
    return ops.cast(ops.stack([row, column], axis=-1), "float32") / last


def _stops(side: Any, points: int) -> Tensor:
    return ops.arange(points, dtype="int32") * (side - 1) // (points - 1)


def _nearest_in_columns(edges: Tensor, rows: Tensor) -> Tensor:
    """Return the edge row nearest to each of `rows` in every column, int32 (batch, h, width).

    Columns without an edge give a row that is FAR_PX or more away.
    """
    batch, height, width = ops.shape(edges)
    count = rows.shape[0]
    pixel = ops.arange(height, dtype="int32")
    # Grid rows cut each column into pieces; only the outermost edges of a piece can be nearest.
    upper = ops.sum(ops.cast(rows[:, None] < pixel, "int32"), axis=0)
    lower = ops.sum(ops.cast(rows[:, None] <= pixel, "int32"), axis=0) - 1
    edges = ops.reshape(ops.transpose(edges, (1, 0, 2)), (height, batch * width))
    height_px = pixel[:, None]
    # Pieces without a pixel, where grid rows coincide, give the least integer: not to be negated.
    # Twice FAR_PX beyond the map is FAR_PX or more from each of its rows.
    above = ops.segment_max(ops.where(edges, height_px, -2 * FAR_PX), upper, count)
    # Negated, the first edge below is a maximum as well.
    below = ops.segment_max(ops.where(edges, -height_px, -2 * FAR_PX), lower, count)
    above = _running(ops.maximum, ops.maximum(above, -2 * FAR_PX))
    below = -ops.flip(_running(ops.maximum, ops.flip(ops.maximum(below, -2 * FAR_PX), 0)), 0)
    nearer = ops.where(rows[:, None] - above <= below - rows[:, None], above, below)
    return ops.transpose(ops.reshape(nearer, (count, batch, width)), (1, 0, 2))


def _running(reduce: Any, values: Tensor) -> Tensor:
    shift = 1
    # Doubled steps: a logarithm of the rows in operations.
    while shift < values.shape[0]:
        values = ops.concatenate([values[:shift], reduce(values[shift:], values[:-shift])], axis=0)
        shift *= 2
    return values


def smooth_grid(nearest: Tensor, alpha: float, smoothness: float) -> Tensor:
    """Return the exact minimiser of the sampling energy, (batch, h, w, 2) float32.

    nearest: (batch, h, w, 2) float, b of each grid point. The two coordinates never interact: each
    is solved by a sine transform along its own axis and a cosine transform along the other.
    """
    nearest = ops.cast(nearest, "float32")
    rows = _solve(nearest[..., 0], alpha, smoothness)
    columns = _solve(ops.transpose(nearest[..., 1], (0, 2, 1)), alpha, smoothness)
    return ops.stack([rows, ops.transpose(columns, (0, 2, 1))], axis=-1)


def _solve(data: Tensor, alpha: float, smoothness: float) -> Tensor:
    """Return one coordinate, fixed to 0 and 1 on the first and last of axis 1."""
    fixed, free = data.shape[1:3]
    zeros = ops.zeros_like(data[:, :1])
    # Both rows are on the border: nothing is left to solve.
    if fixed == 2:
        return ops.concatenate([zeros, zeros + 1], axis=1)
    sine, sine_values = _sine_transform(fixed - 2)
    cosine, cosine_values = _cosine_transform(free)
    last = np.zeros((fixed - 2, 1))
    # The last row, fixed at 1, pulls at the one before it; the first, at 0, adds nothing.
    last[-1] = smoothness
    right = alpha * data[:, 1:-1] + _constant(last)
    spectrum = _product(_product(right, sine, axis=1), cosine, axis=2)
    total = alpha + smoothness * (sine_values[:, None] + cosine_values)
    inner = spectrum / _constant(total)
    inner = _product(_product(inner, sine.T, axis=1), cosine.T, axis=2)
    return ops.concatenate([zeros, inner, zeros + 1], axis=1)


def _constant(values: np.ndarray) -> Tensor:
    return ops.convert_to_tensor(values.astype(np.float32))


def _product(data: Tensor, matrix: np.ndarray, axis: int) -> Tensor:
    """Return `matrix` times `data` along `axis`, in full float32."""
    # A matrix product may round to 10 bits on a GPU (TF32); these are small enough to write out.
    if axis == 1:
        return ops.sum(_constant(matrix)[:, :, None] * data[:, None], axis=2)
    return ops.sum(data[:, :, None] * _constant(matrix), axis=3)


def _sine_transform(points: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the orthonormal DST-I matrix and the eigenvalues of (-1, 2, -1), both ends fixed."""
    k = np.arange(1, points + 1)
    matrix = np.sqrt(2 / (points + 1)) * np.sin(np.pi * np.outer(k, k) / (points + 1))
    return matrix, 2 - 2 * np.cos(np.pi * k / (points + 1))


def _cosine_transform(points: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the orthonormal DCT-II matrix and the eigenvalues of (-1, 2, -1), both ends free."""
    k = np.arange(points)
    matrix = np.sqrt(2 / points) * np.cos(np.pi * np.outer(k, k + 0.5) / points)
    matrix[0] = np.sqrt(1 / points)
    return matrix, 2 - 2 * np.cos(np.pi * k / points)
