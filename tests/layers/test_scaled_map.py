"""Maps at other scales, shuffled channels, and gates between two maps."""

import keras
import numpy as np
import pytest
from keras import ops

from roadseg.layers.gates import Exchange, GatedBlend, Similarity
from roadseg.layers.scaled_map import AverageLike, ChannelShuffle, ScaledMap
from roadseg.ops.pooling import adaptive_average_pool
from roadseg.ops.resize import resize_bilinear


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def numbers(x) -> np.ndarray:
    return ops.convert_to_numpy(x)


@pytest.mark.parametrize(
    ("ratio", "sides"),
    [
        ((2, 1), {3: 6, 7: 14}),
        ((3, 2), {3: 5, 7: 11, 8: 12}),
        ((1, 2), {3: 5, 12: 6, 13: 7}),
        ((1, 10), {7: 5, 60: 6, 61: 7}),
    ],
)
def test_sides_are_rounded_up_and_are_five_at_least(ratio, sides):
    layer = ScaledMap(*ratio, 5)
    for side, wanted in sides.items():
        x = noise(1, side, 8, 2)
        found = layer(x)
        assert found.shape[1] == wanted == layer.compute_output_shape(x.shape)[1]
        size = (wanted, int(found.shape[2]))
        expected = (
            resize_bilinear(x, size) if ratio[0] > ratio[1] else adaptive_average_pool(x, size)
        )
        np.testing.assert_allclose(numbers(found), numbers(expected), rtol=1e-5, atol=1e-6)


def test_a_map_is_averaged_to_the_size_of_another():
    x, like = noise(2, 9, 12, 3), noise(2, 6, 5, 1)
    expected = numbers(adaptive_average_pool(x, (6, 5)))
    np.testing.assert_allclose(numbers(AverageLike()([x, like])), expected, rtol=1e-6)


def test_channels_are_dealt_out_group_by_group():
    x = np.arange(6, dtype="float32").reshape(1, 1, 1, 6)
    assert numbers(ChannelShuffle(3)(x)).ravel().tolist() == [0, 2, 4, 1, 3, 5]


def test_a_gate_takes_its_share_of_one_map_and_the_rest_of_the_other():
    a, b, gate = noise(1, 4, 5, 3), noise(1, 4, 5, 3, seed=1), noise(1, 4, 5, 1, seed=2)
    share = 1 / (1 + np.exp(-gate))
    np.testing.assert_allclose(
        numbers(GatedBlend()([a, b, gate])), share * a + (1 - share) * b, rtol=1e-4, atol=1e-6
    )
    alike = numbers(Similarity()([a, b]))
    np.testing.assert_allclose(alike, (a * b).sum(-1, keepdims=True), rtol=1e-4, atol=1e-6)
    wide = noise(1, 4, 5, 3, seed=3)
    share = 1 / (1 + np.exp(-wide))
    first, second = Exchange()([a, b, wide])
    np.testing.assert_allclose(numbers(first), a + (1 - share) * b, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(numbers(second), b + share * a, rtol=1e-4, atol=1e-6)


def test_they_save_in_a_model_of_unknown_size(tmp_path):
    images = keras.Input((None, None, 6))
    x = ChannelShuffle(3)(images)
    x = AverageLike()([ScaledMap(3, 2, 5)(x), images])
    x = GatedBlend()([x, images, Similarity()([x, images])])
    model = keras.Model(images, Exchange()([x, images, x]))
    model.save(tmp_path / "model.keras")
    loaded, given = keras.saving.load_model(tmp_path / "model.keras"), noise(1, 9, 7, 6)
    for ours, theirs in zip(model(given), loaded(given), strict=True):
        np.testing.assert_array_equal(numbers(ours), numbers(theirs))
