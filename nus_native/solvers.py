"""The sampling energy and what minimises it: exactly, or with Ceres as published."""

import importlib.util
import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from roadseg.errors import RoadsegError
from roadseg.nus_native import _targets
from roadseg.nus_native.arguments import (
    LARGEST_GRID,
    LARGEST_VALUE,
    aligned,
    finite,
    grid_size,
    real,
    thread_count,
)

LARGEST_SMOOTHNESS = 1e100
"""Its square is still a number."""
Solver = Literal["direct", "ceres", "pyceres"]
Weighting = Literal["nus", "one_minus_alpha"]


def solve_grid(
    nearest: NDArray,
    alpha: float = 0.5,
    solver: Solver = "direct",
    *,
    weighting: Weighting = "nus",
    smoothness: float | None = None,
    tolerance: float | None = None,
    threads: int | None = None,
) -> NDArray[np.float64]:
    """Return the grid of least energy for given nearest edge points, float64, shaped as `nearest`.

    nearest: (..., h, w, 2), (row, column), 0..1; h and w at least 2. See `energy` for what is
    minimised, and for alpha, weighting and smoothness. The row coordinate is 0 and 1 on the first
    and last grid row, the column coordinate on the first and last grid column.
    solver: "direct" is exact. "ceres" is the published problem in Ceres Solver, compiled (needs its
        headers when this package is built). "pyceres" is the same through the wheel, slowly.
    tolerance: for the last two, Ceres's function, gradient and parameter tolerance, with an
        undamped first step; 1e-12 comes within 1e-8 of the minimum. None: Ceres's defaults, as
        published, which stop up to 5e-4 away from it.
    threads: for "direct"; None is one for each grid, up to the CPUs. The GIL is released, but
        for "pyceres".
    Raises RoadsegError for values out of range or a solver that is not there, ValueError for
    a wrong shape or NaN.
    """
    grids, shape = _grids(nearest, "nearest")
    if shape[-3] * shape[-2] > LARGEST_GRID:
        raise RoadsegError(
            f"grid {shape[-3:-1]}: {LARGEST_GRID:,} points at most can be solved; use fewer"
        )
    data, pair = energy_weights(alpha, weighting, smoothness)
    tolerance = None if tolerance is None else real(tolerance, "tolerance")
    if tolerance is not None and not (tolerance > 0 and math.isfinite(tolerance)):
        raise RoadsegError(f"tolerance {tolerance}: use a number above 0, or None")
    if len(grids) == 0:
        return np.empty(shape)
    if solver == "direct":
        threads = thread_count(threads, len(grids))
        return _targets.solve(grids, data, pair, threads).reshape(shape)
    solve_one = _ceres_solver(solver)
    return np.stack([solve_one(one, data, pair, tolerance or 0.0) for one in grids]).reshape(shape)


def energy(
    grid: NDArray,
    nearest: NDArray,
    alpha: float = 0.5,
    *,
    weighting: Weighting = "nus",
    smoothness: float | None = None,
) -> NDArray[np.float64]:
    """Return the sampling energy of each grid, float64 (...): what `solve_grid` minimises.

    1/2 [a * sum_p |x_p - b_p|^2 + c * sum over 4-neighbour pairs |x_p - x_q|^2], x = grid and
    b = nearest, both (..., h, w, 2); a pair counts once.
    weighting: "nus": a = alpha, c = 1 - sqrt(alpha), as the released code has it;
        "one_minus_alpha": a = alpha, c = 1 - alpha, which was probably meant.
    smoothness: if given, a = 1 and c = smoothness, and alpha and weighting are not used; it is the
        paper's lambda, 1 in its experiments.
    """
    points, shape = _grids(grid, "grid")
    edges, edges_shape = _grids(nearest, "nearest")
    if shape != edges_shape:
        raise ValueError(f"grid has shape {shape}, nearest {edges_shape}; they must be the same")
    data, pair = energy_weights(alpha, weighting, smoothness)
    with np.errstate(over="ignore"):  # the energy of points that are 1e200 apart is infinite
        apart = sum(np.square(np.diff(points, axis=axis)).sum(axis=(1, 2, 3)) for axis in (1, 2))
        pulled = np.square(points - edges).sum(axis=(1, 2, 3))
        return ((data * pulled + pair * apart) / 2).reshape(shape[:-3])


def energy_weights(
    alpha: float, weighting: Weighting, smoothness: float | None
) -> tuple[float, float]:
    """Return the weights (a, c) of the data term and of the pairs."""
    if smoothness is not None:
        if not 0 <= real(smoothness, "smoothness") <= LARGEST_SMOOTHNESS:
            raise RoadsegError(
                f"smoothness {smoothness}: use a number from 0 to {LARGEST_SMOOTHNESS:g}"
            )
        return 1.0, float(smoothness)
    if not 0 < real(alpha, "alpha") <= 1:
        raise RoadsegError(f"alpha {alpha}: use a number above 0 and at most 1")
    if weighting == "nus":
        return float(alpha), 1 - math.sqrt(alpha)
    if weighting == "one_minus_alpha":
        return float(alpha), 1 - float(alpha)
    raise RoadsegError(f"weighting {weighting!r} is unknown; use 'nus' or 'one_minus_alpha'")


def has_ceres() -> bool:
    """Return whether the compiled Ceres solver was built."""
    return importlib.util.find_spec("roadseg.nus_native._ceres") is not None


def _ceres_solver(solver: str) -> Callable[[NDArray, float, float, float], NDArray]:
    """Return the function that hands one grid to Ceres: (nearest, a, c, tolerance) -> grid."""
    if solver == "pyceres":
        try:
            from roadseg.nus_native.pyceres_solver import solve
        except ImportError as error:
            raise RoadsegError(
                f"solver 'pyceres' needs the wheel: pip install pyceres, or use 'direct' ({error})"
            ) from error
        return solve
    if solver != "ceres":
        raise RoadsegError(f"solver {solver!r} is unknown; use 'direct', 'ceres' or 'pyceres'")
    try:
        from roadseg.nus_native import _ceres
    except ImportError as error:
        raise RoadsegError(
            "solver 'ceres' was not built: install Ceres's headers (Debian: libceres-dev) and "
            f"install roadseg again, or use solver 'direct' or 'pyceres' ({error})"
        ) from error
    return _ceres.solve


def _grids(values: NDArray, name: str) -> tuple[NDArray[np.float64], tuple[int, ...]]:
    """Return `values` as a contiguous float64 batch of grids, and their own shape."""
    values = np.asarray(values)
    if values.ndim < 3 or values.shape[-1] != 2:
        raise ValueError(f"{name} has shape {values.shape}; pass (..., height, width, 2)")
    if values.dtype.kind not in "fiu":
        raise ValueError(f"{name} is {values.dtype}; pass floating-point numbers")
    grid_size(values.shape[-3:-1])
    batch = aligned(values.astype(np.float64, copy=False)).reshape(-1, *values.shape[-3:])
    return finite(batch, name, LARGEST_VALUE), values.shape
