import sys

import numpy as np
import pytest

from roadseg import nus_native
from roadseg.errors import RoadsegError

GRIDS = [(2, 2), (2, 5), (3, 3), (3, 8), (9, 4), (8, 9)]


def slow_solution(nearest: np.ndarray, data: float, pair: float) -> np.ndarray:
    """Solve one linear least-squares problem over every coordinate, fixed ones as known values."""
    height, width, _ = nearest.shape
    grid = np.full(nearest.shape, np.nan)
    grid[0, :, 0] = grid[:, 0, 1] = 0
    grid[-1, :, 0] = grid[:, -1, 1] = 1
    number = np.arange(grid.size).reshape(grid.shape)
    rows, right = [], []
    for i, j, k in np.ndindex(grid.shape):
        row = np.zeros(grid.size)
        row[number[i, j, k]] = np.sqrt(data)
        rows.append(row)
        right.append(np.sqrt(data) * nearest[i, j, k])
        for other in ((i + 1, j), (i, j + 1)):
            if other[0] < height and other[1] < width:
                row = np.zeros(grid.size)
                row[number[i, j, k]], row[number[(*other, k)]] = np.sqrt(pair), -np.sqrt(pair)
                rows.append(row)
                right.append(0.0)
    matrix, free = np.array(rows), np.isnan(grid).ravel()
    known = np.array(right) - matrix[:, ~free] @ grid.ravel()[~free]
    solution = grid.ravel()
    solution[free] = np.linalg.lstsq(matrix[:, free], known, rcond=None)[0]
    return solution.reshape(grid.shape)


@pytest.mark.parametrize("sides", GRIDS)
@pytest.mark.parametrize("alpha", [1e-3, 0.5, 1.0])
def test_direct_solution_equals_dense_least_squares(sides: tuple[int, int], alpha: float) -> None:
    nearest = np.random.default_rng(3).random((*sides, 2))
    weights = {
        "nus": (alpha, 1 - np.sqrt(alpha)),
        "one_minus_alpha": (alpha, 1 - alpha),
    }
    for weighting, (data, pair) in weights.items():
        ours = nus_native.solve_grid(nearest, alpha, weighting=weighting)
        np.testing.assert_allclose(ours, slow_solution(nearest, data, pair), rtol=0, atol=1e-10)


@pytest.mark.parametrize("smoothness", [0, 0.3, 1, 50])
def test_smoothness_is_the_lambda_of_the_paper(smoothness: float) -> None:
    nearest = np.random.default_rng(4).random((6, 7, 2))
    ours = nus_native.solve_grid(nearest, smoothness=smoothness)
    np.testing.assert_allclose(ours, slow_solution(nearest, 1, smoothness), rtol=0, atol=1e-12)


def test_weight_of_the_paper_is_one_minus_alpha_at_a_half() -> None:
    nearest = np.random.default_rng(5).random((8, 8, 2))
    np.testing.assert_allclose(
        nus_native.solve_grid(nearest, smoothness=1),
        nus_native.solve_grid(nearest, 0.5, weighting="one_minus_alpha"),
        rtol=0,
        atol=1e-14,
    )


@pytest.mark.parametrize("solver", ["direct", "ceres", "pyceres"])
def test_every_solver_takes_batches_and_grids_without_unknowns(solver: str) -> None:
    if solver == "ceres" and not nus_native.has_ceres():
        pytest.skip("built without Ceres's headers")
    nearest = np.random.default_rng(6).random((2, 3, 4, 5, 2))
    tolerance = None if solver == "direct" else 1e-12
    batch = nus_native.solve_grid(nearest, solver=solver, tolerance=tolerance)
    for index in np.ndindex(2, 3):
        one = slow_solution(nearest[index], 0.5, 1 - np.sqrt(0.5))
        np.testing.assert_allclose(batch[index], one, rtol=0, atol=1e-8)
    corners = nus_native.solve_grid(np.full((2, 2, 2), 0.4), solver=solver)
    np.testing.assert_array_equal(corners, nus_native.uniform_grid((2, 2)))


def test_energy_counts_each_pair_once() -> None:
    grid, nearest = np.zeros((2, 2, 2)), np.zeros((2, 2, 2))
    grid[0, 0] = [3, 4]
    assert nus_native.energy(grid, nearest, smoothness=2) == pytest.approx((25 + 2 * 50) / 2)
    assert nus_native.energy(grid, nearest, 0.25) == pytest.approx((25 / 4 + 50 / 2) / 2)


def test_the_solution_has_less_energy_than_its_neighbours() -> None:
    rng = np.random.default_rng(7)
    nearest = rng.random((5, 6, 2))
    best = nus_native.solve_grid(nearest)
    moved = np.repeat(best[None], 50, axis=0)
    moved[:, 1:-1, 1:-1] += rng.normal(scale=1e-3, size=(50, 3, 4, 2))
    energies = nus_native.energy(moved, np.broadcast_to(nearest, moved.shape))
    assert (energies > nus_native.energy(best, nearest)).all()


def test_a_large_grid_keeps_its_digits() -> None:
    nearest = np.random.default_rng(8).random((300, 257, 2))
    grid = nus_native.solve_grid(nearest, 0.1)
    data, pair = 0.1, 1 - np.sqrt(0.1)
    around = np.pad(grid[..., 1], ((1, 1), (0, 0)), mode="edge")  # free ends: no pull across them
    pull = sum(
        grid[:, 1:-1, 1] - other
        for other in (around[:-2, 1:-1], around[2:, 1:-1], grid[:, :-2, 1], grid[:, 2:, 1])
    )
    residual = data * (grid - nearest)[:, 1:-1, 1] + pair * pull
    assert np.abs(residual).max() < 1e-13


def test_missing_ceres_names_the_package_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(nus_native, "_ceres", raising=False)
    monkeypatch.setitem(sys.modules, "roadseg.nus_native._ceres", None)
    with pytest.raises(RoadsegError, match="libceres-dev"):
        nus_native.solve_grid(np.zeros((3, 3, 2)), solver="ceres")


def test_missing_pyceres_names_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "roadseg.nus_native.pyceres_solver", raising=False)
    monkeypatch.delattr(nus_native, "pyceres_solver", raising=False)
    monkeypatch.setitem(sys.modules, "pyceres", None)
    with pytest.raises(RoadsegError, match="pip install pyceres"):
        nus_native.solve_grid(np.zeros((3, 3, 2)), solver="pyceres")
