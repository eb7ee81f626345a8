from typing import Any

import numpy as np
import pytest

from roadseg import nus_native
from roadseg.errors import RoadsegError

LABELS = np.zeros((16, 16), np.uint8)
GRID = nus_native.uniform_grid((4, 5))
SCORES = np.zeros((4, 5, 3), np.float32)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"grid": (1, 8)}, RoadsegError, r"grid \(1, 8\)"),
        ({"grid": (8, 0)}, RoadsegError, r"grid \(8, 0\)"),
        ({"grid": 8}, ValueError, "two whole numbers"),
        ({"grid": (8, 8, 8)}, ValueError, "two whole numbers"),
        ({"grid": (8.0, 8)}, ValueError, "two whole numbers"),
        ({"alpha": 0}, RoadsegError, "alpha 0"),
        ({"alpha": 1.5}, RoadsegError, "alpha 1.5"),
        ({"alpha": float("nan")}, RoadsegError, "alpha nan"),
        ({"smoothness": -1}, RoadsegError, "smoothness -1"),
        (
            {"smoothness": 1e155},
            RoadsegError,
            "1e[+]155: use a number from 0 to 1e[+]100",
        ),
        ({"grid": (2, 40_000)}, RoadsegError, r"grid \(2, 40000\): sides of 4096 at most"),
        ({"grid": (2, 2**31 - 1)}, RoadsegError, "sides of 4096 at most"),
        ({"grid": (1025, 1025)}, RoadsegError, "1,048,576 points at most can be solved"),
        ({"smoothness": float("inf")}, RoadsegError, "smoothness inf"),
        ({"weighting": "other"}, RoadsegError, "weighting 'other'"),
        ({"solver": "other"}, RoadsegError, "solver 'other'"),
        ({"grid_index": "other"}, RoadsegError, "grid_index 'other'"),
        ({"no_edge": "other"}, RoadsegError, "no_edge 'other'"),
        ({"tolerance": -1.0}, RoadsegError, "tolerance -1.0"),
        ({"target_classes": [1.5]}, ValueError, "1.5"),
        ({"target_classes": np.array([True, False])}, ValueError, "target_classes holds True"),
        ({"target_classes": "12"}, ValueError, "target_classes is '12'; pass a list"),
        ({"ignore": True}, ValueError, "ignore holds True"),
        ({"target_classes": [2**40]}, ValueError, "1099511627776"),
        ({"ignore": 2**40}, ValueError, "1099511627776"),
        ({"threads": 0}, ValueError, "threads is 0"),
        ({"dtype": np.int32}, ValueError, "int32"),
        ({"dtype": "x"}, ValueError, "dtype is 'x'"),
        ({"alpha": None}, ValueError, "alpha is None; pass a number"),
        ({"smoothness": "1"}, ValueError, "smoothness is '1'; pass a number"),
        ({"solver": "pyceres", "tolerance": True}, ValueError, "tolerance is True; pass a number"),
    ],
)
def test_targets_refuse_options_out_of_range(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        nus_native.boundary_targets(LABELS, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (LABELS.astype(np.int64), ValueError, "int64"),
        (LABELS.astype(np.float32), ValueError, "float32"),
        (LABELS.astype(bool), ValueError, "bool"),
        (LABELS[0], ValueError, r"\(16,\)"),
        (LABELS[None, None], ValueError, r"\(1, 1, 16, 16\)"),
        (LABELS[:1], RoadsegError, r"\(1, 16\)"),
        (LABELS[:, :1], RoadsegError, r"\(16, 1\)"),
        (LABELS[:0], RoadsegError, r"\(0, 16\)"),
    ],
)
def test_targets_refuse_what_is_no_label_map(
    labels: np.ndarray, error: type[Exception], message: str
) -> None:
    for function in (nus_native.boundary_targets, nus_native.nearest_edges, nus_native.edge_map):
        with pytest.raises(error, match=message):
            function(labels)


def test_square_index_refuses_a_map_higher_than_wide() -> None:
    with pytest.raises(RoadsegError, match="20x10"):
        nus_native.nearest_edges(np.zeros((20, 10), np.uint8), grid_index="square")


@pytest.mark.parametrize(
    ("nearest", "error", "message"),
    [
        (np.full((3, 3, 2), np.nan), ValueError, "18 of 18"),
        (np.zeros((3, 3, 3)), ValueError, r"\(3, 3, 3\)"),
        (np.zeros((3, 2)), ValueError, r"\(3, 2\)"),
        (np.zeros((1, 3, 2)), RoadsegError, r"grid \(1, 3\)"),
    ],
)
def test_solver_refuses_what_is_no_grid(
    nearest: np.ndarray, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        nus_native.solve_grid(nearest)


def test_energy_refuses_grids_of_two_sizes() -> None:
    with pytest.raises(ValueError, match="must be the same"):
        nus_native.energy(np.zeros((3, 3, 2)), np.zeros((3, 4, 2)))


@pytest.mark.parametrize(
    ("scores", "grid", "size", "error", "message"),
    [
        (SCORES, GRID * np.nan, (9, 9), ValueError, "grid: 40 of 40"),
        (SCORES, np.where(GRID == 1, np.inf, GRID), (9, 9), ValueError, "NaN or infinite"),
        (SCORES * np.nan, GRID, (9, 9), ValueError, "scores: 60 of 60"),
        (SCORES.astype(np.int32), GRID, (9, 9), ValueError, "int32"),
        (SCORES, GRID.astype(np.int32), (9, 9), ValueError, "int32"),
        (SCORES[..., :0], GRID, (9, 9), ValueError, r"\(4, 5, 0\)"),
        (SCORES[0], GRID, (9, 9), ValueError, r"\(5, 3\)"),
        (SCORES, GRID[:3], (9, 9), ValueError, r"\(3, 5, 2\)"),
        (SCORES, GRID[None], (9, 9), ValueError, r"\(1, 4, 5, 2\)"),
        (SCORES[None], np.stack([GRID, GRID]), (9, 9), ValueError, r"\(2, 4, 5, 2\)"),
        (SCORES[:1], GRID[:1], (9, 9), RoadsegError, r"grid \(1, 5\)"),
        (SCORES, GRID, (1, 9), RoadsegError, r"size \(1, 9\)"),
        (SCORES, GRID, (9,), ValueError, "two whole numbers"),
        (SCORES, GRID, (9.5, 9), ValueError, "two whole numbers"),
    ],
)
def test_interpolation_refuses_what_does_not_fit(
    scores: np.ndarray, grid: np.ndarray, size: Any, error: type[Exception], message: str
) -> None:
    for argmax in (False, True):
        with pytest.raises(error, match=message):
            nus_native.interpolate(scores, grid, size, argmax)


@pytest.mark.parametrize(
    ("scores", "grid", "size", "error", "message"),
    [
        (SCORES.astype("f8") + 1.7e308, GRID, (9, 9), ValueError, "scores: 60 of 60 .* 1e[+]300"),
        (SCORES, GRID + 1e305, (9, 9), ValueError, r"grid: 40 of 40 values are beyond 1e\+300"),
        (SCORES, GRID, (2, 2**31 - 1), RoadsegError, "268,435,456 pixels at most; cut it into"),
    ],
)
def test_what_cannot_be_computed_with_is_refused(
    scores: np.ndarray, grid: np.ndarray, size: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        nus_native.interpolate(scores, grid, size)
