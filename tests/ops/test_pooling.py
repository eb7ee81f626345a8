import keras
import numpy as np
import pytest
from keras import ops

from roadseg.layers.pooling import AdaptiveAveragePooling, AveragePooling, MaxPooling
from roadseg.ops.pooling import adaptive_average_pool, average_pool, max_pool
from tests.ops.gradients import check_gradients
from tests.support import on_tensorflow

SIZES = [(6, 12), (7, 5), (1, 4), (13, 3)]


def maps(size: tuple[int, int], channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 1, (2, *size, channels)).astype("float32")


def bin_edges(side: int, count: int) -> list[tuple[int, int]]:
    return [(i * side // count, -(-(i + 1) * side // count)) for i in range(count)]


def windows(
    x: np.ndarray, begin: int, sides: tuple[int, int], reduce, outside: float = 0.0
) -> np.ndarray:
    """Return `reduce` over 3x3 windows at stride 2 that begin `begin` before the frame."""
    rows = [range(2 * i - begin, 2 * i - begin + 3) for i in range(sides[0])]
    columns = [range(2 * j - begin, 2 * j - begin + 3) for j in range(sides[1])]

    def pixels(row: range, column: range) -> np.ndarray:
        inside = [
            x[:, i, j]
            if 0 <= i < x.shape[1] and 0 <= j < x.shape[2]
            else np.full_like(x[:, 0, 0], outside)
            for i in row
            for j in column
        ]
        return reduce(np.stack(inside), axis=0)

    return np.stack([np.stack([pixels(r, c) for c in columns], 1) for r in rows], 1)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [(1, 1), (2, 3), (6, 6), (8, 4)])
def test_adaptive_bins_overlap_or_repeat_as_pytorchs_do(size, count):
    x = maps(size)
    expected = np.stack(
        [
            np.stack([x[:, a:b, c:d].mean((1, 2)) for c, d in bin_edges(size[1], count[1])], 1)
            for a, b in bin_edges(size[0], count[0])
        ],
        1,
    )
    found = ops.convert_to_numpy(adaptive_average_pool(x, count))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_maxima_cover_the_windows_of_either_rounding(size, ceil_mode):
    x = maps(size)
    up = 1 if ceil_mode else 0
    sides = tuple((side - 1 + up) // 2 + 1 for side in size)
    found = ops.convert_to_numpy(max_pool(x, ceil_mode))
    np.testing.assert_array_equal(found, windows(x, 1, sides, np.max))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_signed_maxima_are_of_the_frame_alone_where_all_is_below_zero(size, ceil_mode):
    x = maps(size) - 2
    up = 1 if ceil_mode else 0
    sides = tuple((side - 1 + up) // 2 + 1 for side in size)
    found = ops.convert_to_numpy(max_pool(x, ceil_mode, signed=True))
    np.testing.assert_array_equal(found, windows(x, 1, sides, np.max, outside=-np.inf))


@pytest.mark.parametrize("size", SIZES)
def test_padded_zeros_count_in_an_average(size):
    x = maps(size)
    sides = tuple((side - 1) // 2 + 1 for side in size)
    found = ops.convert_to_numpy(average_pool(x, 3, strides=2, padding=1))
    np.testing.assert_allclose(found, windows(x, 1, sides, np.mean), rtol=1e-5)


@pytest.mark.parametrize("pool", [lambda x: adaptive_average_pool(x, (3, 4)), max_pool])
def test_gradients_agree_with_finite_differences(pool):
    x = np.random.default_rng(1).uniform(0.5, 1, (1, 7, 5, 2))
    check_gradients(lambda x: ops.sum(ops.square(pool(x))), [x])


LAYERS = [
    AdaptiveAveragePooling((2, 3)),
    AdaptiveAveragePooling(6),
    MaxPooling(),
    MaxPooling(ceil_mode=True),
    MaxPooling(signed=True),
    AveragePooling(),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_a_layer_states_the_shape_it_gives_and_survives_saving(layer, tmp_path):
    for size in SIZES:
        assert layer.compute_output_shape((2, *size, 3)) == layer(maps(size)).shape
    image = keras.Input((None, None, 3))
    model = keras.Model(image, layer(image))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model(maps((7, 5))), loaded(maps((7, 5))))


@on_tensorflow
@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_a_layer_works_at_sizes_unknown_when_traced(layer):
    import tensorflow as tf

    traced = tf.function(
        lambda x: layer(x),
        input_signature=[tf.TensorSpec((None, None, None, 3), tf.float32)],
        autograph=False,
    )
    for size in SIZES:
        np.testing.assert_allclose(traced(maps(size)), layer(maps(size)), rtol=1e-6)
