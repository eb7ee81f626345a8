"""Antialiased resizes against Pillow's, and windows against the whole."""

import numpy as np
import pytest
from keras import ops
from PIL import Image

from roadseg.train.data.antialiased import cubic_window, resize_linear


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (1, height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("size", [(21, 25), (47, 33), (80, 101), (41, 50)])
def test_the_whole_is_that_of_pillow(size: tuple[int, int]) -> None:
    image = picture(41, 50)
    found = ops.convert_to_numpy(cubic_window(image, size, (0, 0), size))[0]
    expected = Image.fromarray(image[0]).resize(size[::-1], Image.Resampling.BICUBIC)
    difference = np.abs(np.clip(np.round(found), 0, 255) - np.asarray(expected, np.float32))
    # Pillow clips and rounds to bytes between its two passes.
    inside = (np.asarray(expected) > 0) & (np.asarray(expected) < 255)
    assert difference[inside].mean() < 1.0
    assert np.median(difference) <= 1


@pytest.mark.parametrize("size", [(21, 25), (80, 101)])
def test_a_smooth_picture_is_that_of_pillow_to_a_level(size: tuple[int, int]) -> None:
    rows, columns = np.mgrid[:41, :50]
    waves = 128 + 90 * np.sin(rows / 9) * np.cos(columns / 7)
    image = np.repeat(np.round(waves).astype(np.uint8)[None, ..., None], 3, -1)
    found = ops.convert_to_numpy(cubic_window(image, size, (0, 0), size))[0]
    expected = Image.fromarray(image[0]).resize(size[::-1], Image.Resampling.BICUBIC)
    assert np.abs(np.round(found) - np.asarray(expected, np.float32)).max() <= 1


def test_a_window_is_a_part_of_the_whole() -> None:
    image, size = picture(41, 50), (63, 77)
    whole = ops.convert_to_numpy(cubic_window(image, size, (0, 0), size))
    window = ops.convert_to_numpy(cubic_window(image, size, (5, 11), (40, 77)))
    assert window.shape == (1, 35, 66, 3)
    np.testing.assert_allclose(window, whole[:, 5:40, 11:77], atol=2e-3)


def test_the_size_of_the_image_is_the_image_itself() -> None:
    image = picture(12, 9)
    found = ops.convert_to_numpy(cubic_window(image, (12, 9), (0, 0), (12, 9)))
    np.testing.assert_allclose(found, image, atol=1e-3)


@pytest.mark.parametrize("size", [(21, 25), (47, 33), (80, 101), (42, 50)])
def test_a_linear_resize_is_that_of_pillow_to_a_level(size: tuple[int, int]) -> None:
    image = picture(41, 50)
    found = np.round(ops.convert_to_numpy(resize_linear(image, size))[0])
    expected = Image.fromarray(image[0]).resize(size[::-1], Image.Resampling.BILINEAR)
    assert np.abs(found - np.asarray(expected, np.float32)).max() <= 1
