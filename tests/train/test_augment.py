"""Crops against NumPy slices."""

import numpy as np
import pytest
import tensorflow as tf

from roadseg.errors import RoadsegError
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


def test_padding_may_have_the_colour_that_normalisation_brings_to_zero() -> None:
    from roadseg.layers.entry import normalise

    for name in ("rgb", "bgr"):
        options = {"normalisation": name}
        recipe = tiny.recipe(padding="mean", model="fast_scnn", model_options=options)
        colour = augment.padding_colour(recipe)
        image = tf.zeros((1, 4, 6, 3), tf.uint8)
        padded = augment.restore_padding(image, tf.constant([[0, 0, 3, 6]]), colour)
        np.testing.assert_allclose(normalise(padded, name)[0, 3], 0, atol=1e-5)
        np.testing.assert_array_equal(padded[0, :3], image[0, :3])


def test_the_normalisation_that_padding_follows_is_by_default_the_network_s() -> None:
    recipe = tiny.recipe(padding="mean", model="fast_scnn", model_options={})
    np.testing.assert_allclose(
        augment.padding_colour(recipe), np.float32((123.675, 116.28, 103.53))
    )


def test_a_network_without_a_choice_of_normalisation_has_no_mean_to_pad_with() -> None:
    with pytest.raises(RoadsegError, match="--padding mean: deeplabv3_mobilenet_v2 has no option"):
        augment.padding_colour(tiny.recipe(padding="mean"))


@pytest.mark.parametrize("factor", [0.7, 1.3, 2.1])
def test_half_pixel_scaling_is_that_of_opencv(factor: float) -> None:
    import cv2

    image, label = picture(33, 50)
    size = (round(33 * factor), round(50 * factor))
    options = {"scaling": "half_pixel", "min_scale": factor, "max_scale": factor}
    found = crop(image, label, [0.0, 0.0, 0.0, 0.9], tiny.recipe(crop_size=size, **options))
    expected = cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR).astype(int)
    assert np.abs(found.image.numpy() - expected).max() <= 1
    nearest = cv2.resize(label, size[::-1], interpolation=cv2.INTER_NEAREST)
    # Where i in / out is whole, OpenCV's product with a rounded ratio can fall short of it.
    rows, columns = (np.arange(n) * m % n > 0 for n, m in zip(size, (33, 50), strict=True))
    ours = found.label.numpy()
    np.testing.assert_array_equal(ours[rows][:, columns], nearest[rows][:, columns])


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
