import numpy as np
import pytest

from roadseg import nus_native


def warped_grid(rng: np.random.Generator, sides: tuple[int, int]) -> np.ndarray:
    """Return an unfolded grid: uneven steps, then a smooth shear that keeps the border in place."""
    grid = nus_native.uniform_grid(sides)
    for axis in (0, 1):
        steps = rng.uniform(0.05, 1, sides[axis] - 1)
        places = np.concatenate([[0], np.cumsum(steps) / steps.sum()])
        grid[..., axis] = places[:, None] if axis == 0 else places
    bump = np.sin(np.pi * grid[..., 0]) * np.sin(np.pi * grid[..., 1])
    return np.clip(grid + 0.15 * bump[..., None] * rng.uniform(-1, 1, 2), 0, 1)


def folded_grid(rng: np.random.Generator, sides: tuple[int, int]) -> np.ndarray:
    """Return a grid whose inner points are anywhere; its border covers the image."""
    grid = nus_native.uniform_grid(sides)
    grid[1:-1, 1:-1] = rng.random((sides[0] - 2, sides[1] - 2, 2))
    return grid


def pixel_grid(size: tuple[int, int]) -> np.ndarray:
    return np.stack(np.meshgrid(*map(np.arange, size), indexing="ij"), axis=-1)


def slow_interpolation(scores: np.ndarray, grid: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Draw every triangle in order; NaN where none is drawn and within rounding of any edge."""
    position = grid * (np.array(size) - 1)
    pixels = pixel_grid(size)
    out = np.full((*size, scores.shape[-1]), np.nan)
    unsure = np.zeros(size, bool)
    for i, j in np.ndindex(scores.shape[0] - 1, scores.shape[1] - 1):
        upper, lower = [(i, j), (i, j + 1), (i + 1, j)], [(i, j + 1), (i + 1, j), (i + 1, j + 1)]
        for corners in (upper, lower):
            a, b, c = (position[corner] for corner in corners)
            edges = np.stack([b - a, c - a], axis=1)
            if abs(np.linalg.det(edges)) < 1e-12:
                continue
            second, third = np.moveaxis((pixels - a) @ np.linalg.inv(edges).T, -1, 0)
            weights = np.stack([1 - second - third, second, third], axis=-1)
            lowest = weights.min(axis=-1)
            near = (np.abs(lowest) < 1e-9) & (weights.max(axis=-1) < 1 + 1e-9)
            values = weights @ np.stack([scores[corner] for corner in corners])
            out[lowest > 0] = values[lowest > 0]
            unsure = (unsure & ~(lowest > 0)) | near
    out[unsure] = np.nan
    return out


@pytest.mark.parametrize("seed", range(12))
def test_unfolded_grids_give_affine_values_back(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sides, size = rng.integers(2, 20, 2), tuple(int(side) for side in rng.integers(2, 90, 2))
    grid = warped_grid(rng, tuple(sides))
    slopes, offset = rng.normal(size=(2, 4)), rng.normal(size=4)
    wanted = pixel_grid(size) / (np.array(size) - 1) @ slopes + offset
    ours = nus_native.interpolate(grid @ slopes + offset, grid, size)
    np.testing.assert_allclose(ours, wanted, rtol=0, atol=1e-11)


@pytest.mark.parametrize("seed", range(8))
def test_the_last_triangle_wins_where_a_grid_folds(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    sides, size = tuple(rng.integers(3, 8, 2)), (37, 41)
    scores, grid = rng.normal(size=(*sides, 3)), folded_grid(rng, sides)
    wanted = slow_interpolation(scores, grid, size)
    sure = ~np.isnan(wanted[..., 0])
    assert sure.mean() > 0.85  # the border lies on edges
    ours = nus_native.interpolate(scores, grid, size)
    np.testing.assert_allclose(ours[sure], wanted[sure], rtol=0, atol=1e-9)


@pytest.mark.parametrize("channels", [1, 2, 3, 19, 300])
@pytest.mark.parametrize("make", [warped_grid, folded_grid])
def test_labels_equal_the_argmax_of_the_scores(channels: int, make: object) -> None:
    rng = np.random.default_rng(channels)
    assert callable(make)
    grid = make(rng, (9, 12))
    scores = rng.normal(size=(9, 12, channels)).round(1)  # rounded: ties occur
    labels = nus_native.interpolate(scores, grid, (70, 90), argmax=True)
    assert labels.dtype == np.int32
    dense = nus_native.interpolate(scores, grid, (70, 90))
    best = np.take_along_axis(dense, labels[..., None].astype(int), -1)[..., 0]
    np.testing.assert_allclose(best, dense.max(axis=-1), rtol=0, atol=1e-14)


def test_equal_scores_give_the_lowest_channel() -> None:
    labels = nus_native.interpolate(
        np.full((3, 3, 5), 0.25, np.float32), nus_native.uniform_grid((3, 3)), (20, 20), argmax=True
    )
    assert (labels == 0).all()


def test_samples_on_pixels_are_returned_as_they_are() -> None:
    scores = np.random.default_rng(1).normal(size=(6, 8, 4)).astype(np.float32)
    grid = nus_native.uniform_grid((6, 8))
    ours = nus_native.interpolate(scores, grid, (6, 8))
    np.testing.assert_allclose(ours, scores, rtol=0, atol=1e-6)
    every_third = nus_native.interpolate(scores, grid, (16, 22))[::3, ::3]
    np.testing.assert_allclose(every_third, scores, rtol=0, atol=1e-6)


def test_the_cell_is_cut_from_upper_right_to_lower_left() -> None:
    scores = np.array([[[0.0], [1.0]], [[1.0], [0.0]]])
    ours = nus_native.interpolate(scores, nus_native.uniform_grid((2, 2)), (5, 5))[..., 0]
    np.testing.assert_allclose(np.diag(ours[::-1]), 1)
    assert ours[0, 0] == 0 and ours[4, 4] == 0 and ours[1, 1] == 0.5


def test_pixels_outside_the_mesh_repeat_the_nearest_of_their_row_then_row() -> None:
    grid = 0.25 + 0.5 * nus_native.uniform_grid((3, 3))
    scores = np.random.default_rng(2).normal(size=(3, 3, 2))
    ours = nus_native.interpolate(scores, grid, (9, 9))
    inside = ours[2:7, 2:7]
    np.testing.assert_array_equal(ours, np.pad(inside, ((2, 2), (2, 2), (0, 0)), mode="edge"))
    labels = nus_native.interpolate(scores, grid, (9, 9), argmax=True)
    np.testing.assert_array_equal(labels, ours.argmax(axis=-1))


@pytest.mark.parametrize("place", [0.0, 0.5, 0.37, -4.0])
def test_a_mesh_without_area_takes_the_samples_as_uniform(place: float) -> None:
    scores = np.arange(9, dtype=np.float32).reshape(3, 3, 1)
    ours = nus_native.interpolate(scores, np.full((3, 3, 2), place), (3, 3))
    np.testing.assert_array_equal(ours, scores)
    wide = nus_native.interpolate(scores, np.full((3, 3, 2), place), (9, 9))
    assert wide[0, 0] == 0 and wide[4, 4] == 4 and wide[8, 8] == 8


@pytest.mark.parametrize("scale", [1e-300, 1e-12, 3, 1e6, 1e30, 1e200])
def test_any_finite_grid_gives_values_within_the_samples(scale: float) -> None:
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(7, 7, 3))
    for grid in (rng.normal(size=(7, 7, 2)) * scale, 0.5 + rng.normal(size=(7, 7, 2)) * scale):
        ours = nus_native.interpolate(scores, grid, (40, 50))
        assert (ours >= scores.min(axis=(0, 1)) - 1e-12).all()
        assert (ours <= scores.max(axis=(0, 1)) + 1e-12).all()
        labels = nus_native.interpolate(scores, grid, (40, 50), argmax=True)
        assert labels.min() >= 0 and labels.max() < 3


def test_slivers_stay_within_the_samples() -> None:
    rng = np.random.default_rng(4)
    grid = nus_native.uniform_grid((12, 12))
    grid[1:-1, 1:-1, 0] = 0.5 + rng.normal(size=(10, 10)) * 1e-9
    scores = rng.normal(size=(12, 12, 2)).astype(np.float32)
    ours = nus_native.interpolate(scores, grid, (201, 201))
    assert (ours >= scores.min(axis=(0, 1))).all() and (ours <= scores.max(axis=(0, 1))).all()


def test_a_border_off_by_rounding_still_reaches_the_last_pixels() -> None:
    grid = nus_native.uniform_grid((5, 5)).astype(np.float32)
    grid[-1, :, 0] = grid[:, -1, 1] = np.nextafter(np.float32(1), np.float32(0))
    grid[0, :, 0] = 1e-8
    ours = nus_native.interpolate(nus_native.uniform_grid((5, 5)), grid, (33, 65))
    np.testing.assert_allclose(ours, nus_native.uniform_grid((33, 65)), rtol=0, atol=5e-7)


def test_one_grid_serves_a_whole_batch() -> None:
    rng = np.random.default_rng(5)
    scores, grid = rng.normal(size=(3, 6, 5, 4)).astype(np.float32), warped_grid(rng, (6, 5))
    for argmax in (False, True):
        shared = nus_native.interpolate(scores, grid, (31, 47), argmax)
        own = nus_native.interpolate(scores, np.stack([grid] * 3), (31, 47), argmax)
        np.testing.assert_array_equal(shared, own)
        for index in range(3):
            one = nus_native.interpolate(scores[index], grid, (31, 47), argmax)
            np.testing.assert_array_equal(shared[index], one)


def test_memory_layout_and_float16_are_taken() -> None:
    rng = np.random.default_rng(6)
    scores = rng.normal(size=(10, 12, 8)).astype(np.float16)
    grid = nus_native.uniform_grid((5, 6)).astype(np.float16)
    plain = nus_native.interpolate(
        np.ascontiguousarray(scores[::2, ::2, ::4], np.float32), grid.astype(np.float32), (9, 9)
    )
    assert plain.dtype == np.float32
    locked = scores[::2, ::2, ::4].astype(np.float32)
    locked.flags.writeable = grid.flags.writeable = False
    for view in (scores[::2, ::2, ::4], locked, np.asfortranarray(locked)):
        for points in (grid, np.asfortranarray(grid)):
            np.testing.assert_array_equal(nus_native.interpolate(view, points, (9, 9)), plain)


def test_an_empty_batch_gives_an_empty_batch() -> None:
    scores, grid = np.zeros((0, 3, 3, 2), np.float32), nus_native.uniform_grid((3, 3))
    values = nus_native.interpolate(scores, grid, (9, 8))
    assert values.shape == (0, 9, 8, 2) and values.dtype == np.float32
    assert nus_native.interpolate(scores, grid, (9, 8), argmax=True).shape == (0, 9, 8)
