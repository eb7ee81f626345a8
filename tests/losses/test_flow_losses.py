"""What the losses of flow networks promise beyond the numbers of the original."""

from typing import Any

import numpy as np
import pytest
from keras import ops

from roadseg.losses import flow as losses
from roadseg.losses.criteria import mean

Tensor = Any
RANDOM = np.random.default_rng(0)
FLOW = RANDOM.normal(size=(2, 64, 128, 2)).astype(np.float32)
IMAGE = RANDOM.uniform(0, 255, (1, 12, 16, 3)).astype(np.float32)


def gradient(function: Any, value: np.ndarray) -> np.ndarray:
    """Return the gradient of a scalar function, on either backend."""
    import keras

    if keras.backend.backend() == "jax":
        import jax

        return np.asarray(jax.grad(lambda x: ops.sum(function(x)))(value))
    import tensorflow as tf

    x = tf.Variable(value)
    with tf.GradientTape() as tape:
        loss = function(tf.convert_to_tensor(x))
    return tape.gradient(loss, x).numpy()


def pyramid(flow: np.ndarray) -> list[Tensor]:
    """Return the flows that `multi_scale_terms` asks for, from the full one."""
    return [
        ops.average_pool(flow, factor, factor, "valid") / factor if factor > 1 else flow
        for factor in losses.MULTI_SCALE_FACTORS
    ]


def test_the_right_flows_have_no_multi_scale_loss() -> None:
    assert float(mean(losses.multi_scale_terms(pyramid(FLOW), FLOW))) < 1e-5


def test_every_level_of_the_pyramid_counts() -> None:
    right = pyramid(FLOW)
    for level, weight in enumerate(losses.MULTI_SCALE_WEIGHTS):
        flows = [flow + (number == level) for number, flow in enumerate(right)]
        found = float(mean(losses.multi_scale_terms(flows, FLOW)))
        assert found == pytest.approx(weight * np.sqrt(2), rel=1e-3)


def test_a_flow_that_is_exact_leaves_a_finite_gradient() -> None:
    found = gradient(lambda flow: losses.end_point_error(flow, FLOW)[0], FLOW.copy())
    assert np.isfinite(found).all()


def test_flows_of_unlike_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="differ"):
        losses.end_point_error(FLOW, FLOW[:, 1:])


def test_a_bright_even_patch_is_like_itself() -> None:
    even = np.full((1, 9, 9, 3), 251.3, np.float32)
    np.testing.assert_allclose(losses.dissimilarity_map(even, even), 0, atol=1e-6)


def test_ssim_follows_its_definition_in_float64() -> None:
    other = IMAGE + RANDOM.normal(scale=30, size=IMAGE.shape).astype(np.float32)
    found = ops.convert_to_numpy(losses.dissimilarity_map(IMAGE, other))
    row, column, channel = 5, 7, 1
    a, b = (
        np.asarray(image[0, row - 1 : row + 2, column - 1 : column + 2, channel], np.float64)
        for image in (IMAGE, other)
    )
    c1, c2 = losses.SSIM_CONSTANTS
    covariance = (a * b).mean() - a.mean() * b.mean()
    ssim = (2 * a.mean() * b.mean() + c1) * (2 * covariance + c2)
    ssim /= (a.mean() ** 2 + b.mean() ** 2 + c1) * (a.var() + b.var() + c2)
    assert found[0, row, column, channel] == pytest.approx((1 - ssim) / 2, abs=1e-5)


def test_an_edge_of_the_image_excuses_an_edge_of_the_flow() -> None:
    flow = np.zeros((1, 8, 8, 2), np.float32)
    flow[:, :, 4:] = 3.0
    image = np.zeros((1, 8, 8, 3), np.float32)
    even = float(mean(losses.smoothness_terms(flow, image)))
    image[:, :, 4:] = 9.0
    assert float(mean(losses.smoothness_terms(flow, image))) < 0.001 * even


def test_moving_the_first_image_by_the_right_flow_lowers_the_self_supervised_loss() -> None:
    flow = np.zeros((1, 12, 14, 2), np.float32)
    flow[..., 0] = 2.0
    first, second = IMAGE[:, :, 2:], IMAGE[:, :, :-2]
    right = float(mean(losses.self_supervised_terms(first, second, flow)))
    assert right < 0.5 * float(mean(losses.self_supervised_terms(first, second, -flow)))


def test_all_flows_of_the_pyramid_share_the_self_supervised_loss() -> None:
    flow = np.ones((1, 12, 16, 2), np.float32)
    half = ops.average_pool(flow, 2, 2, "valid") / 2
    both = losses.multi_scale_self_supervised_terms(IMAGE, IMAGE, [half, flow])
    alone = losses.self_supervised_terms(IMAGE, IMAGE, flow)
    assert float(mean(both)) == pytest.approx(float(mean(alone)), rel=1e-5)


def test_the_self_supervised_loss_reaches_the_flow() -> None:
    flow = RANDOM.normal(size=(1, 12, 16, 2)).astype(np.float32)
    found = gradient(lambda f: mean(losses.self_supervised_terms(IMAGE, IMAGE, f)), flow)
    assert np.isfinite(found).all() and np.abs(found).max() > 0
