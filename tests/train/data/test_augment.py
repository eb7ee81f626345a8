"""Crops against NumPy slices."""

import numpy as np
import pytest
import tensorflow as tf

from roadseg.errors import RoadsegError
from roadseg.recipe.recipe import Recipe
from roadseg.train.data import augment
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
    from roadseg.layers.normalisation import normalise

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


def test_cubic_scaling_cuts_the_size_and_picks_labels_as_pil() -> None:
    from PIL import Image

    image, label = picture(33, 50)
    size = (int(33 * 1.37), int(50 * 1.37))
    options = {"scaling": "cubic", "min_scale": 1.37, "max_scale": 1.37}
    found = crop(image, label, [0.0, 0.0, 0.0, 0.9], tiny.recipe(crop_size=size, **options))
    nearest = Image.fromarray(label).resize(size[::-1], Image.Resampling.NEAREST)
    np.testing.assert_array_equal(found.label, np.asarray(nearest))
    smooth = Image.fromarray(image).resize(size[::-1], Image.Resampling.BICUBIC)
    difference = np.abs(found.image.numpy().astype(int) - np.asarray(smooth))
    assert np.median(difference) <= 1 and difference.mean() < 1


@pytest.mark.parametrize("flip", [0.9, 0.1])
def test_padding_around_leaves_room_on_both_sides(flip: float) -> None:
    image, label = picture(20, 28)
    recipe = tiny.recipe(crop_size=(24, 32), padding_at="around", padding="black")
    # (24 - 20) // 2 + 1 = 3 rows above and below: 26, in which the crop has 3 places; so columns.
    for draw, first in ((0.0, 3), (0.5, 2), (0.99, 1)):
        found = crop(image, label, [0.0, draw, draw, flip], recipe)
        left = first if flip > 0.5 else 32 - 28 - first
        turned = slice(None, None, 1 if flip > 0.5 else -1)
        np.testing.assert_array_equal(found.content, [first, left, first + 20, left + 28])
        inside = found.image[first : first + 20, left : left + 28]
        np.testing.assert_array_equal(inside, image[:, turned])
        assert found.image.numpy().sum() == image.astype(int).sum()
        assert (found.label.numpy() == 255).sum() == 24 * 32 - 20 * 28


def test_black_padding_stays_as_it_is_in_the_bytes() -> None:
    image, label = picture(20, 28)
    recipe = tiny.recipe(crop_size=(24, 32), padding="black")
    found = crop(image, label, [0.0, 0.0, 0.0, 0.9], recipe)
    assert augment.padding_colour(recipe) is None
    assert augment.restore_padding(found.image[None], found.content[None], None).dtype == tf.uint8
    assert (found.image.numpy()[20:] == 0).all()


def marked(centroid: tuple[int, int], draw: float, size: tuple[int, int], **changes) -> int:
    """Return how many marked pixels, of one at the centroid, the crop of 8x8 holds."""
    label = np.zeros(size, np.uint8)
    label[centroid] = 1
    recipe = tiny.recipe(crop_size=(8, 8), **changes)
    image = tf.zeros((*size, 3), tf.uint8)
    draws = tf.constant([draw, draw, draw, 0.9])
    found = augment.random_crop(image, tf.constant(label), draws, recipe, True, centroid)
    return int((found.label.numpy() == 1).sum())


@pytest.mark.parametrize("size", [(30, 40), (30, 6), (5, 6), (8, 8)])
def test_a_crop_around_a_centroid_holds_it_wherever_it_begins(size: tuple[int, int]) -> None:
    for centroid in ((0, 0), (size[0] - 1, size[1] - 1), (size[0] // 2, size[1] // 2)):
        for draw in (0.0, 0.3, 0.999):
            for where in ("end", "around"):
                assert marked(centroid, draw, size, padding_at=where) == 1


def test_a_published_crop_can_miss_its_centroid_by_a_pixel() -> None:
    assert marked((15, 20), 0.0, (30, 40), centroid_crop="published") == 0
    assert marked((15, 20), 0.2, (30, 40), centroid_crop="published") == 1
    assert marked((15, 20), 0.999, (30, 40), centroid_crop="published") == 1


@pytest.mark.parametrize("scaling", ["aligned", "cubic"])
def test_centroids_are_scaled_with_the_image(scaling: str) -> None:
    label = np.zeros((40, 40), np.uint8)
    label[30:33, 30:33] = 1
    recipe = tiny.recipe(crop_size=(8, 8), min_scale=1.5, max_scale=1.5, scaling=scaling)
    for draw in (0.0, 0.5, 0.999):
        draws = tf.constant([draw, draw, draw, 0.9])
        found = augment.random_crop(
            tf.zeros((40, 40, 3), tf.uint8), tf.constant(label), draws, recipe, True, (31, 31)
        )
        assert (found.label.numpy() == 1).any()


def test_a_centroid_of_minus_one_is_any_crop() -> None:
    image, label = picture(30, 50)
    recipe, draws = tiny.recipe(crop_size=(24, 32)), tf.constant([0.0, 0.4, 0.7, 0.9])
    plain = augment.random_crop(image, label, draws, recipe)
    whole = augment.random_crop(image, label, draws, recipe, True, tf.constant([-1, -1]))
    np.testing.assert_array_equal(plain.image, whole.image)


@pytest.mark.parametrize("flip", [0.9, 0.1])
@pytest.mark.parametrize(("deficit", "margin"), [(4, 2), (3, 2), (1, 1), (0, 0)])
def test_centred_padding_is_as_much_on_both_sides_one_too_many_if_odd(
    deficit: int, margin: int, flip: float
) -> None:
    image, label = picture(24 - deficit, 32)
    recipe = tiny.recipe(crop_size=(24, 32), padding_at="centred")
    places = 2 * margin - deficit + 1
    for place in range(places):
        draw = (place + 0.5) / places
        found = crop(image, label, [0.0, draw, 0.0, flip], recipe)
        first = margin - place
        np.testing.assert_array_equal(found.content, [first, 0, first + 24 - deficit, 32])
        turned = image if flip > 0.5 else image[:, ::-1]
        np.testing.assert_array_equal(found.image[first : first + 24 - deficit], turned)
        assert (found.label.numpy() == 255).sum() == 32 * deficit


@pytest.mark.parametrize("scaling", ["aligned", "half_pixel", "cubic", "half_pixel_cubic"])
@pytest.mark.parametrize(("draw", "side"), [(0.0, 27), (0.5, 27), (0.999, 40)])
def test_no_side_falls_below_the_least_one(scaling: str, draw: float, side: int) -> None:
    image, label = picture(20, 33)
    changes = {"min_scale": 0.5, "max_scale": 2.0, "min_side": 27, "scaling": scaling}
    recipe = tiny.recipe(crop_size=(64, 72), **changes)
    found = crop(image, label, [draw, 0.0, 0.0, 0.9], recipe)
    height, width = found.content.numpy()[2:]
    assert abs(height - side) <= 1 and height >= 27
    assert abs(width - height * 33 / 20) <= 1


@pytest.mark.parametrize("factor", [0.6, 1.45])
def test_cubic_scaling_at_half_pixels_is_that_of_opencv(factor: float) -> None:
    import cv2

    image, label = picture(33, 50)
    size = (round(33 * factor), round(50 * factor))
    options = {"scaling": "half_pixel_cubic", "min_scale": factor, "max_scale": factor}
    found = crop(image, label, [0.0, 0.0, 0.0, 0.9], tiny.recipe(crop_size=size, **options))
    expected = cv2.resize(image, size[::-1], interpolation=cv2.INTER_CUBIC).astype(int)
    assert np.abs(found.image.numpy() - expected).max() <= 1
    nearest = cv2.resize(label, size[::-1], interpolation=cv2.INTER_NEAREST)
    rows, columns = (np.arange(n) * m % n > 0 for n, m in zip(size, (33, 50), strict=True))
    ours = found.label.numpy()
    np.testing.assert_array_equal(ours[rows][:, columns], nearest[rows][:, columns])


def test_a_cubic_crop_is_the_part_of_the_whole_scaled_image() -> None:
    image, label = picture(30, 40)
    options = {"scaling": "half_pixel_cubic", "min_scale": 1.5, "max_scale": 1.5}
    whole = crop(image, label, [0.0, 0.0, 0.0, 0.9], tiny.recipe(crop_size=(45, 60), **options))
    part = crop(image, label, [0.0, 0.5, 0.9, 0.9], tiny.recipe(crop_size=(24, 32), **options))
    top, left = int(0.5 * 22), int(0.9 * 29)
    np.testing.assert_array_equal(part.image, whole.image[top : top + 24, left : left + 32])
    np.testing.assert_array_equal(part.label, whole.label[top : top + 24, left : left + 32])
