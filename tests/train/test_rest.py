"""Records that label some classes only: the step that a run builds leaves the rest out."""

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from roadseg.data_conversion.read.records import open_records
from roadseg.losses.cross_entropy import Rest
from roadseg.runs.run_folder import RunFolder
from roadseg.train import loop
from roadseg.train.step import TrainingStep
from tests.train import tiny

SOME = dataclasses.replace(tiny.TABLE, rest=254, rest_classes=(0, 2))


def test_a_run_takes_the_rest_from_the_label_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny.write_records(tmp_path / "records")
    (folder / "label_table.json").write_text(SOME.to_json())
    monkeypatch.setattr(loop, "build_network", tiny.network)
    recipe = tiny.recipe(folder, start={"initial_weights": "none"})
    records = open_records(folder, "train")
    step = loop.build(recipe, RunFolder(tmp_path / "run"), records, tf.distribute.get_strategy())
    assert step.criterion.rest == Rest(254, (0, 2))


@pytest.mark.parametrize("sampler", ["none", "uniform"])
def test_the_loss_of_a_batch_is_that_of_numpy(sampler: str) -> None:
    keras.utils.set_random_seed(0)
    recipe = tiny.recipe(
        network={"options": {"dropout": 0.0}},
        sampling={
            "kind": sampler,
            "size": (24, 24),
        },
    )
    step = TrainingStep(
        recipe,
        tiny.network(recipe, tiny.CLASSES),
        None,
        tf.distribute.get_strategy(),
        rest=Rest(254, (0, 2)),
    )
    random = np.random.default_rng(0)
    label = random.choice([0, 1, 2, 254, 255], (4, 24, 24)).astype(np.uint8)
    batch = {
        "image": tf.constant(random.integers(0, 255, (4, 24, 24, 3)).astype(np.uint8)),
        "label": tf.constant(label),
        "content": tf.constant([[0, 0, 24, 24]] * 4, tf.int32),
    }
    images, labels = (np.asarray(part) for part in step.inputs(batch))
    assert (labels == 254).any()
    shares = np.exp(np.asarray(step.model(images, training=True), np.float64))
    shares /= shares.sum(-1, keepdims=True)
    named = np.where(labels < 3, labels, 0).astype(int)
    chosen = np.take_along_axis(shares, named[..., None], -1)[..., 0]
    chosen = np.where(labels == 254, shares[..., 0] + shares[..., 2], chosen)
    expected = -np.log(chosen[labels != 255]).mean()
    assert float(step(batch, tf.constant(0.0))) == pytest.approx(expected, rel=1e-5)
