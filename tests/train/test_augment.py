"""Crops against NumPy slices."""

import numpy as np
import tensorflow as tf

from roadseg.recipe import Recipe
from roadseg.train import augment
from tests.train import tiny


def picture(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(height)
    image = random.integers(0, 255, (height, width, 3)).astype(np.uint8)
    return image, image[..., 0] % 3


def crop(image: np.ndarray, label: np.ndarray, draw: list[float], recipe: Recipe) -> augment.Crop:
    return augment.random_crop(tf.constant(image), tf.constant(label), tf.constant(draw), recipe)


def test_a_crop_is_the_slice_that_the_draw_points_at() -> None:
    image, label = picture(30, 50)
    found = crop(image, label, [0.0, 0.5, 0.99, 0.9], tiny.recipe(crop_size=(24, 32)))
    top, left = int(0.5 * 7), int(0.99 * 19)
    np.testing.assert_array_equal(found.image, image[top : top + 24, left : left + 32])
    np.testing.assert_array_equal(found.label, label[top : top + 24, left : left + 32])


def test_a_flip_turns_image_and_label_together() -> None:
    image, label = picture(24, 32)
    found = crop(image, label, [0.0, 0.0, 0.0, 0.4], tiny.recipe(crop_size=(24, 32)))
    np.testing.assert_array_equal(found.image, image[:, ::-1])
    np.testing.assert_array_equal(found.label, label[:, ::-1])


def test_padding_is_127_and_a_half_in_the_image_and_255_in_the_label() -> None:
    image, label = picture(20, 28)
    for flip, columns in ((0.9, slice(0, 28)), (0.1, slice(4, 32))):
        found = crop(image, label, [0.0, 0.7, 0.7, flip], tiny.recipe(crop_size=(24, 32)))
        restored = augment.restore_padding(found.image[None], found.content[None])[0].numpy()
        inside = np.zeros((24, 32), bool)
        inside[:20, columns] = True
        turned = image if flip > 0.5 else image[:, ::-1]
        np.testing.assert_array_equal(restored[inside].reshape(20, 28, 3), turned)
        assert (restored[~inside] == 127.5).all()
        assert (found.label.numpy()[~inside] == 255).all()


def test_steps_of_scale_are_drawn_alike() -> None:
    recipe = tiny.recipe(min_scale=0.5, max_scale=2.0, scale_step=0.25)
    scales = [float(augment.scale(tf.constant(d), recipe)) for d in np.linspace(0, 0.9999, 7000)]
    values, counts = np.unique(scales, return_counts=True)
    np.testing.assert_allclose(values, [0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0])
    assert counts.min() > 990


def test_a_continuous_scale_covers_its_range() -> None:
    recipe = tiny.recipe(min_scale=0.5, max_scale=2.0)
    assert float(augment.scale(tf.constant(0.0), recipe)) == 0.5
    np.testing.assert_allclose(augment.scale(tf.constant(0.5), recipe), 1.25)


def test_scaled_labels_stay_labels_and_corners_stay_in_place() -> None:
    image, label = picture(24, 32)
    recipe = tiny.recipe(crop_size=(48, 64), min_scale=2.0, max_scale=2.0)
    found = crop(image, label, [0.0, 0.0, 0.0, 0.9], recipe)
    assert set(np.unique(found.label)) <= {0, 1, 2}
    for row, column in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
        np.testing.assert_array_equal(found.image[row, column], image[row, column])
        assert found.label[row, column] == label[row, column]


def test_the_last_offset_is_reached_and_none_beyond() -> None:
    image, label = picture(25, 33)
    largest = float(np.nextafter(np.float32(1), np.float32(0)))
    found = crop(image, label, [0.0, largest, largest, 0.9], tiny.recipe(crop_size=(24, 32)))
    np.testing.assert_array_equal(found.image, image[1:, 1:])
