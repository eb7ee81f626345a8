import math

import numpy as np
import pytest

from roadseg.metrics.grid_error import GridError, project_border


def grid(rows: int = 3, columns: int = 4) -> np.ndarray:
    axes = np.linspace(0, 1, rows), np.linspace(0, 1, columns)
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).astype(np.float32)


def test_the_raw_error_counts_border_entries_and_the_projected_one_does_not() -> None:
    target = grid()
    prediction = target.copy()
    prediction[0, 1, 0] = 0.5  # a border row coordinate: projection puts it back
    prediction[1, 1, 1] += 0.25
    error = GridError()
    error.add(target, prediction)
    assert error.mse == pytest.approx((0.5**2 + 0.25**2) / 24, rel=1e-6)
    assert error.mse_projected == pytest.approx(0.25**2 / 24, rel=1e-6)


def test_the_running_mean_equals_the_mean_over_everything() -> None:
    random = np.random.default_rng(0)
    targets, predictions = random.random((2, 5, 8, 8, 2))
    error = GridError()
    for target, prediction in zip(targets, predictions, strict=True):
        error.add(target, prediction)
    assert error.mse == pytest.approx(np.square(targets - predictions).mean(), rel=1e-12)


def test_projection_clips_and_keeps_columns_apart_from_rows() -> None:
    projected = project_border(np.full((3, 3, 2), 1.5))
    np.testing.assert_array_equal(projected[0, :, 0], 0)
    np.testing.assert_array_equal(projected[:, 0, 1], 0)
    assert projected.max() == 1


def test_no_grid_gives_nan() -> None:
    assert math.isnan(GridError().mse) and math.isnan(GridError().mse_projected)


def test_grids_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="predicted grid"):
        GridError().add(grid(), grid(4, 4))
