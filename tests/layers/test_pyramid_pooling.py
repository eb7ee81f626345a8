import keras
import numpy as np
import pytest

from roadseg.layers.pyramid_pooling import pyramid_pooling

CHANNELS, FILTERS = 5, 3


def pyramid(size: tuple[int | None, int | None], **options) -> keras.Model:
    keras.utils.set_random_seed(1)
    x = keras.Input((*size, CHANNELS))
    return keras.Model(x, pyramid_pooling(x, FILTERS, "head", **options))


def image(size: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(1, *size, CHANNELS)).astype("float32")


def test_the_branches_come_before_the_map_itself_coarsest_first():
    model, x = pyramid((7, 9)), image((7, 9))
    joined = keras.Model(model.input, model.get_layer("head.concatenated").output)(x)
    coarsest = x.mean((1, 2)) @ np.asarray(model.get_layer("head.stages.0.1").kernel)[0, 0]
    # A new batch normalisation divides by sqrt(1 + 1e-5); there is no ReLU in the branches.
    expected = np.broadcast_to(coarsest / (1 + 1e-5) ** 0.5, (1, 7, 9, FILTERS))
    np.testing.assert_allclose(joined[..., :FILTERS], expected, atol=1e-6)
    assert coarsest.min() < 0
    np.testing.assert_array_equal(joined[..., 4 * FILTERS :], x)


@pytest.mark.parametrize(
    ("options", "grown"),
    [({}, 0), ({"kernel_size": 1}, 0), ({"kernel_size": 1, "padding": 1}, 2)],
)
@pytest.mark.parametrize("size", [(2, 3), (12, 7)])
def test_a_pointwise_convolution_with_padding_alone_changes_the_size(options, grown, size):
    result = pyramid((None, None), **options)(image(size))
    assert result.shape == (1, size[0] + grown, size[1] + grown, FILTERS)
    assert np.isfinite(np.asarray(result)).all()
