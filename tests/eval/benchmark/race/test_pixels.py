"""An image as a file's input, against NumPy."""

import numpy as np
import pytest

from roadseg.eval.benchmark.race.pixels import (
    VALUES,
    InputOptions,
    Pixels,
    Quantised,
    layout_of,
)

IMAGE = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
FLOAT = np.dtype(np.float32)


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize("colours", ["rgb", "bgr"])
def test_values_are_normalised_where_and_in_the_order_the_file_takes(values, layout, colours):
    options = InputOptions(values=values, colours=colours)
    found = Pixels(layout, None, FLOAT, options)(IMAGE)
    mean, std = (np.array(part) for part in VALUES[values])
    expected = (IMAGE / 255 - mean) / std
    expected = expected[..., ::-1] if colours == "bgr" else expected
    expected = expected if layout == "nhwc" else expected.transpose(2, 0, 1)
    assert found.dtype == np.float32 and found.flags.c_contiguous
    np.testing.assert_allclose(found, expected[None], atol=1e-4)


def test_a_mean_and_deviation_of_ones_own_take_the_place_of_named_ones() -> None:
    options = InputOptions(mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7))
    found = Pixels("nhwc", None, FLOAT, options)(IMAGE)
    expected = (IMAGE / 255 - np.array((0.1, 0.2, 0.3))) / np.array((0.5, 0.6, 0.7))
    np.testing.assert_allclose(found[0], expected, atol=1e-5)


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_bytes_stay_bytes(layout: str) -> None:
    found = Pixels(layout, None, np.dtype(np.uint8), InputOptions())(IMAGE)
    expected = IMAGE if layout == "nhwc" else IMAGE.transpose(2, 0, 1)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected[None])


def test_a_quantised_file_gets_the_nearest_integers() -> None:
    options = InputOptions(values="signed")
    found = Pixels("nhwc", None, np.dtype(np.int8), options, Quantised(1 / 64, 3))(IMAGE)
    expected = np.round((IMAGE / 255 - 0.5) / 0.5 * 64) + 3
    assert found.dtype == np.int8
    np.testing.assert_array_equal(found[0], expected)


def test_half_precision_is_kept() -> None:
    found = Pixels("nchw", None, np.dtype(np.float16), InputOptions(values="unit"))(IMAGE)
    assert found.dtype == np.float16
    np.testing.assert_allclose(found[0, 1], IMAGE[..., 1] / 255, atol=1e-3)


def test_an_image_is_brought_to_the_size_that_the_file_takes() -> None:
    found = Pixels("nhwc", (3, 4), np.dtype(np.uint8), InputOptions())(IMAGE)
    mean = IMAGE.reshape(3, 2, 4, 2, 3).mean((1, 3))
    assert found.shape == (1, 3, 4, 3)
    np.testing.assert_allclose(found[0], mean, atol=0.51)


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((1, 3, None, None), "nchw"),
        ((None, 512, 1024, 3), "nhwc"),
        ((1, 3, 64, 3), "nchw"),
        (None, "nchw"),
    ],
)
def test_the_layout_is_read_from_the_shape(shape, layout):
    assert layout_of(shape, "nchw") == layout
