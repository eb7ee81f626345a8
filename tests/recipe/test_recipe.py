"""Recipes: groups and how they are changed, and files that version 0.1 stored."""

import json
from pathlib import Path

import pytest

from roadseg.errors import RoadsegError
from roadseg.recipe import groups
from roadseg.recipe.fields import FIELDS
from roadseg.recipe.old_format import NEW_NAMES
from roadseg.recipe.protocol import Protocol
from roadseg.recipe.recipe import Recipe
from roadseg.train import recipes

STORED = sorted((Path(__file__).parent / "stored").glob("*.json"))
BASE = Recipe(name="a", task="segmentation", source="made for tests")


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_a_recipe_that_version_0_1_stored_is_read_as_the_one_it_was(path: Path) -> None:
    stored = Recipe.from_json(path)
    assert "format" not in json.loads(path.read_text())
    now = recipes.get(stored.name.replace("auxiliary", "sampler"))
    # It named no protocol: `roadseg eval` takes the usual one of its task.
    assert stored.replace(protocol=now.protocol, name=now.name) == now
    assert stored.protocol == Protocol()


def test_every_old_name_leads_to_a_field_of_its_own() -> None:
    assert len(set(NEW_NAMES.values())) == len(NEW_NAMES)
    assert set(NEW_NAMES.values()) == {
        field for field in FIELDS if "." in field and not field.startswith("protocol.")
    }


def test_samplers_of_before_they_were_a_family_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    values = {"name": "a", "task": "segmentation", "source": "b", "sampling": "adaptive"}
    path.write_text(json.dumps({**values, "auxiliary_run": "runs/nus"}))
    sampling = Recipe.from_json(path).sampling
    assert (sampling.kind, sampling.window, sampling.sampler_run) == ("nus", "crop", "runs/nus")


@pytest.mark.parametrize("name", ["sfsegnets/sfnet_resnet18_idd", "sampling/density"])
def test_a_recipe_comes_back_from_its_json(name: str, tmp_path: Path) -> None:
    recipe = recipes.get(name)
    (tmp_path / "recipe.json").write_text(recipe.to_json())
    assert Recipe.from_json(tmp_path / "recipe.json") == recipe


def test_replacing_some_fields_of_a_group_leaves_the_others() -> None:
    first = BASE.replace(augment={"crop_size": (8, 9), "padding": "black"}, steps=3)
    both = first.replace(**{"augment.padding": "mean", "loss.kind": "ohem"})
    assert (both.augment.crop_size, both.augment.padding) == ((8, 9), "mean")
    assert (both.steps, both.loss.kind, first.loss.kind) == (3, "ohem", "cross_entropy")
    assert both.replace(augment=groups.Augment()).augment == BASE.augment


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"crop_size": (8, 8)}, "no field 'crop_size'; it is called augment.crop_size"),
        ({"augment": {"crop_siz": (8, 8)}}, "no field 'augment.crop_siz'; near: augment.crop_size"),
        ({"stepz": 4}, "no field 'stepz'; near: steps"),
        ({"nothing.like_it": 4}, "no field 'nothing.like_it'"),
    ],
)
def test_a_name_that_is_no_field_is_refused_with_the_near_ones(changes: dict, hint: str) -> None:
    with pytest.raises(RoadsegError, match=hint):
        BASE.replace(**changes)


def test_every_value_has_a_dotted_name() -> None:
    flat = BASE.flat()
    assert list(flat) == list(FIELDS) and flat["augment.crop_size"] == (1024, 1024)
    assert BASE.value("optimizer.momentum") == 0.9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 3}, "format 3, this version reads 2 and before"),
        ({"augment": {"crop_size": [8]}}, r"augment.crop_size is \(8,\); give a list of 2 numbers"),
        ({"augment": {"crop_size": [1, 8]}}, "augment.crop_size is .*at least 2 a side"),
        ({"augment": {"crop": 3}}, "unknown fields augment.crop"),
        ({"log": {"keep_checkpoints": 0}}, "log.keep_checkpoints is 0; at least 1"),
        ({"augment": 5}, "unknown fields augment"),
    ],
)
def test_a_damaged_recipe_is_refused(change: dict, message: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps({**json.loads(BASE.to_json()), **change}))
    with pytest.raises(RoadsegError, match=f"recipe.json: {message}"):
        Recipe.from_json(path)
