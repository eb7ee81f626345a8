"""Loss and gradient of one step: what counts, in which precision."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from roadseg.recipe.recipe import Recipe
from roadseg.sampling import NusSampler, Sampler, sample, uniform_grid
from roadseg.train.devices import precision
from roadseg.train.step import LossScale, TrainingStep
from tests.train import tiny


def make(recipe: Recipe, sampler: Sampler | None = None) -> TrainingStep:
    keras.utils.set_random_seed(0)
    with precision(recipe.precision):
        model = tiny.network(recipe, tiny.CLASSES)
    return TrainingStep(recipe, model, sampler, tf.distribute.get_strategy())


def batch(seed: int = 0, size: int = 24) -> dict[str, tf.Tensor]:
    random = np.random.default_rng(seed)
    label = random.integers(0, 4, (4, size, size)).astype(np.uint8)
    label[label == 3] = 255
    return {
        "image": tf.constant(random.integers(0, 255, (4, size, size, 3)).astype(np.uint8)),
        "label": tf.constant(label),
        "content": tf.constant([[0, 0, size, size]] * 4, tf.int32),
    }


def test_the_loss_is_the_mean_over_labelled_pixels() -> None:
    step, data = make(tiny.recipe(network={"options": {"dropout": 0.0}})), batch()
    logits = step.model(tf.cast(data["image"], tf.float32), training=True).numpy()
    label = data["label"].numpy()
    chances = np.exp(logits - logits.max(-1, keepdims=True))
    chances /= chances.sum(-1, keepdims=True)
    pixels = np.argwhere(label != 255)
    expected = np.mean([-np.log(chances[b, i, j, label[b, i, j]]) for b, i, j in pixels])
    assert float(step(data, tf.constant(0.0))) == pytest.approx(expected, rel=1e-5)


def test_a_batch_without_labels_changes_only_by_decay() -> None:
    step, data = make(tiny.recipe(optimizer={"weight_decay": 0.0})), batch()
    before = [v.numpy() for v in step.model.trainable_variables]
    data["label"] = tf.fill((4, 24, 24), tf.constant(255, tf.uint8))
    assert float(step(data, tf.constant(0.1))) == 0.0
    for old, variable in zip(before, step.model.trainable_variables, strict=True):
        np.testing.assert_array_equal(variable.numpy(), old)


def test_gradients_above_the_limit_are_scaled_down_together_and_others_left_alone() -> None:
    options = {"optimizer.weight_decay": 0.0, "optimizer.bias_gradient_factor": 1.0}
    moves = {}
    for limit in (0.0, 1e-3, 1e6):
        step = make(tiny.recipe(optimizer={"max_gradient_norm": limit}, **options))
        before = [v.numpy() for v in step.model.trainable_variables]
        step(batch(), tf.constant(1.0))
        after = step.model.trainable_variables
        moves[limit] = [v.numpy() - old for old, v in zip(before, after, strict=True)]
    norms = {limit: np.sqrt(sum((x**2).sum() for x in all_)) for limit, all_ in moves.items()}
    assert norms[0.0] > 0.01 and norms[1e-3] == pytest.approx(1e-3, rel=1e-3)
    for free, limited, far in zip(moves[0.0], moves[1e-3], moves[1e6], strict=True):
        np.testing.assert_allclose(limited, free * 1e-3 / norms[0.0], rtol=1e-2, atol=1e-7)
        np.testing.assert_allclose(far, free, rtol=1e-6, atol=1e-7)


def test_every_trainable_weight_moves_and_one_trace_serves_all_steps() -> None:
    step = make(tiny.recipe())
    before = [v.numpy() for v in step.model.trainable_variables]
    for seed in range(3):
        step(batch(seed), tf.constant(0.1))
    for old, variable in zip(before, step.model.trainable_variables, strict=True):
        assert np.any(variable.numpy() != old), variable.path
    assert step.traced.experimental_get_tracing_count() == 1


def test_uniform_sampling_trains_on_the_nearest_pixels_of_a_uniform_grid() -> None:
    recipe = tiny.recipe(
        sampling={
            "kind": "uniform",
            "size": (5, 5),
        }
    )
    data = batch()
    images, labels = make(recipe).inputs(data)
    rows = np.rint(np.linspace(0, 1, 5, dtype=np.float32) * 23).astype(int)
    np.testing.assert_array_equal(images, data["image"].numpy()[:, rows][:, :, rows])
    np.testing.assert_array_equal(labels, data["label"].numpy()[:, rows][:, :, rows])


def test_learned_sampling_trains_where_the_frozen_sampler_points() -> None:
    sampler = NusSampler(tiny.network(tiny.recipe(task="sampling_grid"), 0))
    before = [v.numpy() for v in sampler.weights]
    recipe = tiny.recipe(
        sampling={
            "kind": "nus",
            "size": (6, 6),
        }
    )
    step, data = make(recipe, sampler), batch()
    _, labels = step.inputs(data)
    grid = sampler.grid(tf.cast(data["image"], tf.float32), (6, 6))
    np.testing.assert_array_equal(labels, sample(data["label"], grid))
    assert np.any(np.abs(grid - uniform_grid((6, 6))) > 1e-4)
    step(data, tf.constant(0.1))
    for old, variable in zip(before, sampler.weights, strict=True):
        np.testing.assert_array_equal(variable.numpy(), old)


def test_the_sampling_loss_is_the_mean_squared_error_of_the_raw_grid() -> None:
    step = make(tiny.recipe(task="sampling_grid", network={"options": {"dropout": 0.0}}))
    random = np.random.default_rng(0)
    image = tf.constant(random.uniform(0, 255, (4, 12, 12, 3)).astype(np.float32))
    target = tf.constant(random.uniform(0, 1, (4, 3, 3, 2)).astype(np.float32))
    grid = step.model(image, training=True).numpy()
    loss = step({"image": image, "target": target}, tf.constant(0.0))
    assert float(loss) == pytest.approx(np.mean((grid - target.numpy()) ** 2), rel=1e-5)


def test_targets_of_the_graph_train_like_those_of_the_native_code() -> None:
    from roadseg.nus_native import boundary_targets

    label = batch()["label"].numpy()
    label[:] = np.kron(np.arange(4).reshape(2, 2) % 3, np.ones((12, 12)))
    image = tf.random.uniform((4, 12, 12, 3), maxval=255, seed=0)
    options = {"task": "sampling_grid", "network.options": {"dropout": 0.0}}
    native = make(tiny.recipe(**options))
    target = boundary_targets(label, (3, 3), 0.5).astype(np.float32)
    expected = native({"image": image, "target": tf.constant(target)}, tf.constant(0.0))
    graph = make(tiny.recipe(sampler={"targets": "graph"}, **options))
    found = graph({"image": image, "label": tf.constant(label)}, tf.constant(0.0))
    assert float(found) == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_learns_the_same_thing(policy: str) -> None:
    full, mixed = make(tiny.recipe()), make(tiny.recipe(precision=policy))
    for seed in range(4):
        expected = float(full(batch(seed), tf.constant(0.05)))
        found = float(mixed(batch(seed), tf.constant(0.05)))
        assert found == pytest.approx(expected, rel=0.03)
    assert all(v.dtype == "float32" for v in mixed.model.trainable_variables)


def test_the_loss_scale_halves_on_overflow_and_doubles_after_its_patience() -> None:
    scale = LossScale(start=8.0, patience=2)
    scale.update(tf.constant(False))
    assert float(scale.value()) == 4.0
    scale.update(tf.constant(True))
    scale.update(tf.constant(True))
    assert float(scale.value()) == 8.0


def test_the_loss_scale_falls_below_one_where_gradients_overflow_unscaled() -> None:
    scale = LossScale(start=1.0)
    scale.update(tf.constant(False))
    assert float(scale.value()) == 0.5


@pytest.mark.parametrize(
    "loss", [{}, {"loss.kind": "ohem", "loss.auxiliary_kind": "ohem", "loss.ohem_min_kept": 500}]
)
def test_a_compiled_step_gives_the_same_loss(loss: dict) -> None:
    options = {"network.options": {"dropout": 0.0, "side": bool(loss)}, **loss}
    plain, compiled = make(tiny.recipe(**options)), make(tiny.recipe(xla=True, **options))
    for seed in range(2):
        expected = float(plain(batch(seed), tf.constant(0.05)))
        assert float(compiled(batch(seed), tf.constant(0.05))) == pytest.approx(expected, rel=1e-4)


def test_the_recipe_may_leave_momentum_of_batch_statistics_to_the_network(tmp_path: Path) -> None:
    from roadseg.train.loop import set_batch_norm_momentum

    model = tiny.network(tiny.recipe(), tiny.CLASSES)
    set_batch_norm_momentum(model, 0.5)
    assert model.get_layer("conv.bn").momentum == 0.5
