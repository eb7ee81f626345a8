import numpy as np
import pytest
from keras import ops

from roadseg.ops.correlation import cost_volume
from tests.ops.gradients import check_gradients
from tests.support import on_tensorflow


def by_loops(first: np.ndarray, second: np.ndarray, search_range: int, stride: int) -> np.ndarray:
    steps = range(-search_range, search_range + 1, stride)
    batch, height, width, _ = first.shape
    result = np.zeros((batch, height, width, len(steps) ** 2))
    for b, y, x in np.ndindex(batch, height, width):
        for i, dy in enumerate(steps):
            for j, dx in enumerate(steps):
                if 0 <= y + dy < height and 0 <= x + dx < width:
                    product = first[b, y, x] * second[b, y + dy, x + dx]
                    result[b, y, x, i * len(steps) + j] = product.mean()
    return result


@pytest.mark.parametrize(
    ("size", "search_range", "stride"), [((5, 7), 2, 1), ((6, 4), 4, 2), ((3, 3), 0, 1)]
)
def test_cost_volume_agrees_with_a_loop_over_displacements(size, search_range, stride):
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 2, *size, 3)).astype("float32")
    ours = ops.convert_to_numpy(cost_volume(first, second, search_range, stride))
    np.testing.assert_allclose(ours, by_loops(first, second, search_range, stride), atol=1e-6)


def test_a_shifted_map_fits_best_at_its_own_displacement():
    rng = np.random.default_rng(1)
    second = rng.normal(size=(1, 12, 12, 16)).astype("float32")
    second /= np.linalg.norm(second, axis=-1, keepdims=True)
    first = np.roll(second, (-1, 2), axis=(1, 2))  # first[y, x] = second[y + 1, x - 2]
    best = ops.convert_to_numpy(ops.argmax(cost_volume(first, second, 3), axis=-1))
    assert (best[0, 4:8, 4:8] == (1 + 3) * 7 + (-2 + 3)).all()


def test_gradients_are_those_of_finite_differences():
    rng = np.random.default_rng(2)
    weights = rng.normal(size=(2, 4, 5, 25))

    def loss(first, second):
        return ops.sum(cost_volume(first, second, 2) * weights)

    check_gradients(loss, [rng.normal(size=(2, 4, 5, 3)), rng.normal(size=(2, 4, 5, 3))])


@on_tensorflow
def test_cost_volume_exports_at_unknown_sizes(tmp_path):
    import tensorflow as tf

    module = tf.Module()
    maps = tf.TensorSpec((None, None, None, 3))
    module.costs = tf.function(cost_volume, input_signature=[maps, maps], autograph=False)
    tf.saved_model.save(module, str(tmp_path / "saved"))
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    for size in [(6, 8), (5, 9)]:
        first, second = np.random.default_rng(3).normal(size=(2, 1, *size, 3)).astype("float32")
        np.testing.assert_allclose(
            loaded.costs(first, second), cost_volume(first, second), atol=1e-6
        )


def test_what_does_not_fit_is_refused():
    maps = np.zeros((1, 4, 4, 3), "float32")
    with pytest.raises(ValueError, match="multiple of stride"):
        cost_volume(maps, maps, search_range=3, stride=2)
    with pytest.raises(ValueError, match="feature maps"):
        cost_volume(maps, maps[..., :2])
