"""How evenly the cells of a sampling grid share a density, and how many of them fold."""

import numpy as np

# Of a cell without area, whose logarithm would not exist.
LEAST_MASS = 1e-6
POINTS = 3


def cell_masses(grid_yx01: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """Return what each cell of a grid holds, (h - 1, w - 1) float64: its area times mean density.

    grid_yx01: (h, w, 2), (row, column) 0..1. mass: density (rows, columns) on cells that tile the
    image, any scale; between their centres it is bilinear. The mean is over 3x3 points of a cell.
    """
    grid = grid_yx01.astype(np.float64)
    corners = grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]
    places = (np.arange(POINTS) + 0.5) / POINTS
    total = np.zeros(corners[0].shape[:2])
    for row in places:
        for column in places:
            weights = (1 - row) * (1 - column), (1 - row) * column, row * column, row * (1 - column)
            point = sum(w * corner for w, corner in zip(weights, corners, strict=True))
            total += _bilinear(mass, point)
    diagonals = corners[2] - corners[0], corners[3] - corners[1]
    return _cross(*diagonals) / 2 * total / POINTS**2


def residual(grid_yx01: np.ndarray, mass: np.ndarray) -> float:
    """Return the standard deviation of the logarithm of the cell masses: 0 where all are equal."""
    return float(np.log(np.maximum(cell_masses(grid_yx01, mass), LEAST_MASS)).std())


def folded_cells(grid_yx01: np.ndarray) -> int:
    """Return the number of cells (h - 1, w - 1) with a corner that does not turn the usual way."""
    grid = grid_yx01.astype(np.float64)
    corners = grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]
    sides = [corners[(n + 1) % 4] - corners[n] for n in range(4)]
    turns = [_cross(sides[n - 1], sides[n]) for n in range(4)]
    return int((np.min(turns, axis=0) <= 0).sum())


def _cross(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    # Positive for the corners' order, along the columns first: rows point down.
    return first[..., 1] * second[..., 0] - first[..., 0] * second[..., 1]


def _bilinear(values: np.ndarray, points_yx01: np.ndarray) -> np.ndarray:
    sides = np.array(values.shape)
    place = np.clip(points_yx01 * sides - 0.5, 0, sides - 1)
    first = np.minimum(place.astype(int), sides - 2)
    weight = place - first
    row, column = first[..., 0], first[..., 1]
    upper = values[row, column] * (1 - weight[..., 1]) + values[row, column + 1] * weight[..., 1]
    row = row + 1
    lower = values[row, column] * (1 - weight[..., 1]) + values[row, column + 1] * weight[..., 1]
    return upper * (1 - weight[..., 0]) + lower * weight[..., 0]
