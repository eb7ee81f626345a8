"""What tensorflow-addons offered, ours gives: on the stored outputs, and on any made anew."""

import keras
import numpy as np
import pytest
from keras import ops

from roadseg.losses.focal import focal_loss_of_probabilities
from roadseg.ops.correlation import cost_volume
from roadseg.ops.decoupled_decay import keras_weight_decay
from roadseg.ops.warp import dense_warp, sample_bilinear
from tests.support import Fixture, parity_fixtures

FIXTURES = parity_fixtures("tfa-ops*.npz")


@pytest.fixture(params=FIXTURES, ids=lambda path: path.stem)
def arrays(request):
    return Fixture.load(request.param).arrays


def test_dense_warp_agrees_with_dense_image_warp(arrays):
    agree(dense_warp(arrays["warp/image"], arrays["warp/flow"]), arrays["warp/out"])


def test_cost_volume_agrees_with_correlation_cost(arrays):
    first, second = (arrays[f"correlation/{key}"].transpose(0, 2, 3, 1) for key in "ab")
    search_range = int(np.sqrt(arrays["correlation/out"].shape[1])) // 2
    ours = cost_volume(first, second, search_range)
    agree(ours, arrays["correlation/out"].transpose(0, 2, 3, 1))


def test_bilinear_sampling_agrees_with_resampler(arrays):
    points_yx_px = arrays["resampler/xy"][..., ::-1].copy()
    agree(sample_bilinear(arrays["resampler/image"], points_yx_px), arrays["resampler/out"])


def test_focal_loss_agrees_with_sigmoid_focal_crossentropy(arrays):
    losses = focal_loss_of_probabilities(arrays["focal/y"], arrays["focal/p"])
    agree(losses, arrays["focal/out"])


def test_keras_weight_decay_over_the_rate_is_decoupled_sgd(arrays):
    # The fixture's meta: weight_decay 1e-2, learning rate 0.1, momentum 0.9.
    decay = keras_weight_decay(1e-2, learning_rate=0.1)
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9, weight_decay=decay)
    agree(trajectory(optimizer, arrays, "sgdw"), arrays["sgdw/w"], 1e-6)


def test_keras_weight_decay_over_the_rate_is_decoupled_adam(arrays):
    decay = keras_weight_decay(1e-2, learning_rate=0.1)
    optimizer = keras.optimizers.AdamW(0.1, weight_decay=decay, epsilon=1e-7)
    agree(trajectory(optimizer, arrays, "adamw"), arrays["adamw/w"], 5e-6)


def trajectory(optimizer: keras.optimizers.Optimizer, arrays: dict, name: str) -> np.ndarray:
    """Return the weights after each of the stored gradients."""
    weight = keras.Variable(arrays[f"{name}/w0"])
    steps = []
    for gradient in arrays[f"{name}/g"]:
        optimizer.apply([ops.convert_to_tensor(gradient)], [weight])
        steps.append(ops.convert_to_numpy(weight.value))
    return np.stack(steps)


def agree(ours, theirs: np.ndarray, tolerance: float = 1e-6) -> None:
    """Compare relative to the largest magnitude."""
    ours = ops.convert_to_numpy(ours)
    assert ours.shape == theirs.shape
    error = np.abs(ours - theirs).max() / np.abs(theirs).max()
    assert error <= tolerance, f"{error:.2e}"
