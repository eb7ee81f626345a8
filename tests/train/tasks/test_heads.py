"""Runs with auxiliary heads: they go on where they stopped, and evaluation has none of them."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from roadseg.errors import RoadsegError
from roadseg.files import read_arrays
from roadseg.recipe.recipe import Recipe
from roadseg.runs import checkpoint
from roadseg.runs.run_folder import RunFolder, build_network, variable_arrays
from roadseg.train import loop
from roadseg.train.step import TrainingStep
from tests.train import tiny

NETWORK = {"model": "fast_scnn", "network.options": {}, "augment.crop_size": (32, 32)}
HEADS = {"network.options": {"side": True}, "loss.kind": "ohem", "loss.ohem_min_kept": 50}


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_records(tmp_path_factory.mktemp("records"))


@pytest.fixture
def tiny_network(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.patch_networks(monkeypatch)


def make_run(path: Path, recipe: Recipe, extra: str = "") -> RunFolder:
    """Return a run with one checkpoint of the network that training builds."""
    run = RunFolder(path)
    run.begin(recipe, tiny.TABLE)
    arrays = variable_arrays(build_network(recipe, tiny.CLASSES))
    if extra:
        arrays[extra] = np.zeros(3, np.float32)
    checkpoint.write_checkpoint(run.checkpoint_folder, 10, {"weights": arrays}, {})
    return run


@pytest.mark.usefixtures("tiny_network")
@pytest.mark.parametrize("optimizer", ["sgd", pytest.param("adam", marks=pytest.mark.slow)])
def test_a_stopped_run_with_two_heads_and_mining_equals_an_uninterrupted_one(
    optimizer: str, records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tiny.recipe(
        records,
        optimizer={
            "kind": optimizer,
            "ema_decay": 0.9,
        },
        **HEADS,
    )
    whole, stopped = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "stopped")
    assert loop.train(recipe, whole) == 0
    report = loop._Loop._report

    def stop_at_four(self, done, *rest):
        report(self, done, *rest)
        if done == 4:
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(loop._Loop, "_report", stop_at_four)
        assert loop.train(recipe, stopped) == 128 + signal.SIGTERM
    assert loop.train(recipe, stopped) == 0
    for name in ("weights", "optimizer", "ema"):
        ours, theirs = (
            read_arrays(run.find_checkpoint(8)[1] / f"{name}.npz") for run in (stopped, whole)
        )
        assert ours.keys() == theirs.keys()
        assert any(key.startswith("side.conv") for key in ours)
        for key in ours:
            np.testing.assert_array_equal(ours[key], theirs[key], err_msg=key)


def test_training_builds_the_heads_that_the_recipe_asks_for() -> None:
    assert set(build_network(tiny.recipe(**NETWORK), 3).output) == {"logits", "aux"}
    alone = tiny.recipe(network={"auxiliary_heads": False}, **NETWORK)
    assert not isinstance(build_network(alone, 3).output, dict)
    assert not isinstance(build_network(tiny.recipe(**NETWORK), 3, True).output, dict)


def test_a_network_without_auxiliary_heads_trains_on_its_logits_alone() -> None:
    model = build_network(tiny.recipe(network={"options": {}}), 3)
    assert not isinstance(model.output, dict)


def test_evaluation_loads_a_run_without_its_auxiliary_heads(tmp_path: Path) -> None:
    run = make_run(tmp_path, tiny.recipe(**NETWORK))
    trained, evaluated = run.load_network(evaluation=False), run.load_network()
    assert not [v.path for v in evaluated.weights if v.path.startswith("auxlayer.")]
    image = np.random.default_rng(0).uniform(0, 255, (1, 64, 32, 3)).astype(np.float32)
    expected = trained(image, training=False)["logits"]
    np.testing.assert_allclose(evaluated(image, training=False), expected, atol=1e-6)


def test_what_else_a_checkpoint_has_over_is_still_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path, tiny.recipe(**NETWORK), extra="stray.conv/kernel")
    with pytest.raises(RoadsegError, match="another network .* also holds stray.conv/kernel"):
        run.load_network()


def test_heads_of_a_run_that_was_trained_without_them_are_refused(tmp_path: Path) -> None:
    recipe = tiny.recipe(network={"auxiliary_heads": False}, **NETWORK)
    run = make_run(tmp_path, recipe, extra="auxlayer.4/bias")
    with pytest.raises(RoadsegError, match="also holds auxlayer.4/bias"):
        run.load_network()


def test_a_recipe_of_before_has_the_losses_of_before(tmp_path: Path) -> None:
    run = make_run(tmp_path, tiny.recipe(network={"options": {}}))
    values: dict[str, Any] = {"name": "old", "task": "segmentation", "source": "made for tests"}
    values |= {"model": run.recipe.model, "model_options": {}, "learning_rate": 0.1}
    (tmp_path / "recipe.json").write_text(json.dumps(values))
    recipe = run.recipe
    assert (recipe.loss.kind, recipe.optimizer.kind, recipe.schedule.kind) == (
        "cross_entropy",
        "sgd",
        "poly",
    )
    assert (recipe.optimizer.weight_decay_on, recipe.augment.padding, recipe.augment.resize) == (
        "kernels",
        "grey",
        "aligned",
    )
    assert run.load_network().output.shape[-1] == 3


def test_the_loss_of_several_heads_is_the_weighted_sum_of_their_means() -> None:
    recipe = tiny.recipe(
        loss={"auxiliary_weight": 0.3}, network={"options": {"side": True, "dropout": 0.0}}
    )
    keras.utils.set_random_seed(0)
    model = tiny.network(recipe, 3)
    step = TrainingStep(recipe, model, None, tf.distribute.get_strategy())
    random = np.random.default_rng(0)
    image = random.integers(0, 255, (4, 24, 24, 3)).astype(np.uint8)
    label = random.integers(0, 3, (4, 24, 24)).astype(np.int32)
    batch = {"image": tf.constant(image), "label": tf.constant(label)}
    found = model(tf.cast(image, tf.float32), training=True)
    side = tf.raw_ops.ResizeBilinear(images=found["side"], size=(24, 24), align_corners=True)
    means = [
        float(tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(label, logits)))
        for logits in (found["logits"], side)
    ]
    loss = float(step(batch, tf.constant(0.0)))
    assert loss == pytest.approx(means[0] + 0.3 * means[1], rel=1e-5)


@pytest.mark.parametrize("precision", ["float64", "mixed_float16"])
def test_every_precision_trains_several_heads_with_mining(precision: str) -> None:
    recipe = tiny.recipe(precision=precision, optimizer={"kind": "adam"}, **HEADS)
    with loop.precision(precision):
        model = tiny.network(recipe, 3)
        step = TrainingStep(recipe, model, None, tf.distribute.get_strategy())
        before = [variable.numpy() for variable in model.trainable_variables]
        image = tf.random.stateless_uniform((4, 24, 24, 3), (0, 1), maxval=255)
        batch = {"image": image, "label": tf.cast(image[..., 0] // 86, tf.int32)}
        losses = [float(step(batch, tf.constant(0.01))) for _ in range(5)]
    assert losses[-1] < losses[0]
    assert {v.dtype for v in model.trainable_variables} == {
        "float64" if precision == "float64" else "float32"
    }
    for old, variable in zip(before, model.trainable_variables, strict=True):
        assert np.any(variable.numpy() != old), variable.path
