"""The sampling energy given to Ceres through the pyceres wheel, with cost functions in Python.

Slow (a Python call for each residual and step); a check that needs no compiler. Fixed coordinates
are eliminated: pyceres 2.6 crashes when a parameter with a Python cost is set constant. That leaves
out constant costs, which Ceres's default function tolerance is relative to, so with default
tolerances it may stop elsewhere than the compiled solver, by as much as both stop early.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyceres
from numpy.typing import NDArray


class Towards(pyceres.CostFunction):
    """Residual weight * (x - target) of one free coordinate."""

    def __init__(self, weight: float, target: float) -> None:
        """Keep both numbers for every evaluation."""
        super().__init__()
        self.weight, self.target = weight, target
        self.set_num_residuals(1)
        self.set_parameter_block_sizes([1])

    def Evaluate(self, parameters: Sequence[NDArray], residuals: NDArray, jacobians: Any) -> bool:
        """Write the residual and, if asked, its derivative."""
        residuals[0] = self.weight * (parameters[0][0] - self.target)
        if jacobians is not None and jacobians[0] is not None:
            jacobians[0][0] = self.weight
        return True


class Apart(pyceres.CostFunction):
    """Residual weight * (x - y) of two neighbouring free coordinates."""

    def __init__(self, weight: float) -> None:
        """Keep the weight for every evaluation."""
        super().__init__()
        self.weight = weight
        self.set_num_residuals(1)
        self.set_parameter_block_sizes([1, 1])

    def Evaluate(self, parameters: Sequence[NDArray], residuals: NDArray, jacobians: Any) -> bool:
        """Write the residual and, if asked, its derivatives."""
        residuals[0] = self.weight * (parameters[0][0] - parameters[1][0])
        if jacobians is not None:
            for jacobian, sign in zip(jacobians, (1, -1), strict=True):
                if jacobian is not None:
                    jacobian[0] = sign * self.weight
        return True


def solve(nearest: NDArray, data: float, pair: float, tolerance: float) -> NDArray[np.float64]:
    """Return the float64 grid (h, w, 2) that Ceres finds for nearest edges (h, w, 2).

    data, pair: weights of the squared distances. tolerance: 0 keeps Ceres's defaults.
    """
    grid = np.zeros(nearest.shape)
    free = np.ones(nearest.shape, bool)
    free[0, :, 0] = free[-1, :, 0] = free[:, 0, 1] = free[:, -1, 1] = False
    grid[-1, :, 0] = grid[:, -1, 1] = 1
    if not free.any():
        return grid
    problem = pyceres.Problem()
    for axis in (0, 1):
        _add_coordinate(problem, grid[..., axis], free[..., axis], nearest[..., axis], data, pair)
    options = pyceres.SolverOptions()
    options.logging_type = pyceres.LoggingType.SILENT
    if tolerance > 0:
        options.function_tolerance = options.gradient_tolerance = tolerance
        options.parameter_tolerance = tolerance
        # Undamped: the energy is quadratic, so that one whole step reaches its minimum.
        options.initial_trust_region_radius = options.max_trust_region_radius
    summary = pyceres.SolverSummary()
    pyceres.solve(options, problem, summary)
    if not summary.IsSolutionUsable():
        raise RuntimeError(summary.message)
    return grid


def _add_coordinate(
    problem: Any, grid: NDArray, free: NDArray, nearest: NDArray, data: float, pair: float
) -> None:
    """Add every residual of one coordinate; grid, free and nearest are (h, w) views."""
    # Views of single values, into which Ceres writes its solution.
    blocks = {tuple(at): grid[at[0], at[1] : at[1] + 1] for at in np.argwhere(free)}
    for at, block in blocks.items():
        problem.add_residual_block(Towards(math.sqrt(data), nearest[at]), None, [block])
    for i, j in np.ndindex(grid.shape):
        for other in ((i + 1, j), (i, j + 1)):
            if other[0] == grid.shape[0] or other[1] == grid.shape[1]:
                continue
            ends = [end for end in ((i, j), other) if free[end]]
            if len(ends) == 2:
                problem.add_residual_block(
                    Apart(math.sqrt(pair)), None, [blocks[end] for end in ends]
                )
            elif len(ends) == 1:
                fixed = grid[other if ends[0] == (i, j) else (i, j)]
                problem.add_residual_block(Towards(math.sqrt(pair), fixed), None, [blocks[ends[0]]])
