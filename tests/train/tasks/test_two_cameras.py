"""Both cameras' views in training: what is fed, what is fixed, and where a stage begins."""

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from roadseg.data_conversion.read.two_cameras import open_two_cameras
from roadseg.errors import RoadsegError
from roadseg.files import read_arrays
from roadseg.recipe.recipe import Recipe
from roadseg.runs.run_folder import RunFolder
from roadseg.train import loop
from roadseg.train.data.pipeline import training_batches
from tests import pairs
from tests.train import tiny

PARTS = {
    "backbone": ("pretrained.",),
    "head": ("head.",),
    "flow": ("flow_Network.",),
    "fusion_narrow": ("FFM_60.",),
    "fusion_wide": ("FFM_120.",),
}


@pytest.fixture(autouse=True)
def tiny_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs.register(monkeypatch)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pairs.write_pairs(tmp_path_factory.mktemp("pairs"))


def recipe(records: Path, **changes: Any) -> Recipe:
    values = {
        "task": "two_cameras",
        "model": "tiny_coupled",
        "network.options": {},
        "batch_size": 2,
    }
    values |= {"augment.crop_size": (16, 24), "steps": 2, "optimizer.bias_gradient_factor": 1.0}
    return tiny.recipe(records, **{**values, "network.auxiliary_heads": False, **changes})


def trained(run: Path, chosen: Recipe) -> RunFolder:
    folder = RunFolder(run)
    assert loop.train(chosen, folder) == 0
    return folder


def weights(run: RunFolder, step: int | None = None) -> dict[str, np.ndarray]:
    return read_arrays(run.find_checkpoint(step)[1] / "weights.npz")


def drawn(chosen: Recipe, run: Path) -> dict[str, np.ndarray]:
    """Return the weights that a run of `chosen` starts from."""
    opened = open_two_cameras(chosen.records, "train")
    step = loop.build(chosen, RunFolder(run), opened, tf.distribute.get_strategy())
    return {v.path: np.asarray(v) for v in step.model.weights}


def test_views_are_resized_as_pillow_does_and_nothing_else(tmp_path: Path) -> None:
    # A size at which no picked pixel lies halfway between two.
    records = pairs.write_pairs(tmp_path / "pairs", size=(24, 36))
    chosen, opened = recipe(records, data={"shuffle_buffer": 1}), open_two_cameras(records, "train")
    batch = next(iter(training_batches(chosen, opened)))
    examples = list(opened.examples())
    for view, prefix in (("wide", ""), ("narrow", "second_")):
        found = zip(batch[view].numpy(), batch[f"{view}_label"].numpy(), strict=True)
        for (image, label), example in zip(found, examples, strict=False):
            size = (24, 16)
            expected = Image.fromarray(example[f"{prefix}image"]).resize(size, Image.BILINEAR)
            assert np.abs(image.astype(int) - np.asarray(expected)).max() <= 1
            nearest = Image.fromarray(example[f"{prefix}label"]).resize(size, Image.NEAREST)
            np.testing.assert_array_equal(label, nearest)


def test_the_loss_is_the_sum_of_both_cameras_means(records: Path, tmp_path: Path) -> None:
    chosen, opened = recipe(records), open_two_cameras(records, "train")
    step = loop.build(chosen, RunFolder(tmp_path), opened, tf.distribute.get_strategy())
    batch = next(iter(training_batches(chosen, opened)))
    images = {view: tf.cast(batch[view], tf.float32) for view in ("wide", "narrow")}
    logits, expected = step.model(images, training=True), 0.0
    for view in images:
        label = batch[f"{view}_label"].numpy()
        chances = tf.nn.log_softmax(logits[view]).numpy()
        there = np.argwhere(label != 255)
        expected -= np.mean([chances[(*place, label[tuple(place)])] for place in there])
    assert float(step(batch, tf.constant(0.0))) == pytest.approx(expected, rel=1e-5)


def test_a_network_for_single_images_learns_from_both_cameras(
    records: Path, tmp_path: Path
) -> None:
    run = trained(tmp_path / "run", recipe(records, model="tiny_alone"))
    assert set(run.load_network().output) == {"wide", "narrow"}
    assert set(weights(run)) == set(drawn(recipe(records, model="tiny_alone"), tmp_path / "x"))


@pytest.mark.parametrize("moving", [False, True])
def test_fixed_parts_stay_and_their_statistics_move_only_on_request(
    records: Path, tmp_path: Path, moving: bool
) -> None:
    chosen = recipe(
        records,
        start={
            "frozen": ("backbone", "flow"),
            "update_frozen_statistics": moving,
        },
    )
    before, after = drawn(chosen, tmp_path / "x"), weights(trained(tmp_path / "run", chosen))
    fixed = PARTS["backbone"] + PARTS["flow"]
    for name, array in before.items():
        moved = bool(np.any(array != after[name]))
        statistics = name.endswith(("moving_mean", "moving_variance"))
        assert moved == (not name.startswith(fixed) or (statistics and moving)), name


@pytest.mark.parametrize("fix", [("nose",), ("backbone", "fusion_wid")])
def test_a_part_that_the_network_has_not_cannot_be_fixed(
    records: Path, tmp_path: Path, fix: tuple[str, ...]
) -> None:
    with pytest.raises(
        RoadsegError, match=f"--start.frozen {fix[-1]}: no such part.*there: .*fusion_wide"
    ):
        trained(tmp_path / "run", recipe(records, start={"frozen": fix}))


def test_a_network_without_a_flow_has_none_to_fix(records: Path, tmp_path: Path) -> None:
    with pytest.raises(RoadsegError, match="no such part in tiny_alone.*there: backbone, head"):
        trained(tmp_path / "run", recipe(records, model="tiny_alone", start={"frozen": ("flow",)}))


def test_something_has_to_be_left_to_train(records: Path, tmp_path: Path) -> None:
    with pytest.raises(RoadsegError, match="nothing is left to train"):
        trained(tmp_path / "run", recipe(records, start={"frozen": tuple(PARTS)}))


@pytest.fixture(scope="module")
def stages(records: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the runs of two stages, "segmentation" and "flow"."""
    folder = tmp_path_factory.mktemp("stages")
    with pytest.MonkeyPatch.context() as patch:
        pairs.register(patch)
        trained(folder / "segmentation", recipe(records, model="tiny_alone", seed=1))
        whole = trained(folder / "whole", recipe(records, seed=2))
        write_flow_run(folder / "flow", recipe(records, task="flow", model="pwcnet"), whole)
    return folder


def write_flow_run(path: Path, chosen: Recipe, whole: RunFolder) -> None:
    """Write a run that holds the flow part of another alone, as its own network names it."""
    from roadseg.runs.checkpoint import write_checkpoint

    own = {n.removeprefix("flow_Network."): a for n, a in weights(whole).items() if "flow_" in n}
    run = RunFolder(path)
    run.begin(chosen, pairs.TABLE)
    write_checkpoint(run.checkpoint_folder, 2, {"weights": own}, {})


NEW = ("fusion_narrow", "fusion_wide")


def test_a_stage_takes_each_part_from_the_run_that_has_it(
    records: Path, stages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (str(stages / "segmentation"), str(stages / "flow"))
    found = drawn(
        recipe(
            records,
            start={
                "stages": before,
                "new_parts": NEW,
            },
        ),
        tmp_path / "run",
    )
    segmentation, whole = weights(RunFolder(before[0])), weights(RunFolder(stages / "whole"))
    for name, array in found.items():
        alone = name.startswith(PARTS["backbone"] + PARTS["head"])
        source = segmentation if alone else whole
        same = bool(np.all(array == source[name]))
        assert same or name.startswith(("FFM_60.", "FFM_120.")), name
    assert "flow, step 2: flow (2 variables)" in capsys.readouterr().out


def test_of_two_stages_that_have_a_part_the_later_counts(
    records: Path, stages: Path, tmp_path: Path
) -> None:
    before = (str(stages / "whole"), str(stages / "segmentation"))
    found = drawn(recipe(records, start={"stages": before}), tmp_path / "run")
    name = "head.project/kernel"
    np.testing.assert_array_equal(found[name], weights(RunFolder(stages / "segmentation"))[name])


def test_every_part_that_no_stage_gives_is_named(
    records: Path, stages: Path, tmp_path: Path
) -> None:
    chosen = recipe(records, start={"stages": (str(stages / "segmentation"),)})
    expected = (
        r"no weights of flow \(2 variables\), fusion_narrow .*, fusion_wide .*--start.new-parts"
    )
    with pytest.raises(RoadsegError, match=expected):
        trained(tmp_path / "run", chosen)


def test_a_stage_of_another_network_is_refused(records: Path, stages: Path, tmp_path: Path) -> None:
    before = (str(stages / "whole"),)
    chosen = recipe(records, model="tiny_alone", start={"stages": before})
    with pytest.raises(RoadsegError, match="weights of another network .* it also holds"):
        trained(tmp_path / "run", chosen)


def test_a_stage_of_other_classes_is_refused(records: Path, stages: Path, tmp_path: Path) -> None:
    chosen = recipe(
        records, network={"void_class": True}, start={"stages": (str(stages / "whole"),)}
    )
    with pytest.raises(RoadsegError, match=r"has shape .*3\), here it is .*4\)"):
        trained(tmp_path / "run", chosen)


def test_a_stage_that_was_not_trained_is_refused(records: Path, tmp_path: Path) -> None:
    chosen = recipe(records, start={"stages": (str(tmp_path / "nothing"),)})
    with pytest.raises(RoadsegError, match="--start.stages .*nothing: no run here"):
        trained(tmp_path / "run", chosen)


def test_a_stopped_run_of_a_stage_equals_an_uninterrupted_one(
    records: Path, stages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values: dict[str, Any] = {
        "start.frozen": ("backbone",),
        "steps": 4,
        "log.summary_every_steps": 1,
    }
    chosen = recipe(records, start={"stages": (str(stages / "whole"),)}, **values)
    whole, report = trained(tmp_path / "whole", chosen), loop._Loop._report

    def stop_at_two(self: Any, done: int, *rest: Any) -> None:
        report(self, done, *rest)
        if done == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(loop._Loop, "_report", stop_at_two)
    run = RunFolder(tmp_path / "run")
    assert loop.train(chosen, run) == 128 + signal.SIGTERM
    monkeypatch.setattr(loop._Loop, "_report", report)
    assert loop.train(chosen, run) == 0
    for name, array in weights(whole, 4).items():
        np.testing.assert_array_equal(weights(run, 4)[name], array, err_msg=name)


def test_the_run_keeps_the_text_of_its_rig_file(
    records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from roadseg.train.data.records import with_rig
    from roadseg.two_cameras.rig import find_rig

    file = tmp_path / "rig.yaml"
    file.write_text(find_rig().to_yaml())
    kept = with_rig(recipe(records, network={"rig": str(file)}))
    file.unlink()
    assert find_rig(kept.network.rig) == find_rig() and with_rig(kept) == kept
