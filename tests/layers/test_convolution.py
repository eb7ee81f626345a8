import keras
import numpy as np
import pytest
from keras import ops

from roadseg.layers.convolution import conv, conv_norm, depthwise_conv


def symmetric_convolution(
    x: np.ndarray, kernel: np.ndarray, stride: int, dilation: int, pad: int
) -> np.ndarray:
    """Return the convolution of x (h, w, c) and kernel (k, k, c, f), written as its sum."""
    x = np.pad(x, ((pad, pad), (pad, pad), (0, 0)))
    reach = dilation * (kernel.shape[0] - 1) + 1
    rows = range(0, x.shape[0] - reach + 1, stride)
    columns = range(0, x.shape[1] - reach + 1, stride)
    return np.array(
        [
            [
                np.einsum("abc,abcf->f", x[i : i + reach : dilation, j : j + reach : dilation],
                          kernel)
                for j in columns
            ]
            for i in rows
        ]
    )  # fmt: skip


@pytest.mark.parametrize("size", [(8, 6), (7, 9)])
@pytest.mark.parametrize(
    ("kernel_size", "strides", "dilation", "padding"),
    [
        (3, 1, 1, None),
        (3, 2, 1, None),
        (3, 2, 1, 0),
        (3, 1, 2, None),
        (7, 2, 1, None),
        (1, 1, 1, 1),
    ],
)
def test_zeros_are_as_many_on_every_side(size, kernel_size, strides, dilation, padding):
    image = keras.Input((*size, 3))
    model = keras.Model(
        image, conv(image, 4, kernel_size, "c", strides, dilation, padding, use_bias=False)
    )
    x = np.random.default_rng(0).normal(size=(1, *size, 3)).astype("float32")
    kernel = ops.convert_to_numpy(model.get_layer("c").kernel)
    pad = dilation * (kernel_size - 1) // 2 if padding is None else padding
    expected = symmetric_convolution(x[0], kernel, strides, dilation, pad)
    np.testing.assert_allclose(model(x)[0], expected, atol=1e-5)


@pytest.mark.parametrize("strides", [1, 2])
def test_depthwise_convolutions_pad_alike(strides):
    image = keras.Input((8, 7, 2))
    model = keras.Model(image, depthwise_conv(image, "d", strides=strides))
    x = np.random.default_rng(0).normal(size=(1, 8, 7, 2)).astype("float32")
    kernel = ops.convert_to_numpy(model.get_layer("d").kernel)
    full = np.zeros((3, 3, 2, 2), "float32")
    for channel in range(2):
        full[:, :, channel, channel] = kernel[:, :, channel, 0]
    expected = symmetric_convolution(x[0], full, strides, 1, 1)
    np.testing.assert_allclose(model(x)[0], expected, atol=1e-5)


def test_initial_weights_are_pytorchs():
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 16))
    x = conv(image, 64, 3, "c", use_bias=True)
    model = keras.Model(image, depthwise_conv(x, "d"))
    bounds = {"c": (9 * 16) ** -0.5, "d": 1 / 3}
    for name, bound in bounds.items():
        values = np.abs(ops.convert_to_numpy(model.get_layer(name).kernel))
        assert 0.98 * bound < values.max() <= bound
        assert abs(values.mean() - bound / 2) < 0.05 * bound
    assert 0 < np.abs(ops.convert_to_numpy(model.get_layer("c").bias)).max() <= bounds["c"]


def test_layers_bear_the_names_they_are_given():
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, conv_norm(image, 4, 3, ("stem.0", "stem.1"), strides=2))
    assert [layer.name for layer in model.layers[1:]] == [
        "stem.0.pad",
        "stem.0",
        "stem.1",
        "stem.1.relu",
    ]
    norm = model.get_layer("stem.1")
    assert (norm.momentum, norm.epsilon) == (0.9, 1e-5)
