"""Steps on JAX, in this process: precision, sampling, the values that callers see."""

import os

import numpy as np
import pytest

from roadseg.recipe.recipe import Recipe
from tests.train import tiny

pytestmark = pytest.mark.skipif(
    os.environ.get("KERAS_BACKEND") != "jax", reason="of Keras on JAX: make test-jax"
)
NO_DROPOUT = {"network.options": {"dropout": 0.0}}


def make(recipe: Recipe, sampler=None):
    import keras

    from roadseg.train.devices import choose_strategy, precision
    from roadseg.train.on_jax.step import JaxStep

    keras.utils.set_random_seed(0)
    with precision(recipe.precision):
        model = tiny.network(recipe, tiny.CLASSES)
    return JaxStep(recipe, model, sampler, choose_strategy())


def batch(seed: int = 0, size: int = 24) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    label = random.integers(0, 4, (4, size, size)).astype(np.uint8)
    label[label == 3] = 255
    return {
        "image": random.integers(0, 255, (4, size, size, 3)).astype(np.uint8),
        "label": label,
        "content": np.array([[0, 0, size, size - 4]] * 4, np.int32),
    }


def test_every_weight_moves_and_is_compiled_for_once() -> None:
    step = make(tiny.recipe())
    before = [v.numpy() for v in step.model.variables]
    losses = [float(step(batch(seed), 0.1)) for seed in range(3)]
    assert np.isfinite(losses).all()
    for old, variable in zip(before, step.model.variables, strict=True):
        assert np.any(variable.numpy() != old), variable.path
    assert step._compiled._cache_size() == 1


def test_what_is_assigned_to_the_network_counts_for_the_next_step() -> None:
    step, data = make(tiny.recipe(**NO_DROPOUT)), batch()
    before = [v.numpy() for v in step.model.weights]
    first = [float(step(data, 0.1)) for _ in range(2)]
    for variable, value in zip(step.model.weights, before, strict=True):
        variable.assign(value)
    assert float(step(data, 0.1)) == first[0] != first[1]


@pytest.mark.slow
def test_gradients_above_the_limit_are_scaled_down_together() -> None:
    moves = {}
    for limit in (0.0, 1e-3, 1e6):
        changes = {"weight_decay": 0.0, "bias_gradient_factor": 1.0, "max_gradient_norm": limit}
        step = make(tiny.recipe(optimizer=changes, **NO_DROPOUT))
        before = [v.numpy() for v in step.model.trainable_variables]
        step(batch(), 1.0)
        after = step.model.trainable_variables
        moves[limit] = [v.numpy() - old for old, v in zip(before, after, strict=True)]
    norms = {limit: np.sqrt(sum((x**2).sum() for x in all_)) for limit, all_ in moves.items()}
    assert norms[0.0] > 0.01 and norms[1e-3] == pytest.approx(1e-3, rel=1e-3)
    for free, far in zip(moves[0.0], moves[1e6], strict=True):
        np.testing.assert_allclose(far, free, rtol=1e-5, atol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_learns_the_same_thing(policy: str) -> None:
    full, mixed = make(tiny.recipe(**NO_DROPOUT)), make(tiny.recipe(precision=policy, **NO_DROPOUT))
    for seed in range(4):
        expected, found = float(full(batch(seed), 0.05)), float(mixed(batch(seed), 0.05))
        assert found == pytest.approx(expected, rel=0.03)
    assert all(v.dtype == "float32" for v in mixed.model.trainable_variables)


def test_an_overflow_changes_no_weight_and_halves_the_scale() -> None:
    step = make(tiny.recipe(precision="mixed_float16", **NO_DROPOUT))
    step.model.get_layer("logits").kernel.assign(np.full((1, 1, 4, 3), 6e4))
    before = [v.numpy() for v in step.model.trainable_variables]
    step.scale.scale.assign(2.0**20)
    step(batch(), 0.1)
    for old, variable in zip(before, step.model.trainable_variables, strict=True):
        np.testing.assert_array_equal(variable.numpy(), old)
    assert float(step.scale.value()) == 2.0**19


def test_learned_sampling_trains_where_the_frozen_sampler_points() -> None:
    from keras import ops

    from roadseg.sampling import NusSampler, sample, uniform_grid

    sampler = NusSampler(tiny.network(tiny.recipe(task="sampling_grid"), 0))
    before = [v.numpy() for v in sampler.weights]
    recipe = tiny.recipe(sampling={"kind": "nus", "size": (6, 6)}, **NO_DROPOUT)
    step, data = make(recipe, sampler), batch()
    whole = ops.cast(data["image"], "float32")
    grid = sampler.grid(whole, (6, 6))
    labels = step.inputs({**data, "content": None})[1]
    np.testing.assert_array_equal(labels, sample(data["label"], grid))
    assert np.any(np.abs(grid - uniform_grid((6, 6))) > 1e-4)
    assert np.isfinite(float(step(data, 0.1)))
    assert step.model is not None
    for old, variable in zip(before, sampler.weights, strict=True):
        np.testing.assert_array_equal(variable.numpy(), old)


def test_pictures_show_the_newest_weights() -> None:
    from roadseg.train.tasks.table import training_of

    step = make(tiny.recipe(**NO_DROPOUT))
    task = training_of(step.recipe)
    first = task.pictures(step, batch(), tiny.TABLE)["prediction"]
    for _ in range(10):
        step(batch(), 0.5)
    assert np.any(task.pictures(step, batch(), tiny.TABLE)["prediction"] != first)
