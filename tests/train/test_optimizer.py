"""The update rule against a loop in NumPy, and which weights decay."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from roadseg.models.auxiliary import auxiliary_network
from roadseg.train.optimizer import Optimizer, decayed_names, gradient_factor
from roadseg.train.schedule import poly
from tests.train import tiny


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return tiny.network(tiny.recipe(), tiny.CLASSES)


def test_only_convolution_kernels_decay_and_depthwise_ones_do_not(model: keras.Model) -> None:
    assert decayed_names(model) == {"conv/kernel", "logits/kernel"}


def test_decayed_weights_of_the_auxiliary_network_are_its_36_plain_kernels() -> None:
    names = decayed_names(auxiliary_network())
    # 1 stem, 16 expansions, 17 projections, 3 of the head, the shifts; mean_locations is none.
    assert len(names) == 1 + 16 + 17 + 3 + 1
    assert not [name for name in names if "depthwise" in name or "mean_locations" in name]


def test_only_the_bias_of_the_output_layer_learns_twice_as_fast() -> None:
    assert gradient_factor("logits/bias", 2.0) == 2.0
    assert gradient_factor("shifts/bias", 2.0) == 2.0
    assert gradient_factor("logits/kernel", 2.0) == 1.0
    assert gradient_factor("conv.bn/beta", 2.0) == 1.0


def test_steps_equal_tensorflow_1_momentum_with_decay_in_the_gradient() -> None:
    recipe = tiny.recipe(weight_decay=0.01, momentum=0.9, ema=0.9)
    model = tiny.network(recipe, tiny.CLASSES)
    optimizer = Optimizer(model, recipe)
    random = np.random.default_rng(1)
    weights = [variable.numpy().astype(np.float64) for variable in optimizer.variables]
    slots = [np.zeros_like(weight) for weight in weights]
    averages = [weight.copy() for weight in weights]
    for number in range(4):
        rate = poly(number, 4, 0.1, 0.9)
        gradients = [random.normal(size=weight.shape) for weight in weights]
        optimizer.apply([tf.constant(g, tf.float32) for g in gradients], tf.constant(rate))
        for i, name in enumerate(optimizer.names):
            gradient = gradients[i] * (2.0 if name == "logits/bias" else 1.0)
            if name in ("conv/kernel", "logits/kernel"):
                gradient = gradient + 0.01 * weights[i]
            slots[i] = 0.9 * slots[i] + gradient
            weights[i] = weights[i] - rate * slots[i]
            averages[i] = 0.9 * averages[i] + 0.1 * weights[i]
    for i, name in enumerate(optimizer.names):
        np.testing.assert_allclose(optimizer.variables[i], weights[i], atol=1e-5, err_msg=name)
        np.testing.assert_allclose(optimizer.averages[i], averages[i], atol=1e-5, err_msg=name)


def test_an_overflow_changes_neither_weights_nor_momentum() -> None:
    recipe = tiny.recipe()
    model = tiny.network(recipe, tiny.CLASSES)
    optimizer = Optimizer(model, recipe)
    before = [variable.numpy() for variable in optimizer.variables]
    gradients = [tf.fill(variable.shape, np.float32(np.inf)) for variable in optimizer.variables]
    optimizer.apply(gradients, tf.constant(0.1), finite=tf.constant(False))
    for old, new, slot in zip(before, optimizer.variables, optimizer.slots, strict=True):
        np.testing.assert_array_equal(new, old)
        assert not np.any(slot)


def test_the_rate_falls_to_zero_as_published() -> None:
    assert poly(0, 30_000, 0.007, 0.9) == 0.007
    assert poly(15_000, 30_000, 0.007, 0.9) == pytest.approx(0.007 * 0.5**0.9, rel=1e-12)
    assert poly(30_000, 30_000, 0.007, 0.9) == 0.0
    assert poly(40_000, 30_000, 0.007, 0.9) == 0.0
