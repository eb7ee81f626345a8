import keras
import numpy as np
import pytest
from keras import ops

from roadseg.layers.caffe import BilinearDeconvolution, TileAveragePooling
from roadseg.ops.caffe import bilinear_deconvolution, tile_average_pool
from tests.ops.gradients import check_gradients


def maps(size: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2, *size, 3)).astype("float32")


def deconvolved(x: np.ndarray, factor: int) -> np.ndarray:
    """Spread each pixel over a kernel of 2 factor, stride factor, and cut factor / 2 off."""
    kernel = 1 - np.abs((np.arange(2 * factor) + 0.5) / factor - 1)
    batch, height, width, channels = x.shape
    sides = ((height + 1) * factor, (width + 1) * factor)
    out = np.zeros((batch, *sides, channels))
    for i in range(height):
        for j in range(width):
            place = out[:, i * factor : (i + 2) * factor, j * factor : (j + 2) * factor]
            place += np.outer(kernel, kernel)[None, :, :, None] * x[:, i : i + 1, j : j + 1]
    half = factor // 2
    return out[:, half:-half, half:-half]


@pytest.mark.parametrize("size", [(8, 12), (7, 5), (2, 3), (9, 4)])
@pytest.mark.parametrize("side", [4, 8])
def test_a_tile_cut_by_the_frame_averages_what_is_left_of_it(size, side):
    x = maps(size)
    expected = [
        [x[:, i : i + side, j : j + side].mean((1, 2)) for j in range(0, size[1], side)]
        for i in range(0, size[0], side)
    ]
    expected = np.array(expected).transpose(2, 0, 1, 3)
    found = ops.convert_to_numpy(tile_average_pool(x, side))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [(4, 6), (1, 3), (5, 1)])
@pytest.mark.parametrize("factor", [2, 8])
def test_enlarging_is_the_transposed_convolution_with_a_bilinear_kernel(size, factor):
    x = maps(size)
    found = ops.convert_to_numpy(bilinear_deconvolution(x, factor))
    np.testing.assert_allclose(found, deconvolved(x, factor), rtol=1e-5, atol=1e-6)


def test_borders_fade_since_outside_is_zero():
    ones = np.ones((1, 3, 3, 1), "float32")
    found = ops.convert_to_numpy(bilinear_deconvolution(ones, 2))[0, :, 3, 0]
    np.testing.assert_allclose(found, [0.75, 1, 1, 1, 1, 0.75])


@pytest.mark.parametrize("layer", [TileAveragePooling(4), BilinearDeconvolution(2)])
def test_layers_keep_their_number_and_know_their_shape(layer):
    layer = type(layer).from_config(layer.get_config())
    x = maps((7, 5))
    unknown, known = keras.Input((None, None, 3)), keras.Input((7, 5, 3))
    found = keras.Model(unknown, layer(unknown))(x)
    assert layer(known).shape[1:] == found.shape[1:]
    np.testing.assert_array_equal(found, keras.Model(known, layer(known))(x))


@pytest.mark.parametrize("function", [tile_average_pool, bilinear_deconvolution])
def test_gradients_agree_with_finite_differences(function):
    x = np.random.default_rng(0).normal(size=(1, 5, 3, 2))
    check_gradients(lambda x: ops.sum(ops.square(function(x, 2))), [x])


def test_an_odd_factor_is_refused():
    with pytest.raises(ValueError, match="factor=3"):
        BilinearDeconvolution(3)
