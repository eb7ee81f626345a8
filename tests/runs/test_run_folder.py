"""The run folder: what is read from it, and what is refused."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import roadseg
from roadseg.errors import RoadsegError
from roadseg.files import read_arrays
from roadseg.recipe.recipe import Recipe
from roadseg.runs import checkpoint
from roadseg.runs.run_folder import RunFolder, variable_arrays
from roadseg.sampling import NusSampler, SampledSegmenter
from roadseg.weights.match import match
from tests.train import tiny


@pytest.fixture(autouse=True)
def tiny_network(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.patch_networks(monkeypatch)


def make_run(path: Path, recipe: Recipe, steps: tuple[int, ...] = (10,)) -> RunFolder:
    run = RunFolder(path)
    run.begin(recipe, tiny.TABLE)
    for step in steps:
        model = tiny.network(recipe, tiny.CLASSES)
        groups = {"weights": variable_arrays(model)}
        checkpoint.write_checkpoint(run.checkpoint_folder, step, groups, {})
    return run


def test_recipe_and_classes_come_back_as_they_were_begun(tmp_path: Path) -> None:
    recipe = tiny.recipe(sampler={"classes": (1, 2)}, network={"options": {"dropout": 0.2}})
    run = make_run(tmp_path / "run", recipe)
    assert run.recipe == recipe
    assert run.label_table == tiny.TABLE
    assert run.exists and not RunFolder(tmp_path / "other").exists


def test_a_network_has_the_weights_of_the_step_asked_for(tmp_path: Path) -> None:
    run = make_run(tmp_path, tiny.recipe(), (10, 20))
    (tmp_path / "best.json").write_text('{"step": 10, "metric": "miou", "value": 0.5}')
    for step, name in ((None, "step-00000020"), (10, "step-00000010"), ("best", "step-00000010")):
        expected = read_arrays(run.checkpoint_folder / name / "weights.npz")
        found = variable_arrays(run.load_network(step))
        assert found.keys() == expected.keys()
        for key in expected:
            np.testing.assert_array_equal(found[key], expected[key])


def test_every_reader_takes_averaged_weights(tmp_path: Path) -> None:
    run = make_run(tmp_path, tiny.recipe(optimizer={"ema_decay": 0.9}), ())
    weights = variable_arrays(tiny.network(run.recipe, tiny.CLASSES))
    groups = {
        "weights": weights,
        "ema": {"logits/bias": np.array([1.0, 2.0, 3.0], np.float32)},
    }
    checkpoint.write_checkpoint(run.checkpoint_folder, 5, groups, {})
    for evaluation in (True, False):
        averaged = variable_arrays(run.load_network(evaluation=evaluation))
        np.testing.assert_array_equal(averaged["logits/bias"], [1.0, 2.0, 3.0])
        np.testing.assert_array_equal(averaged["conv/kernel"], weights["conv/kernel"])


def test_a_network_is_created_with_the_weights_of_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunFolder(tmp_path / "run")
    run.begin(tiny.recipe(model="espnet_c", network={"options": {"p": 1, "q": 1}}), tiny.TABLE)
    weights = variable_arrays(roadseg.create("espnet_c", 3, p=1, q=1))
    averaged = {"level1.conv/kernel": weights["level1.conv/kernel"] + 1}
    groups = {"weights": weights, "ema": averaged}
    checkpoint.write_checkpoint(run.checkpoint_folder, 5, groups, {})
    same = variable_arrays(roadseg.create("espnet_c", weights=str(run.path)))
    for name, array in (weights | averaged).items():
        np.testing.assert_array_equal(same[name], array)
    assert capsys.readouterr().err == ""
    other = variable_arrays(roadseg.create("espnet_c", 5, weights=str(run.path)))
    kept = {name for name in other if other[name].shape != weights[name].shape}
    assert kept and all(np.array_equal(other[n], same[n]) for n in set(other) - kept)
    assert "; initialised, other classes: classifier" in capsys.readouterr().err
    with pytest.raises(RoadsegError, match="step-00000005: .* another network than fast_scnn"):
        roadseg.create("fast_scnn", weights=str(run.path))


def test_a_step_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    run = make_run(tmp_path, tiny.recipe(), (10, 20))
    with pytest.raises(RoadsegError, match="no step 15; there are: 10, 20"):
        run.load_network(15)
    with pytest.raises(RoadsegError, match="best.json: no best checkpoint"):
        run.load_network("best")


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RoadsegError, match="is this a run folder"):
        RunFolder(tmp_path).find_checkpoint()
    with pytest.raises(RoadsegError, match="recipe.json: no recipe here"):
        _ = RunFolder(tmp_path).recipe


def test_a_checkpoint_of_another_class_count_names_variable_and_shapes(tmp_path: Path) -> None:
    run = make_run(tmp_path, tiny.recipe())
    other = tiny.network(tiny.recipe(), 5)
    with pytest.raises(RoadsegError, match=r"weights.npz: logits/kernel.*\(1, 1, 4, 3\).*5\)"):
        path = run.find_checkpoint()[1] / "weights.npz"
        match(other, read_arrays(path), path)


def test_a_checkpoint_of_another_network_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    model = tiny.network(tiny.recipe(), tiny.CLASSES)
    before = variable_arrays(model)
    foreign = {f"resnet.{name}": array for name, array in before.items()}
    with pytest.raises(RoadsegError, match="another network .* lacks conv/kernel.* it also holds"):
        match(model, foreign, "weights.npz")
    for name, array in variable_arrays(model).items():
        np.testing.assert_array_equal(array, before[name])


def test_each_kind_of_sampling_gives_full_size_logits(tmp_path: Path) -> None:
    images = np.random.default_rng(0).uniform(0, 255, (1, 24, 48, 3)).astype(np.float32)
    for sampling in ("none", "uniform", "nus"):
        recipe = tiny.recipe(
            sampling={
                "kind": sampling,
                "size": (8, 8),
            }
        )
        run = make_run(tmp_path / sampling, recipe)
        make_run(run.path / "sampler", tiny.recipe(task="sampling_grid"))
        segmenter = run.load_segmenter()
        assert isinstance(segmenter, SampledSegmenter) == (sampling != "none")
        assert segmenter(images).shape == (1, 24, 48, tiny.CLASSES)
        if sampling != "none":
            assert segmenter.window is None and segmenter.sampler.kind == sampling


def test_a_run_of_before_samplers_were_a_family_samples_as_it_did(tmp_path: Path) -> None:
    recipe = tiny.recipe(
        sampling={
            "kind": "nus",
            "size": (8, 8),
        }
    )
    run = make_run(tmp_path / "run", recipe)
    make_run(run.path / "auxiliary", tiny.recipe(task="sampling_grid"))
    values: dict[str, Any] = {"name": "old", "task": "segmentation", "source": "made for tests"}
    values |= {"sampling": "adaptive", "auxiliary_run": "runs/sampler", "crop_size": [24, 24]}
    (run.path / "recipe.json").write_text(json.dumps(values))
    assert (run.recipe.sampling.kind, run.recipe.sampling.sampler_run) == ("nus", "runs/sampler")
    assert run.load_segmenter().window == recipe.augment.crop_size


def test_a_run_of_a_sampler_gives_its_own_network_and_no_segmenter(tmp_path: Path) -> None:
    run = make_run(tmp_path, tiny.recipe(task="sampling_grid"))
    sampler = run.load_sampler()
    assert isinstance(sampler, NusSampler)
    assert sampler(keras.ops.zeros((2, 30, 40, 3))).shape == (2, 3, 3, 2)
    with pytest.raises(RoadsegError, match="learns sampling grids"):
        run.load_segmenter()


def test_only_runs_behind_sampling_have_a_sampler(tmp_path: Path) -> None:
    run = make_run(tmp_path / "uniform", tiny.recipe(sampling={"kind": "uniform"}))
    assert run.load_sampler().kind == "uniform"
    run = make_run(tmp_path / "none", tiny.recipe(sampling={"kind": "none"}))
    with pytest.raises(RoadsegError, match="none: a run without a sampler"):
        run.load_sampler()


def test_metrics_are_lines_and_one_cut_short_spoils_no_other(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.append_metrics({"event": "train", "step": 1})
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"event": "tr')
    run.append_metrics({"event": "train", "step": 2})
    run.append_metrics({"event": "train", "step": 3})
    assert [event["step"] for event in run.read_metrics()] == [1, 2, 3]


def test_a_recipe_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(tiny.recipe().to_json().replace('"seed"', '"sead"'))
    with pytest.raises(RoadsegError, match="unknown fields sead"):
        Recipe.from_json(path)
