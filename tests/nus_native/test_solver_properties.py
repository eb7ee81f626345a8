"""Every solver finds the grid of least energy, whatever is drawn: hypothesis compares them."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from roadseg import nus_native
from tests.nus_native.test_solvers import slow_solution

KEEP = settings(max_examples=30, deadline=None)
SOLVERS = ("direct", *(["ceres"] if nus_native.has_ceres() else []), "pyceres")


@st.composite
def problems(draw: Any) -> tuple[np.ndarray, dict[str, Any], tuple[float, float]]:
    """Return nearest points, options, and the weights that these mean."""
    height, width, seed = (
        draw(st.integers(2, 9)),
        draw(st.integers(2, 9)),
        draw(st.integers(0, 999)),
    )
    nearest = np.random.default_rng(seed).random((height, width, 2))
    nearest = np.round(
        nearest * draw(st.sampled_from([1.0, 3.0])), draw(st.sampled_from([0, 2, 9]))
    )
    if draw(st.booleans()):
        smoothness = draw(st.floats(0, 50))
        return nearest, {"smoothness": smoothness}, (1.0, smoothness)
    alpha = draw(st.floats(1e-3, 1))
    weighting = draw(st.sampled_from(["nus", "one_minus_alpha"]))
    pair = 1 - (alpha**0.5 if weighting == "nus" else alpha)
    return nearest, {"alpha": alpha, "weighting": weighting}, (alpha, pair)


@KEEP
@given(problems())
def test_every_solver_gives_the_solution_of_dense_least_squares(problem: Any) -> None:
    nearest, options, weights = problem
    wanted = slow_solution(nearest, *weights)
    least = nus_native.energy(wanted, nearest, **options)
    for solver in SOLVERS:
        tolerance = None if solver == "direct" else 1e-12
        found = nus_native.solve_grid(nearest, solver=solver, tolerance=tolerance, **options)
        # The weight of the data is the least curvature: a small one leaves the place less certain.
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-7, err_msg=solver)
        assert nus_native.energy(found, nearest, **options) <= least * (1 + 1e-9) + 1e-12


@KEEP
@given(problems(), st.sampled_from(["rows", "columns", "both"]))
def test_a_mirrored_problem_has_the_mirrored_solution(problem: Any, how: str) -> None:
    nearest, options, _ = problem
    axes = {"rows": (0,), "columns": (1,), "both": (0, 1)}[how]

    def mirrored(grid: np.ndarray) -> np.ndarray:
        flipped = np.flip(grid, axes).copy()
        for axis in axes:
            flipped[..., axis] = 1 - flipped[..., axis]
        return flipped

    found = nus_native.solve_grid(mirrored(nearest), **options)
    wanted = mirrored(nus_native.solve_grid(nearest, **options))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-11)
