"""Grids: uniform, projected, enlarged, and the pixels they point at."""

import keras
import numpy as np
import pytest

from roadseg.sampling import enlarge, pixel_indices, project, sample, uniform_grid


def test_uniform_grid_spans_the_image_in_rows_then_columns():
    grid = np.asarray(uniform_grid((3, 5)))
    assert grid.dtype == np.float32 and grid.shape == (3, 5, 2)
    np.testing.assert_allclose(grid[:, 0, 0], [0, 0.5, 1])
    np.testing.assert_allclose(grid[0, :, 1], [0, 0.25, 0.5, 0.75, 1])
    assert np.array_equal(np.asarray(uniform_grid(4, batch=2))[1], np.asarray(uniform_grid(4)))


def test_projection_fixes_the_rim_and_clips_the_rest():
    grid = np.random.default_rng(0).uniform(-0.5, 1.5, (2, 4, 5, 2)).astype(np.float32)
    found = np.asarray(project(grid))
    expected = np.clip(grid, 0, 1)
    expected[:, 0, :, 0], expected[:, -1, :, 0] = 0, 1
    expected[:, :, 0, 1], expected[:, :, -1, 1] = 0, 1
    assert np.array_equal(found, expected)


def test_projection_keeps_coordinates_exact_under_half_precision():
    assert np.asarray(project(keras.ops.ones((1, 3, 3, 2), "bfloat16"))).dtype == np.float32


def test_enlarged_uniform_grid_is_the_larger_uniform_grid():
    larger = np.asarray(enlarge(uniform_grid((8, 6), batch=1), (33, 41)))[0]
    np.testing.assert_allclose(larger, np.asarray(uniform_grid((33, 41))), atol=1e-6)


def test_halves_round_to_the_even_pixel():
    places = np.array([0.5, 1.5, 2.5, 3.5], np.float32) / 4
    grid = np.stack([places, places], axis=-1)
    assert np.asarray(pixel_indices(grid, (5, 5)))[:, 0].tolist() == [0, 2, 2, 4]


def test_locations_outside_the_image_take_its_border_pixels():
    grid = np.array([[-0.2, 1.7], [2.0, -1.0]], np.float32)
    assert np.asarray(pixel_indices(grid, (10, 20))).tolist() == [[0, 19], [9, 0]]


@pytest.mark.parametrize("size", [0, 1, -3, (4, 1), (3, 3, 3), 2.5, True, "128", (8, None)])
def test_sizes_that_are_no_two_integers_from_two_up_are_refused(size):
    with pytest.raises(ValueError, match="size is an integer or"):
        uniform_grid(size)


def test_sampling_picks_the_same_pixels_as_a_loop_of_each_image_and_label():
    rng = np.random.default_rng(1)
    image = rng.uniform(0, 255, (2, 9, 13, 3)).astype(np.float32)
    label = rng.integers(0, 256, (2, 9, 13), dtype=np.uint8)
    grid = rng.uniform(0, 1, (2, 4, 6, 2)).astype(np.float32)
    found_image, found_label = np.asarray(sample(image, grid)), np.asarray(sample(label, grid))
    assert found_image.dtype == np.float32 and found_label.dtype == np.uint8
    for b, i, j in np.ndindex(2, 4, 6):
        row, column = np.rint(grid[b, i, j] * np.float32([8, 12])).astype(int)
        assert np.array_equal(found_image[b, i, j], image[b, row, column])
        assert found_label[b, i, j] == label[b, row, column]


def test_one_grid_serves_every_image_of_a_batch():
    image = np.random.default_rng(2).uniform(0, 1, (3, 5, 5, 2)).astype(np.float32)
    grid = uniform_grid(3)
    each = np.broadcast_to(np.asarray(grid), (3, 3, 3, 2))
    assert np.array_equal(np.asarray(sample(image, grid)), np.asarray(sample(image, each)))


def test_image_of_one_pixel_gives_that_pixel_everywhere():
    image = np.full((1, 1, 1, 3), 7, np.uint8)
    assert np.asarray(sample(image, uniform_grid(4))).tolist() == np.full((1, 4, 4, 3), 7).tolist()


def test_image_smaller_than_the_sampling_size_repeats_pixels():
    image = np.arange(6, dtype=np.float32).reshape(1, 2, 3, 1)
    found = np.asarray(sample(image, uniform_grid(5)))[0, ..., 0]
    assert found.shape == (5, 5) and set(found.ravel()) == set(range(6))


def test_sampling_refuses_other_ranks():
    with pytest.raises(ValueError, match="image is"):
        sample(np.zeros((4, 4)), np.zeros((2, 2, 2)))
    with pytest.raises(ValueError, match="grid"):
        sample(np.zeros((1, 4, 4, 3)), np.zeros((1, 2, 2, 3)))
