import keras
import numpy as np
import pytest

from roadseg.layers.resize import ResizeBy, ResizeLike
from roadseg.ops.resize import resize_bilinear


def image(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2, height, width, 3)).astype("float32")


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("ratio", "size"),
    [({"down": 2}, (4, 2)), ({"up": 2}, (18, 10)), ({"up": 3, "down": 2}, (13, 7))],
)
def test_a_ratio_rounds_sides_down(ratio, size, known):
    x = image(9, 5)
    inputs = keras.Input(x.shape[1:] if known else (None, None, 3))
    model = keras.Model(inputs, ResizeBy(**ratio)(inputs))
    assert not known or model.output_shape[1:3] == size
    np.testing.assert_array_equal(model(x), resize_bilinear(x, size))


def test_no_side_becomes_empty():
    assert ResizeBy(down=2)(image(1, 8)).shape == (2, 1, 4, 3)


def test_half_pixel_centres_are_kept_when_saved():
    layers = [ResizeBy(2, 3, "half_pixel"), ResizeLike("half_pixel")]
    again = [type(layer).from_config(layer.get_config()) for layer in layers]
    x = image(6, 9)
    np.testing.assert_array_equal(again[0](x), resize_bilinear(x, (4, 6), "half_pixel"))
    like = image(4, 6)
    np.testing.assert_array_equal(again[1]([x, like]), again[0](x))
