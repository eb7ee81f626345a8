"""`roadseg train`: recipes by name, fields on the command line, and how a run starts."""

import dataclasses
from pathlib import Path

import pytest
import tensorflow as tf

from roadseg import cli
from roadseg.data_conversion.read.records import open_records
from roadseg.errors import RoadsegError
from roadseg.recipe.recipe import Recipe
from roadseg.runs import checkpoint
from roadseg.runs.run_folder import RunFolder, variable_arrays
from roadseg.train import recipes
from roadseg.train.check import check_devices, check_recipe
from roadseg.train.overrides import override
from roadseg.train.start import begin
from tests.train import tiny


@pytest.fixture
def tiny_network(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.patch_networks(monkeypatch)


def test_fields_are_read_by_their_types() -> None:
    words = (
        "--batch-size 8 --sampling-size 192 160 --optimizer.learning-rate 1e-2 --xla "
        "--augment.flip-probability=0.25 "
        "--sampler.classes 1 2 3 --sampler uniform --network.options output_stride=8 dropout=0.5"
    )
    recipe = override(tiny.recipe(), words.split())
    assert (recipe.batch_size, recipe.sampling.size, recipe.optimizer.learning_rate) == (
        8,
        (192, 160),
        0.01,
    )
    assert (recipe.xla, recipe.augment.flip_probability) == (True, 0.25)
    assert (recipe.sampler.classes, recipe.sampling.kind) == ((1, 2, 3), "uniform")
    assert recipe.network.options == {"output_stride": 8, "dropout": 0.5}
    assert override(recipe, ["--sampler.classes"]).sampler.classes == ()
    sizes = ["--augment.crop-size", "360x480", "--xla", "No"]
    changed = override(tiny.recipe(xla=True), sizes)
    assert (changed.augment.crop_size, changed.xla) == ((360, 480), False)
    of_network = ["--network.options", "auxiliary_heads=False", "backbone=xception39"]
    changed = override(tiny.recipe(), [*of_network, "--model", "bisenet"])
    assert changed.network.options == {"auxiliary_heads": False, "backbone": "xception39"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--batchsize 8", r"--batchsize: a recipe has no such field; near: --batch-size"),
        ("--batch-size eight", "--batch-size eight: of another type; give a whole number"),
        ("--sampling-size 192", "--sampling-size: 2 values wanted"),
        ("--optimizer.adam-betas 0.9", "--optimizer.adam-betas: 2 values wanted, got 1"),
        ("--loss.kind focal", "--loss.kind focal: there are cross_entropy, .*ohem"),
        (
            "--sampling-size twelve 12",
            "--sampling-size twelve: of another type; give a whole number",
        ),
        ("--sampler random", "--sampler random: there are none, uniform, prior, nus, density"),
        ("--task sampling", "--task: a recipe has no such field"),
        ("8", "'8': a --field"),
        ("--xla maybe", "--xla maybe: of another type; give true or false"),
        ("--loss.kind ohemm", "--loss.kind ohemm: there are .*ohem_below; did you mean ohem"),
        ("--model auxiliary", "--model auxiliary: it is called nus_sampler now"),
        (
            "--optimizer.adam-betas 0.9 x",
            "--optimizer.adam-betas x: of another type; give a number",
        ),
        ("--network.options dropout", "key=value wanted"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(words: str, message: str) -> None:
    with pytest.raises(RoadsegError, match=message):
        override(tiny.recipe(), words.split())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "sampling_grid", "sampler.classes": (18,)}, "tiny has classes 0 to 2"),
        (
            {"task": "sampling_grid", "sampler.grid_size": (1, 1)},
            "--sampler.grid-size .*at least 2",
        ),
        (
            {"task": "sampling_grid", "sampler.grid_size": (5, 5)},
            "--sampler.grid-size .*divided by 4, 8, 16 or 32",
        ),
        ({"sampling.size": (1, 8)}, "--sampling-size .*at least 2"),
        ({"steps": 0}, "--steps 0: wanted at least 1"),
        ({"optimizer.learning_rate": float("inf")}, "--optimizer.learning-rate inf: wanted finite"),
        (
            {"sampler.class_weights": (1.0, float("nan"))},
            "--sampler.class-weights .*: wanted finite",
        ),
        ({"augment.min_scale": 2.0}, "--augment.min-scale 2.0"),
        ({"loss.ohem_min_kept": -1}, "--loss.ohem-min-kept -1: wanted 0 or more"),
        ({"loss.ohem_threshold": 1.5}, "--loss.ohem-threshold 1.5: wanted above 0, at most 1"),
        ({"optimizer.adam_betas": (0.9, 1.0)}, "--optimizer.adam-betas .*two from 0 to below 1"),
        (
            {"schedule.kind": "halving"},
            "--schedule.halve-every-steps 0: .*with --schedule.kind halving",
        ),
        ({"optimizer.pretrained_factor": 0.0}, "--optimizer.pretrained-factor 0.0: wanted above 0"),
        (
            {"model": "fast_scnn", "augment.crop_size": (48, 64)},
            "--augment.crop-size .*multiples of 32",
        ),
        ({"model": "deeplabv3_mobilenet"}, "near: deeplabv3_mobilenet_v2"),
    ],
)
def test_a_recipe_that_cannot_be_trained_is_refused(changes: dict, message: str) -> None:
    with pytest.raises(RoadsegError, match=message):
        check_recipe(tiny.recipe(**changes), tiny.TABLE)


@pytest.mark.parametrize(("batch_size", "warned"), [(7, True), (8, False)])
def test_a_batch_too_small_for_its_statistics_is_warned_about(
    batch_size: int, warned: bool, capsys: pytest.CaptureFixture
) -> None:
    check_devices(tiny.recipe(batch_size=batch_size), tf.distribute.get_strategy())
    assert ("warning: --batch-size 7" in capsys.readouterr().out) == warned


def test_every_recipe_says_where_its_numbers_come_from_and_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    for name in recipes.RECIPES:
        recipe = recipes.get(name)
        assert recipe.name == name
        assert recipe.source and recipe.measured, name
        path.write_text(recipe.to_json())
        assert Recipe.from_json(path) == recipe, name


def test_no_words_leave_a_recipe_as_it_is() -> None:
    recipe = recipes.get("sfsegnets/sfnet_lite_resnet18_cityscapes_coarse")
    assert override(recipe, []) == recipe


def test_a_stored_recipe_with_a_side_of_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(recipes.get("demo/even").replace(augment={"crop_size": (0, 1)}).to_json())
    with pytest.raises(RoadsegError, match=r"crop_size is \(0, 1\); at least 2 a side is wanted"):
        Recipe.from_json(path)


def test_published_numbers_of_nus() -> None:
    auxiliary, segmentation = (
        recipes.get("nus/sampler"),
        recipes.get("nus/deeplabv3_mobilenet_v2"),
    )
    assert (auxiliary.batch_size, auxiliary.steps) == (32, 30_000)
    assert (segmentation.batch_size, segmentation.steps) == (16, 90_000)
    for recipe in (auxiliary, segmentation):
        assert (
            recipe.optimizer.learning_rate,
            recipe.schedule.power,
            recipe.optimizer.momentum,
        ) == (0.007, 0.9, 0.9)
        assert (recipe.optimizer.weight_decay, recipe.optimizer.bias_gradient_factor) == (4e-5, 2.0)
        assert recipe.sampler.classes == tuple(range(11, 19))


def test_an_unknown_recipe_lists_the_near_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", "--recipe", "nus/auxilary"]) == 2
    assert "no such recipe; near: nus/sampler" in capsys.readouterr().err


def test_neither_recipe_nor_run_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", "--run", "nowhere"]) == 2
    error = capsys.readouterr().err
    assert "nowhere is no run that was begun" in error
    assert error.count("\n") == 1


def test_missing_records_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--run", str(tmp_path / "run"), "--records", str(tmp_path / "absent")]
    assert cli.main(["train", "--recipe", "nus/sampler", *arguments]) == 2
    error = capsys.readouterr().err
    assert str(tmp_path / "absent") in error
    assert error.count("\n") == 1


def test_without_show_one_line_says_what_is_trained(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--recipe", "nus/sampler", "--steps", "12", "--records", "nowhere"]
    assert cli.main(["train", *arguments, "--run", "new"]) == 2
    assert capsys.readouterr().out == (
        "nus/sampler: 12 steps of 32 on nowhere, run folder new (every number: --show)\n"
    )


def test_show_prints_every_field_with_its_changes(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", "--recipe", "nus/sampler", "--show", "--steps", "12"]) == 0
    lines = [line.partition(" ") for line in capsys.readouterr().out.splitlines()]
    shown = {name: value.strip() for name, _, value in lines}
    assert shown["steps"] == "12"
    assert set(shown) == set(recipes.get("nus/sampler").flat())


def test_a_run_behind_learned_sampling_copies_its_sampler(
    tmp_path: Path, tiny_network: None
) -> None:
    source = RunFolder(tmp_path / "auxiliary")
    source.begin(tiny.recipe(task="sampling_grid"), tiny.TABLE)
    model = tiny.network(source.recipe, 0)
    groups = {"weights": variable_arrays(model)}
    for step in (3, 6):
        checkpoint.write_checkpoint(source.checkpoint_folder, step, groups, {})
    recipe = tiny.recipe(
        sampling={
            "kind": "nus",
            "sampler_run": str(source.find_checkpoint(3)[1]),
        }
    )
    run = RunFolder(tmp_path / "run")
    begin.copy_sampler(recipe, run)
    copy = RunFolder(run.path / "sampler")
    assert [step for step, _ in copy.checkpoints()] == [3]
    assert copy.load_sampler().grid_size == (3, 3)


def test_a_run_without_a_checkpoint_may_begin_again_with_other_values(tmp_path: Path) -> None:
    records = open_records(tiny.write_records(tmp_path / "records"), "train")
    run = RunFolder(tmp_path / "run")
    begin.begin_or_resume(tiny.recipe(steps=5), run, records, writes=True)
    begin.begin_or_resume(tiny.recipe(steps=6), run, records, writes=True)
    assert run.recipe.steps == 6


def test_other_classes_are_refused_on_resume(tmp_path: Path) -> None:
    records = open_records(tiny.write_records(tmp_path / "records"), "train")
    run = RunFolder(tmp_path / "run")
    begin.begin_or_resume(tiny.recipe(), run, records, writes=True)
    checkpoint.write_checkpoint(run.checkpoint_folder, 1, {}, {})
    renamed = dataclasses.replace(tiny.TABLE, names=("road", "van", "sky"))
    with pytest.raises(RoadsegError, match="other classes than those of"):
        others = dataclasses.replace(records, label_table=renamed)
        begin.begin_or_resume(tiny.recipe(), run, others, writes=True)


def test_what_was_looked_for_is_said_when_there_is_no_run_of_a_sampler(tmp_path: Path) -> None:
    with pytest.raises(RoadsegError, match="--sampler-run is not given.*roadseg train"):
        begin.find_sampler(tiny.recipe(sampling={"kind": "nus"}))
    absent = tmp_path / "absent"
    with pytest.raises(RoadsegError, match=f"{absent}/recipe.json: no run of a sampler here"):
        begin.find_sampler(
            tiny.recipe(
                sampling={
                    "kind": "nus",
                    "sampler_run": str(absent),
                }
            )
        )
    begun = RunFolder(tmp_path / "begun")
    begun.begin(tiny.recipe(task="sampling_grid"), tiny.TABLE)
    with pytest.raises(RoadsegError, match="begun/checkpoints: no checkpoint here"):
        begin.find_sampler(
            tiny.recipe(
                sampling={
                    "kind": "nus",
                    "sampler_run": str(begun.path),
                }
            )
        )
    other = RunFolder(tmp_path / "other")
    other.begin(tiny.recipe(), tiny.TABLE)
    with pytest.raises(RoadsegError, match="a run of the task 'segmentation'"):
        begin.find_sampler(
            tiny.recipe(
                sampling={
                    "kind": "nus",
                    "sampler_run": str(other.path),
                }
            )
        )
