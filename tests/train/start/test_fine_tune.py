"""Weights of one data set as the start of another: everything but the layers of the classes."""

from pathlib import Path

import keras
import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.label_tables.label_table import LabelTable
from roadseg.recipe.recipe import Recipe
from roadseg.runs import checkpoint
from roadseg.runs.run_folder import RunFolder, build_network, variable_arrays
from roadseg.train.start.begin import check_unchanged, load_start
from roadseg.train.start.fine_tune import class_dependent
from tests.train import tiny


def table(classes: int, prefix: str = "class") -> LabelTable:
    names = tuple(f"{prefix} {number}" for number in range(classes))
    return LabelTable("made", names, tuple((number, 0, 0) for number in range(classes)))


def trained(folder: Path, recipe: Recipe, classes: int, prefix: str = "class") -> dict:
    """Write a run with one checkpoint of drawn weights, and return these."""
    run = RunFolder(folder)
    run.begin(recipe, table(classes, prefix))
    keras.utils.set_random_seed(1)
    weights = variable_arrays(build_network(recipe, classes))
    checkpoint.write_checkpoint(run.checkpoint_folder, 7, {"weights": weights}, {})
    return weights


def tuned(recipe: Recipe, source: Path, classes: int) -> tuple[dict, dict]:
    """Return the weights of a new network before and after it started from `source`."""
    keras.utils.set_random_seed(2)
    model = build_network(recipe, classes)
    before = variable_arrays(model)
    recipe = recipe.replace(start={"initial_weights": str(source)})
    load_start(recipe, model, table(classes))
    return before, variable_arrays(model)


def changed(before: dict, after: dict) -> set[str]:
    return {name for name in after if not np.array_equal(before[name], after[name])}


DEEPLAB = "deeplabv3_mobilenet_v2"
CASES = {
    "fast_scnn": {"classifier.conv.1", "auxlayer.4"},
    DEEPLAB: {"logits"},
}


@pytest.mark.parametrize("name", CASES)
def test_19_classes_tune_to_11_without_the_layers_of_the_classes(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    recipe = tiny.recipe(model=name, network={"options": {}})
    source = trained(tmp_path / "run", recipe, 19)
    before, after = tuned(recipe, tmp_path / "run", 11)
    kept = {path for path in after if path.rpartition("/")[0] in CASES[name]}
    assert kept and not changed(before, after) & kept
    for path in set(after) - kept:
        np.testing.assert_array_equal(after[path], source[path])
    printed = capsys.readouterr().out
    assert "step 7" in printed and "; initialised, other classes: " in printed
    assert all(layer in printed for layer in CASES[name])


def test_all_of_espnets_layers_that_divide_the_classes_are_left_out():
    recipe = tiny.recipe(model="espnet", network={"options": {}})
    ours = class_dependent(recipe, build_network(recipe, 11))
    layers = {path.rpartition("/")[0] for path in ours}
    assert "classifier" in layers and "encoder.classifier.conv" in layers
    shapes = {
        path: array.shape for path, array in variable_arrays(build_network(recipe, 19)).items()
    }
    for path, array in variable_arrays(build_network(recipe, 11)).items():
        assert array.shape == shapes[path] or path in ours


def test_a_network_as_wide_as_its_classes_keeps_its_backbone_alone():
    narrow = tiny.recipe(model="swiftnet", network={"options": {}})
    model = build_network(narrow, 11)
    dependent = class_dependent(narrow, model)
    backbone = {v.path for v in model.weights if v.path.startswith(("conv1", "bn1", "layer"))}
    assert backbone and not backbone & dependent
    wide = tiny.recipe(model="swiftnet", network={"options": {"features": 128}})
    assert len(class_dependent(wide, build_network(wide, 11))) < len(dependent) / 4


def test_equal_classes_take_the_classifier_too(tmp_path: Path):
    recipe = tiny.recipe(model="fast_scnn", network={"options": {}})
    source = trained(tmp_path / "run", recipe, 11)
    _, after = tuned(recipe, tmp_path / "run", 11)
    assert not changed(source, after)


@pytest.mark.parametrize("part", ["all", "backbone"])
def test_averaged_weights_are_taken_where_the_run_has_them(part: str, tmp_path: Path):
    recipe = tiny.recipe(model=DEEPLAB, network={"options": {"depth_multiplier": 0.1}})
    source = trained(tmp_path / "run", recipe, 11)
    averaged = {"backbone.conv/kernel": source["backbone.conv/kernel"] + 1}
    groups = {"weights": source, "ema": averaged}
    checkpoint.write_checkpoint(RunFolder(tmp_path / "run").checkpoint_folder, 8, groups, {})
    _, after = tuned(recipe.replace(start={"part": part}), tmp_path / "run", 11)
    for path, array in after.items():
        if path.startswith("backbone."):
            np.testing.assert_array_equal(array, averaged.get(path, source[path]))


def test_as_many_classes_of_other_names_leave_the_classifier_out(tmp_path: Path):
    recipe = tiny.recipe(model="fast_scnn", network={"options": {}})
    source = trained(tmp_path / "run", recipe, 11, prefix="other")
    before, after = tuned(recipe, tmp_path / "run", 11)
    assert {path.rpartition("/")[0] for path in changed(source, after)} <= CASES["fast_scnn"]
    assert "classifier.conv.1/kernel" not in changed(before, after)


def test_auxiliary_heads_may_be_missing_on_either_side(tmp_path: Path):
    recipe = tiny.recipe(model="fast_scnn", network={"options": {}})
    plain = recipe.replace(network={"auxiliary_heads": False})
    trained(tmp_path / "plain", plain, 11)
    before, after = tuned(recipe, tmp_path / "plain", 11)
    assert not [path for path in changed(before, after) if path.startswith("auxlayer.")]
    source = trained(tmp_path / "full", recipe, 11)
    _, after = tuned(plain, tmp_path / "full", 11)
    assert not {path for path in after if not np.array_equal(after[path], source[path])}


def test_an_npz_of_our_names_is_taken_as_a_run_is(tmp_path: Path):
    recipe = tiny.recipe(model="fast_scnn", network={"options": {}})
    source = variable_arrays(build_network(recipe, 19))
    np.savez(tmp_path / "weights.npz", **source)
    before, after = tuned(recipe, tmp_path / "weights.npz", 11)
    path = "classifier.conv.1/kernel"
    np.testing.assert_array_equal(before[path], after[path])
    name = "feature_fusion.conv_lower_res.0/kernel"
    np.testing.assert_array_equal(source[name], after[name])


def test_another_network_or_other_options_are_refused(tmp_path: Path):
    narrow = tiny.recipe(
        model="deeplabv3_mobilenet_v2", network={"options": {"depth_multiplier": 0.1}}
    )
    trained(tmp_path / "run", narrow, 19)
    whole = tiny.recipe(model="deeplabv3_mobilenet_v2", network={"options": {}})
    with pytest.raises(
        RoadsegError, match=r"has shape \(.*, here it is .*; a network of another w"
    ):
        tuned(whole, tmp_path / "run", 11)
    other = tiny.recipe(model="fast_scnn", network={"options": {}})
    with pytest.raises(RoadsegError, match="another network than fast_scnn"):
        tuned(other, tmp_path / "run", 11)


def test_espnet_starts_from_a_run_of_its_encoder(tmp_path: Path):
    encoder = tiny.recipe(model="espnet_c", network={"options": {"p": 2, "q": 3}})
    source = trained(tmp_path / "run", encoder, 11)
    _, after = tuned(tiny.recipe(model="espnet", network={"options": {}}), tmp_path / "run", 11)
    for path, array in source.items():
        np.testing.assert_array_equal(after[f"encoder.{path}"], array)


def test_a_part_of_a_run_with_other_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    recipe = tiny.recipe(model=DEEPLAB, network={"options": {"depth_multiplier": 0.1}})
    source = trained(tmp_path / "run", recipe, 19)
    for part in ("backbone", "fitting"):
        recipe = recipe.replace(start={"part": part})
        before, after = tuned(recipe, tmp_path / "run", 11)
        for path, array in after.items():
            backbone, head = path.startswith("backbone."), path.startswith("logits")
            given = backbone or (part == "fitting" and not head)
            np.testing.assert_array_equal(array, (source if given else before)[path])
        printed = capsys.readouterr().out
        assert f"step 7: {part}: " in printed and "; initialised: " in printed


def test_the_auxiliary_network_starts_from_the_backbone_of_another_network(tmp_path: Path):
    narrow = tiny.recipe(model=DEEPLAB, network={"options": {"depth_multiplier": 0.1}})
    source = trained(tmp_path / "run", narrow, 19)
    recipe = tiny.recipe(
        task="sampling_grid",
        model="nus_sampler",
        network={"options": {}},
        sampler={
            "width": 0.1,
            "input_size": (16, 16),
            "grid_size": (2, 2),
        },
        start={"part": "backbone"},
    )
    before, after = tuned(recipe, tmp_path / "run", 11)
    for path, array in after.items():
        expected = source if path.startswith("backbone.") else before
        np.testing.assert_array_equal(array, expected[path])


def test_a_part_may_be_asked_for_when_a_run_goes_on(tmp_path: Path):
    recipe = tiny.recipe(model="fast_scnn", network={"options": {}})
    trained(tmp_path / "run", recipe, 11)
    changes = {"start.initial_weights": "elsewhere.npz", "start.part": "backbone"}
    check_unchanged(RunFolder(tmp_path / "run"), recipe.replace(**changes))


def test_weights_that_are_not_there_say_how_to_do_without(tmp_path: Path):
    recipe = tiny.recipe(model="fast_scnn", network={"options": {}})
    with pytest.raises(
        RoadsegError, match="absent.pth: no such file; .*--start.initial-weights none"
    ):
        tuned(recipe, tmp_path / "absent.pth", 11)
