"""First weights that are fitted to the first batch."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from roadseg.models.pwcnet import pwcnet
from roadseg.train.start.unit_variance import FLOW_DEVIATION_PX, orthonormal, unit_variance


@pytest.fixture(scope="module")
def images() -> dict[str, Any]:
    random = np.random.default_rng(0)
    parts = random.uniform(0, 255, (2, 2, 64, 64, 3)).astype(np.float32)
    return {"first": tf.constant(parts[0]), "second": tf.constant(parts[1])}


@pytest.fixture(scope="module")
def fitted(images: dict[str, Any]) -> Any:
    model = pwcnet(widths=(3, 8, 8, 8, 8, 8, 8))
    unit_variance(model, images)
    return model


def test_outputs_of_convolutions_are_standard_on_the_batch(fitted: Any, images: dict) -> None:
    import keras

    names = [f"FlowEstimator.Lv{level}.convs.{index}.0" for level in (2, 4) for index in (0, 4)]
    layers = [fitted.get_layer(name) for name in names]
    outputs = keras.Model(fitted.input, [layer.output for layer in layers])(images)
    for output in outputs:
        np.testing.assert_allclose(np.mean(output, axis=(0, 1, 2)), 0, atol=1e-3)
        np.testing.assert_allclose(np.std(output, axis=(0, 1, 2)), 1, atol=1e-2)


def test_the_first_flow_is_almost_none(fitted: Any, images: dict) -> None:
    flows = fitted(images, training=False)
    assert 0 < np.abs(flows["flow"]).max() < 100 * FLOW_DEVIATION_PX * 4


def test_the_network_is_left_as_it_was_but_for_its_weights(fitted: Any, images: dict) -> None:
    before = [np.asarray(weight) for weight in fitted.weights]
    first, second = (np.asarray(fitted(images)["flow"]) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    for old, weight in zip(before, fitted.weights, strict=True):
        np.testing.assert_array_equal(old, np.asarray(weight))


@pytest.mark.parametrize("shape", [(3, 3, 4, 8), (3, 3, 2, 40)])
def test_kernels_are_drawn_orthonormal(shape: tuple[int, ...]) -> None:
    kernel = orthonormal(shape, np.random.default_rng(0)).reshape(-1, shape[-1])
    product = kernel.T @ kernel if kernel.shape[0] >= kernel.shape[1] else kernel @ kernel.T
    np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-5)
