from fractions import Fraction
from math import floor

import keras
import numpy as np
import pytest
from keras import ops

from roadseg.layers.resize import ResizeLike
from roadseg.ops.resize import resize_bilinear, resize_nearest
from tests.ops.gradients import check_gradients
from tests.support import on_tensorflow

SIZES = [((5, 7), (9, 13)), ((9, 13), (5, 7)), ((8, 8), (1, 1)), ((1, 1), (4, 3)), ((6, 4), (6, 9))]
CORNERS = [True, False, "half_pixel"]


def position(i: int, source: int, target: int, corners) -> Fraction:
    """Return where output sample i lies in the source, as defined in `resize_bilinear`."""
    if corners == "half_pixel":
        centre = Fraction(2 * i + 1, 2) * source / target - Fraction(1, 2)
        return min(max(centre, Fraction(0)), Fraction(source - 1))
    if corners:
        return Fraction(i * (source - 1), max(target - 1, 1))
    return Fraction(i * source, target)


def matrix(source: int, target: int, corners) -> np.ndarray:
    """Return the (target, source) interpolation matrix in exact arithmetic."""
    rows = np.zeros((target, source))
    for i in range(target):
        place = position(i, source, target, corners)
        lower = floor(place)
        rows[i, lower] += float(1 - (place - lower))
        rows[i, min(lower + 1, source - 1)] += float(place - lower)
    return rows


@pytest.mark.parametrize("corners", CORNERS)
@pytest.mark.parametrize(("source", "target"), SIZES)
def test_bilinear_is_the_product_of_two_interpolation_matrices(source, target, corners):
    images = np.random.default_rng(0).normal(size=(2, *source, 3)).astype("float32")
    expected = np.einsum(
        "yh,xw,bhwc->byxc",
        matrix(source[0], target[0], corners),
        matrix(source[1], target[1], corners),
        images,
    )
    ours = ops.convert_to_numpy(resize_bilinear(images, target, corners))
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, expected, atol=2e-6)


@pytest.mark.parametrize("corners", CORNERS)
@pytest.mark.parametrize(("source", "target"), SIZES)
def test_nearest_picks_the_pixel_at_the_stated_position(source, target, corners):
    labels = np.arange(source[0] * source[1]).reshape(1, *source, 1).astype("int32")

    def index(i: int, old: int, new: int) -> int:
        if corners == "half_pixel":
            return (2 * i + 1) * old // (2 * new)
        return floor(position(i, old, new, corners) + Fraction(int(corners), 2))

    rows = [index(i, source[0], target[0]) for i in range(target[0])]
    columns = [index(i, source[1], target[1]) for i in range(target[1])]
    ours = ops.convert_to_numpy(resize_nearest(labels, target, corners))
    assert ours.dtype == np.int32
    np.testing.assert_array_equal(ours, labels[:, rows][:, :, columns])


@on_tensorflow
@pytest.mark.parametrize(("source", "target"), SIZES)
def test_conventions_are_those_of_tensorflow(source, target):
    import tensorflow as tf

    images = np.random.default_rng(1).normal(size=(1, *source, 2)).astype("float32")
    for corners in CORNERS:
        keywords = {"align_corners": corners is True, "half_pixel_centers": corners == "half_pixel"}
        bilinear = tf.raw_ops.ResizeBilinear(images=images, size=target, **keywords)
        np.testing.assert_allclose(resize_bilinear(images, target, corners), bilinear, atol=1e-5)
        nearest = tf.raw_ops.ResizeNearestNeighbor(images=images, size=target, **keywords)
        np.testing.assert_array_equal(resize_nearest(images, target, corners), nearest)


def test_positions_stay_exact_where_float32_would_not():
    ramp = np.arange(2047, dtype="float64").reshape(1, 2047, 1, 1) / 2047
    wide = ops.convert_to_numpy(resize_bilinear(ramp.astype("float32"), (1499, 1)))[0, :, 0, 0]
    exact = np.array([i * 2046 / 1498 for i in range(1499)]) / 2047
    np.testing.assert_allclose(wide, exact, atol=1.3e-7)


def test_the_same_size_gives_the_same_values():
    images = np.random.default_rng(2).normal(size=(1, 5, 6, 2)).astype("float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(resize_bilinear(images, (5, 6))), images)


def test_the_float_type_stays_and_integers_become_float32():
    half = np.ones((1, 2, 2, 1), "float16")
    assert keras.backend.standardize_dtype(resize_bilinear(half, (3, 3)).dtype) == "float16"
    whole = np.array([[[[0], [255]]]], "uint8")
    resized = resize_bilinear(whole, (1, 3))
    np.testing.assert_array_equal(ops.convert_to_numpy(resized).ravel(), [0, 127.5, 255])


@pytest.mark.parametrize("corners", CORNERS)
def test_bilinear_gradient_is_that_of_finite_differences(corners):
    rng = np.random.default_rng(3)
    weights = rng.normal(size=(1, 7, 9, 2))

    def loss(images):
        return ops.sum(resize_bilinear(images, (7, 9), corners) * weights)

    check_gradients(loss, [rng.normal(size=(1, 4, 5, 2))])


def test_the_layer_resizes_to_the_size_of_its_second_input():
    maps, like = keras.Input((None, None, 2)), keras.Input((None, None, 3))
    model = keras.Model([maps, like], ResizeLike()([maps, like]))
    for size in [(8, 6), (9, 13)]:
        images = np.random.default_rng(4).normal(size=(1, 4, 3, 2)).astype("float32")
        ours = model([images, np.zeros((1, *size, 3), "float32")])
        expected = resize_bilinear(images, size)
        np.testing.assert_array_equal(ops.convert_to_numpy(ours), ops.convert_to_numpy(expected))


@on_tensorflow
def test_resizes_export_at_unknown_sizes(tmp_path):
    import tensorflow as tf

    module = tf.Module()
    images = tf.TensorSpec((None, None, None, 3))

    @tf.function(input_signature=[images, tf.TensorSpec((2,), tf.int32)], autograph=False)
    def resize(images, size):
        size = (size[0], size[1])
        return resize_bilinear(images, size), resize_nearest(images, size)

    module.resize = resize
    tf.saved_model.save(module, str(tmp_path / "saved"))
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    values = np.random.default_rng(5).normal(size=(2, 5, 6, 3)).astype("float32")
    for size in [(9, 4), (1, 11)]:
        bilinear, nearest = loaded.resize(values, size)
        np.testing.assert_allclose(bilinear, resize_bilinear(values, size), atol=1e-6)
        np.testing.assert_array_equal(nearest, resize_nearest(values, size))


def test_a_wrong_rank_or_convention_is_refused():
    with pytest.raises(ValueError, match="batch, height, width, channels"):
        resize_bilinear(np.zeros((4, 4, 3), "float32"), (8, 8))
    with pytest.raises(ValueError, match="align_corners='corners'"):
        resize_bilinear(np.zeros((1, 4, 4, 3), "float32"), (8, 8), "corners")
