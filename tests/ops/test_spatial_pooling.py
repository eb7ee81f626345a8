"""The poolings whose windows or bins depend on the map: MSFNet's and SwiftNet's."""

import keras
import numpy as np
import pytest
from keras import ops

from roadseg.layers.pooling import ProportionateAveragePooling, SpatialAwarePooling
from roadseg.ops.pooling import average_windows, maximum_windows, proportionate_average_pool
from tests.ops.gradients import check_gradients
from tests.support import on_tensorflow

SIZES = [(8, 12), (7, 5), (1, 3), (33, 2)]


def maps(size: tuple[int, int], channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2, *size, channels)).astype("float32")


def windows(x: np.ndarray, stride: int, reduce, pad: float | None = None) -> np.ndarray:
    """Return `reduce` over the part of each window of 2 stride + 1 that lies in the frame.

    pad: value of what lies outside, which then takes part.
    """
    if pad is not None:
        around = (stride, stride)
        wide = np.pad(x, ((0, 0), around, around, (0, 0)), constant_values=pad)
    found = []
    for i in range(0, x.shape[1], stride):
        row = []
        for j in range(0, x.shape[2], stride):
            if pad is None:
                part = x[
                    :, max(i - stride, 0) : i + stride + 1, max(j - stride, 0) : j + stride + 1
                ]
            else:
                part = wide[:, i : i + 2 * stride + 1, j : j + 2 * stride + 1]
            row.append(reduce(part, axis=(1, 2)))
        found.append(np.stack(row, axis=1))
    return np.stack(found, axis=1)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stride", [2, 4, 32])
def test_averages_leave_out_what_lies_outside_the_frame(size, stride):
    x = maps(size)
    found = ops.convert_to_numpy(average_windows(x, stride))
    np.testing.assert_allclose(found, windows(x, stride, np.mean), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_averages_can_count_the_padding_as_zeros(size):
    x = maps(size)
    found = ops.convert_to_numpy(average_windows(x, 4, count_padding=True))
    np.testing.assert_allclose(found, windows(x, 4, np.mean, pad=0.0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_chained_maxima_are_those_of_the_whole_windows(size):
    x = maps(size) - 2.0  # mostly negative: zeros as padding would show
    for level, found in enumerate(maximum_windows(x, 5), start=1):
        np.testing.assert_array_equal(ops.convert_to_numpy(found), windows(x, 2**level, np.max))


def test_strides_nest_so_that_maps_of_all_stages_meet():
    for side in (1, 15, 16, 17, 67):
        half = -(-side // 2)
        sides = [
            average_windows(np.zeros((1, rows, 3, 1), "float32"), stride).shape[1]
            for rows, stride in ((side, 8), (half, 4))
        ]
        assert sides[0] == sides[1] == -(-side // 8)


def test_gradients_of_window_averages_are_those_of_finite_differences():
    x = np.random.default_rng(1).normal(size=(1, 7, 5, 2))
    check_gradients(lambda x: ops.sum(average_windows(x, 2) ** 2), [x])
    check_gradients(lambda x: sum(ops.sum(y**2) for y in maximum_windows(x, 2)), [x])


@pytest.mark.parametrize("rows", [2, 4, 8])
def test_bins_are_as_many_as_python_rounds_from_the_aspect(rows):
    for height, width in [(8, 16), (4, 5), (4, 7), (16, 1)]:
        found = proportionate_average_pool(np.zeros((1, height, width, 1), "float32"), rows)
        assert tuple(found.shape) == (1, rows, max(1, round(rows * width / height)), 1)


@on_tensorflow
def test_unknown_sizes_give_the_same_maps():
    import tensorflow as tf

    layers = [
        SpatialAwarePooling(3),
        SpatialAwarePooling(3, pool="max"),
        ProportionateAveragePooling(4),
    ]
    for layer in layers:
        traced = tf.function(
            layer.call, input_signature=[tf.TensorSpec((None, None, None, 3))], autograph=False
        )
        for size in [*SIZES, (4, 5), (4, 7)]:
            x = maps(size)
            expected, found = layer(x), traced(tf.constant(x))
            pairs = zip(keras.tree.flatten(expected), keras.tree.flatten(found), strict=True)
            for one, other in pairs:
                np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "layer",
    [SpatialAwarePooling(4), SpatialAwarePooling(2, pool="max"), ProportionateAveragePooling(4)],
    ids=["average", "max", "proportionate"],
)
def test_layers_announce_their_shapes(layer):
    for size in SIZES:
        announced = layer.compute_output_shape((2, *size, 3))
        found = [tuple(one.shape) for one in keras.tree.flatten(layer(maps(size)))]
        assert found == (announced if isinstance(announced, list) else [announced])
    unknown = layer.compute_output_shape((None, None, None, 3))
    assert (unknown[0] if isinstance(unknown, list) else unknown)[2] is None


def test_another_kind_of_pooling_is_refused():
    with pytest.raises(ValueError, match="pool='median'"):
        SpatialAwarePooling(2, pool="median")
