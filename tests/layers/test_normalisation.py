import keras
import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.layers.normalisation import image_input, mean_colour, normalise

# As Fast_Seg 7895738 trains: mean and deviation in the order of the channels.
RGB_MEAN, RGB_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BGR_MEAN = (104.00698793, 116.66876762, 122.67891434)


def normalised(pixels, normalisation: str) -> np.ndarray:
    image = keras.Input((None, None, 3))
    model = keras.Model(image, normalise(image, normalisation))
    return np.asarray(model(np.asarray(pixels, "float32").reshape(1, 1, 1, 3))).ravel()


def test_rgb_is_scaled_to_one_then_by_imagenets_mean_and_deviation():
    pixel = np.array([200.0, 100.0, 10.0])
    expected = (pixel / 255 - RGB_MEAN) / RGB_DEVIATION
    np.testing.assert_allclose(normalised(pixel, "rgb"), expected, rtol=1e-5)


def test_bgr_is_reversed_and_centred():
    pixel = np.array([200.0, 100.0, 10.0])
    expected = pixel[::-1] - BGR_MEAN
    np.testing.assert_allclose(normalised(pixel, "bgr"), expected, rtol=1e-5)


def test_espnet_divides_by_255_once_more():
    pixel = np.array([200.0, 100.0, 10.0])
    mean, deviation = (72.3923111, 82.90893555, 73.15840149), (45.3192215, 46.15289307, 44.91483307)
    expected = (pixel[::-1] - mean) / deviation / 255
    np.testing.assert_allclose(normalised(pixel, "espnet_cityscapes"), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "name", ["rgb", "bgr", "bgr_prediction", "df", "espnet_cityscapes", "espnet_camvid"]
)
def test_the_mean_colour_becomes_zero(name):
    np.testing.assert_allclose(normalised(mean_colour(name), name), 0, atol=1e-5)


def test_an_unknown_scale_is_refused_with_those_that_exist():
    with pytest.raises(ValueError, match="'lab'; there are rgb, bgr"):
        normalised((0, 0, 0), "lab")


@pytest.mark.parametrize("size", [(33, 64), (64, 95)])
def test_a_size_that_is_no_multiple_is_refused_with_its_neighbours(size):
    images, x = image_input((None, None, 3), 32, "rgb")
    model = keras.Model(images, x)
    with pytest.raises(RoadsegError, match="multiples of 32; nearest: (32 or 64|64 or 96)"):
        model(np.zeros((1, *size, 3), "float32"))
    with pytest.raises(RoadsegError, match="multiples of 32"):
        image_input((*size, 3), 32, "rgb")


def test_without_preprocessing_pixels_pass_as_they_are():
    images, x = image_input((None, None, 3), 1, "rgb", include_preprocessing=False)
    pixels = np.random.default_rng(0).normal(size=(1, 5, 7, 3)).astype("float32")
    np.testing.assert_array_equal(keras.Model(images, x)(pixels), pixels)
