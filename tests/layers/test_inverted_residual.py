"""MobileNetV3's block in its forms: where squeeze-excite sits, and when there is a shortcut."""

import keras
import numpy as np
import pytest
from keras import ops

from roadseg.layers.inverted_residual import Form, inverted_residual, squeeze_excite

NAMES = {"expand": ("e", "en"), "depthwise": ("d", "dn"), "project": ("p", "pn")}
DENSE = Form(**NAMES, squeeze=("fc.0", "fc.2"), squeeze_at="depthwise")
NORMALISED = Form(
    **NAMES,
    squeeze=("se.1", "se.2", "se.4", "se.5"),
    squeeze_at="output",
    shortcut=("s.0", "s.1"),
)


def block(form: Form, filters: int = 8, size: int = 12, **options) -> keras.Model:
    keras.utils.set_random_seed(0)
    image = keras.Input((size, size, 8))
    return keras.Model(image, inverted_residual(image, filters, 16, 3, "b", form, **options))


def order(model: keras.Model, *names: str) -> list[str]:
    """Return those of the layers `names` that are there, as they follow each other."""
    return [layer.name for layer in model.layers if layer.name in names]


def test_the_dense_form_squeezes_before_the_activation_of_the_depthwise_layer():
    model = block(DENSE, squeezed=True, activation="hard_silu")
    steps = ("b.dn", "b.squeeze.product", "b.dn.hard_silu", "b.p")
    assert order(model, *steps) == list(steps)
    assert model.get_layer("b.fc.0").kernel.shape == (16, 4)
    assert not model.get_layer("b.fc.2").use_bias


def test_the_normalised_form_squeezes_what_the_projection_gives():
    model = block(NORMALISED, filters=12, squeezed=True)
    steps = ("b.dn", "b.dn.relu", "b.p", "b.pn", "b.squeeze.product", "b.sum")
    assert order(model, *steps) == list(steps)
    assert model.get_layer("b.se.1").kernel.shape == (1, 1, 12, 3)
    x = np.random.default_rng(1).normal(size=(2, 12, 12, 8)).astype("float32")
    layers = {name: model.get_layer(f"b.{name}").output for name in ("pn", "squeeze.product")}
    layers |= {"shortcut": model.get_layer("b.s.1").output, "sum": model.output}
    found = {k: ops.convert_to_numpy(v) for k, v in keras.Model(model.input, layers)(x).items()}
    squeezed = found["pn"] * expected_factor(model, found["pn"])[:, None, None]
    np.testing.assert_allclose(found["squeeze.product"], squeezed, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["sum"], squeezed + found["shortcut"], rtol=1e-5, atol=1e-6)


def expected_factor(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """Return what the normalised form multiplies each channel of `x` by, in inference."""
    hidden = x.mean((1, 2))
    for convolution, norm, activation in (
        ("b.se.1", "b.se.2", lambda value: np.maximum(value, 0)),
        ("b.se.4", "b.se.5", lambda value: np.clip(value + 3, 0, 6) / 6),
    ):
        kernel = np.asarray(model.get_layer(convolution).kernel)[0, 0]
        layer = model.get_layer(norm)
        gamma, beta, mean, variance = (np.asarray(weight) for weight in layer.get_weights())
        scaled = (hidden @ kernel - mean) / np.sqrt(variance + layer.epsilon)
        hidden = activation(scaled * gamma + beta)
    return hidden


@pytest.mark.parametrize(
    ("form", "filters", "strides", "added"),
    [
        (DENSE, 8, 1, True),
        (DENSE, 12, 1, False),
        (DENSE, 8, 2, False),
        (NORMALISED, 8, 1, True),
        (NORMALISED, 12, 1, True),
        (NORMALISED, 8, 2, False),
        (NORMALISED, 12, 2, False),
    ],
)
def test_a_shortcut_needs_stride_1_and_equal_widths_or_a_projection(form, filters, strides, added):
    model = block(form, filters, strides=strides)
    assert order(model, "b.sum") == (["b.sum"] if added else [])
    projected = added and filters != 8
    assert order(model, "b.s.0", "b.s.1") == (["b.s.0", "b.s.1"] if projected else [])


@pytest.mark.parametrize(("strides", "dilation", "side"), [(1, 1, 12), (1, 2, 12), (2, 1, 6)])
def test_sides_are_divided_by_the_stride_alone(strides, dilation, side):
    model = block(DENSE, strides=strides, dilation=dilation)
    assert model.output_shape == (None, side, side, 8)
    assert model.get_layer("b.d").dilation_rate == (dilation, dilation)


def test_squeeze_excite_multiplies_channels_by_what_their_means_come_to():
    image = keras.Input((4, 6, 8))
    model = keras.Model(image, squeeze_excite(image, "b", DENSE))
    x = np.random.default_rng(0).normal(size=(2, 4, 6, 8)).astype("float32")
    first, second = (np.asarray(model.get_layer(f"b.{name}").kernel) for name in DENSE.squeeze)
    hidden = np.maximum(x.mean((1, 2)) @ first, 0) @ second
    factor = np.clip(hidden + 3, 0, 6) / 6
    found = ops.convert_to_numpy(model(x))
    np.testing.assert_allclose(found, x * factor[:, None, None], rtol=1e-5, atol=1e-6)


def test_one_image_gives_normalised_squeeze_excite_nothing_but_its_offset():
    image = keras.Input((4, 6, 8))
    model = keras.Model(image, squeeze_excite(image, "b", NORMALISED))
    rng = np.random.default_rng(0)
    one, other = (rng.normal(size=(1, 4, 6, 8)).astype("float32") for _ in range(2))
    for x in (one, other):
        found = ops.convert_to_numpy(model(x, training=True))
        np.testing.assert_allclose(found, x / 2, rtol=1e-4, atol=1e-5)
