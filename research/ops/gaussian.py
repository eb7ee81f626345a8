"""Gaussian blur along an axis as a matrix; NumPy alone, for constants of graphs and native code."""

import numpy as np
from numpy.typing import NDArray


def gaussian_matrix(cells: int, deviation: float) -> NDArray[np.float64]:
    """Return the (cells, cells) matrix that blurs along an axis, its borders reflected.

    deviation: standard deviation in cells; 0 gives the identity. Cut off at 4 deviations.
    Columns sum to 1: what lies beyond a border comes back, so no mass is lost.
    """
    if not deviation:
        return np.eye(cells)
    # No further than the map is long: then one reflection brings everything back.
    reach = min(int(np.ceil(4 * deviation)), cells)
    offsets = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (offsets / deviation) ** 2)
    kernel /= kernel.sum()
    matrix = np.zeros((cells, cells))
    for source in range(cells):
        target = source + offsets
        target = np.where(target < 0, -1 - target, target)
        target = np.where(target >= cells, 2 * cells - 1 - target, target)
        # Reflected targets repeat, which `+=` would count once.
        np.add.at(matrix[:, source], target, kernel)
    return matrix
