"""The update rule against a loop in NumPy, and which weights decay."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from roadseg.models.nus_sampler import nus_sampler
from roadseg.train.optim.optimizer import Optimizer, decayed_names, gradient_factor
from roadseg.train.optim.schedule import poly, rate_at
from tests.train import tiny


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return tiny.network(tiny.recipe(), tiny.CLASSES)


def test_only_convolution_kernels_decay_and_depthwise_ones_do_not(model: keras.Model) -> None:
    assert decayed_names(model) == {"conv/kernel", "logits/kernel"}


def test_decayed_weights_of_the_auxiliary_network_are_its_36_plain_kernels() -> None:
    names = decayed_names(nus_sampler())
    # 1 stem, 16 expansions, 17 projections, 3 of the head, the shifts; mean_locations is none.
    assert len(names) == 1 + 16 + 17 + 3 + 1
    assert not [name for name in names if "depthwise" in name or "mean_locations" in name]


def test_only_the_bias_of_the_output_layer_learns_twice_as_fast() -> None:
    assert gradient_factor("logits/bias", 2.0) == 2.0
    assert gradient_factor("shifts/bias", 2.0) == 2.0
    assert gradient_factor("logits/kernel", 2.0) == 1.0
    assert gradient_factor("conv.bn/beta", 2.0) == 1.0


def test_steps_equal_tensorflow_1_momentum_with_decay_in_the_gradient() -> None:
    recipe = tiny.recipe(
        optimizer={
            "weight_decay": 0.01,
            "momentum": 0.9,
            "ema_decay": 0.9,
        }
    )
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


def test_steps_equal_adam_with_decay_in_the_gradient() -> None:
    recipe = tiny.recipe(
        optimizer={
            "kind": "adam",
            "adam_betas": (0.8, 0.95),
            "weight_decay": 0.01,
        }
    )
    model = tiny.network(recipe, tiny.CLASSES)
    optimizer = Optimizer(model, recipe)
    random = np.random.default_rng(1)
    weights = [variable.numpy().astype(np.float64) for variable in optimizer.variables]
    means = [np.zeros_like(weight) for weight in weights]
    squares = [np.zeros_like(weight) for weight in weights]
    for number in range(1, 5):
        gradients = [random.normal(size=weight.shape) * 1e-3 for weight in weights]
        optimizer.apply([tf.constant(g, tf.float32) for g in gradients], tf.constant(0.1 / number))
        for i, name in enumerate(optimizer.names):
            gradient = gradients[i] * (2.0 if name == "logits/bias" else 1.0)
            if name in ("conv/kernel", "logits/kernel"):
                gradient = gradient + 0.01 * weights[i]
            means[i] = 0.8 * means[i] + 0.2 * gradient
            squares[i] = 0.95 * squares[i] + 0.05 * gradient**2
            root = np.sqrt(squares[i] / (1 - 0.95**number)) + 1e-8
            weights[i] = weights[i] - 0.1 / number * means[i] / (1 - 0.8**number) / root
    for i, name in enumerate(optimizer.names):
        np.testing.assert_allclose(optimizer.variables[i], weights[i], atol=1e-5, err_msg=name)


def test_the_first_step_of_adam_is_the_rate_even_in_float32() -> None:
    recipe = tiny.recipe(
        optimizer={
            "kind": "adam",
            "weight_decay": 0.0,
            "bias_gradient_factor": 1.0,
        }
    )
    optimizer = Optimizer(tiny.network(recipe, tiny.CLASSES), recipe)
    before = [variable.numpy() for variable in optimizer.variables]
    optimizer.apply([tf.fill(v.shape, -3.0) for v in optimizer.variables], tf.constant(0.5))
    for old, new in zip(before, optimizer.variables, strict=True):
        np.testing.assert_allclose(new, old + 0.5, rtol=2e-6)


def test_adam_keeps_two_slots_and_its_steps_for_checkpoints() -> None:
    recipe = tiny.recipe(optimizer={"kind": "adam"})
    optimizer = Optimizer(tiny.network(recipe, tiny.CLASSES), recipe)
    ends = ("", ".squares")
    assert set(optimizer.state()) == {n + e for n in optimizer.names for e in ends} | {"adam.steps"}


@pytest.mark.parametrize("kind", ["sgd", "adam"])
def test_an_overflow_changes_neither_weights_nor_momentum(kind: str) -> None:
    recipe = tiny.recipe(optimizer={"kind": kind})
    model = tiny.network(recipe, tiny.CLASSES)
    optimizer = Optimizer(model, recipe)
    before = [variable.numpy() for variable in optimizer.variables]
    gradients = [tf.fill(variable.shape, np.float32(np.inf)) for variable in optimizer.variables]
    optimizer.apply(gradients, tf.constant(0.1), finite=tf.constant(False))
    for old, new in zip(before, optimizer.variables, strict=True):
        np.testing.assert_array_equal(new, old)
    assert not any(np.any(variable.numpy()) for variable in optimizer.state().values())


def test_every_weight_decays_where_that_is_asked_for() -> None:
    images = keras.Input((8, 8, 3))
    x = keras.layers.Conv2DTranspose(4, 2, strides=2, name="up")(images)
    x = keras.layers.PReLU(shared_axes=[1, 2], name="slope")(x)
    x = keras.layers.DepthwiseConv2D(3, name="depthwise")(x)
    model = keras.Model(images, keras.layers.BatchNormalization(name="norm")(x))
    kernels = {"up/kernel"}
    assert decayed_names(model, "kernels") == kernels
    assert decayed_names(model, "convolutions") == kernels | {"depthwise/kernel"}
    others = {"up/bias", "slope/alpha", "depthwise/bias", "norm/gamma", "norm/beta"}
    assert decayed_names(model, "all") == kernels | {"depthwise/kernel"} | others


def test_pretrained_layers_move_and_decay_less() -> None:
    recipe = tiny.recipe(
        optimizer={
            "pretrained_layers": ("conv",),
            "pretrained_factor": 0.25,
            "weight_decay": 0.1,
            "weight_decay_on": "all",
        },
    )
    optimizer = Optimizer(tiny.network(recipe, tiny.CLASSES), recipe)
    before = [variable.numpy() for variable in optimizer.variables]
    optimizer.apply([tf.ones(v.shape) for v in optimizer.variables], tf.constant(0.1))
    for name, old, new in zip(optimizer.names, before, optimizer.variables, strict=True):
        slow = 0.25 if name.startswith("conv") else 1.0
        gradient = 2.0 if name == "logits/bias" else 1.0
        expected = old - 0.1 * slow * (gradient + 0.1 * slow * old)
        np.testing.assert_allclose(new, expected, atol=1e-6, err_msg=name)


def test_a_cosine_ends_at_its_final_rate() -> None:
    recipe = tiny.recipe(
        schedule={
            "kind": "cosine",
            "final_learning_rate": 0.01,
        },
        steps=100,
        optimizer={"learning_rate": 0.1},
    )
    rates = [rate_at(step, recipe) for step in (0, 25, 50, 100)]
    expected = [0.1, 0.055 + 0.045 * np.sqrt(0.5), 0.055, 0.01]
    np.testing.assert_allclose(rates, expected, rtol=1e-12)


def test_halving_keeps_the_rate_between_its_steps() -> None:
    recipe = tiny.recipe(
        schedule={
            "kind": "halving",
            "halve_every_steps": 10,
        },
        optimizer={"learning_rate": 0.08},
    )
    assert [rate_at(step, recipe) for step in (0, 9, 10, 29, 30)] == [0.08, 0.08, 0.04, 0.02, 0.01]


def test_the_rate_falls_to_zero_as_published() -> None:
    assert poly(0, 30_000, 0.007, 0.9) == 0.007
    assert poly(15_000, 30_000, 0.007, 0.9) == pytest.approx(0.007 * 0.5**0.9, rel=1e-12)
    assert poly(30_000, 30_000, 0.007, 0.9) == 0.0
    assert poly(40_000, 30_000, 0.007, 0.9) == 0.0
