"""Jitter against PIL's enhancers, blur against SciPy's filter."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance
from scipy import ndimage

from roadseg.train.data import colour
from tests.train import tiny


def picture(height: int = 30, width: int = 41) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("factor", [0.75, 0.9, 1.0, 1.25])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (colour.brightness, ImageEnhance.Brightness),
        (colour.contrast, ImageEnhance.Contrast),
        (colour.saturation, ImageEnhance.Color),
    ],
)
def test_factors_are_those_of_pil(ours, theirs, factor: float) -> None:
    image = picture()
    expected = np.asarray(theirs(Image.fromarray(image)).enhance(factor)).astype(int)
    difference = np.abs(ours(tf.constant(image), tf.constant(factor)).numpy() - expected)
    # PIL blends in another order of float32, so whole numbers can be cut to the one below.
    assert difference.max() <= 1 and (difference > 0).mean() < 0.02


def test_grey_is_that_of_pil() -> None:
    image = picture()
    np.testing.assert_array_equal(
        colour.grey(tf.constant(image)), np.asarray(Image.fromarray(image).convert("L"))
    )


@pytest.mark.parametrize("steps", [-63, -10, 0, 25, 63])
def test_the_hue_turns_as_pil_turns_it_but_for_its_bytes(steps: int) -> None:
    image = picture()
    hue, saturation, value = Image.fromarray(image).convert("HSV").split()
    turned = Image.fromarray((np.asarray(hue).astype(int) + steps).astype(np.uint8))
    expected = np.asarray(Image.merge("HSV", (turned, saturation, value)).convert("RGB"))
    found = colour.turned(tf.constant(image), tf.constant(steps / 255, tf.float32)).numpy()
    difference = np.abs(found.astype(int) - expected)
    # A step of the hue is 6 levels of a saturated colour.
    assert difference.max() <= 12 and difference.mean() < 2


@pytest.mark.parametrize("sigma", [0.15, 0.4, 0.8, 1.29])
def test_blur_is_scipy_s_cut_to_bytes(sigma: float) -> None:
    image = picture()
    expected = np.stack(
        [
            ndimage.gaussian_filter(image[..., channel].astype(float), sigma, mode="nearest")
            for channel in range(3)
        ],
        -1,
    )
    found = colour.blur(tf.constant(image), tf.constant(sigma), 5).numpy()
    assert np.abs(found - np.floor(expected + 1e-3)).max() <= 1
    assert (found == np.floor(expected + 1e-3)).mean() > 0.99


@pytest.mark.parametrize("level", [0, 77, 255])
def test_a_flat_wall_stays_as_it_is_when_blurred(level: int) -> None:
    image = tf.fill((9, 9, 3), tf.constant(level, tf.uint8))
    np.testing.assert_array_equal(colour.blur(image, tf.constant(1.1), 5), image)


def test_the_order_of_the_steps_is_the_one_that_is_drawn() -> None:
    image, change = tf.constant(picture()), tf.constant([0.25, -0.25, 0.1, 0.0])
    expected = colour.brightness(colour.contrast(image, 0.75), 1.25)
    expected = colour.turned(colour.saturation(expected, 1.1), tf.constant(0.0))
    np.testing.assert_array_equal(colour.jitter(image, change, tf.constant([1, 0, 2, 3])), expected)
    other = colour.jitter(image, change, tf.constant([0, 1, 2, 3]))
    assert (other.numpy() != expected.numpy()).any()


def test_a_place_in_the_run_has_one_look_and_another_place_another() -> None:
    recipe = tiny.recipe(colour_jitter=0.25, blur_sigma=(0.15, 1.3))
    image = tf.constant(picture())
    first = colour.changed(image, recipe, tf.constant(5, tf.int64))
    np.testing.assert_array_equal(first, colour.changed(image, recipe, tf.constant(5, tf.int64)))
    for other in (
        colour.changed(image, recipe, tf.constant(6, tf.int64)),
        colour.changed(image, tiny.recipe(colour_jitter=0.25, seed=1), tf.constant(5, tf.int64)),
    ):
        assert (first.numpy() != other.numpy()).any()


def test_without_the_options_nothing_changes() -> None:
    image = tf.constant(picture())
    assert colour.changed(image, tiny.recipe(), tf.constant(5, tf.int64)) is image
