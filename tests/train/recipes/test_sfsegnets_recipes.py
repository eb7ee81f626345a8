"""The recipes of SFNet and SFNet-Lite: published numbers, and what one GPU makes of them."""

import importlib
import inspect
import math

import keras
import pytest

import roadseg
from roadseg import cli, label_tables
from roadseg.layers.conv_bn import synchronise_batch_norm
from roadseg.models.registry import find
from roadseg.recipe.fields import FIELDS
from roadseg.recipe.recipe import Recipe
from roadseg.train import recipes
from roadseg.train.check import check_recipe
from roadseg.train.optim.schedule import rate_at
from roadseg.train.recipes.sfsegnets.shared import GPUS, LOCAL_NORMS
from tests.support import deeper_copies_slow

NAMES = [name for name in recipes.RECIPES if name.startswith("sfsegnets/")]
WHOLE = [name for name in NAMES if not name.endswith(recipes.ONE_GPU)]

# Images to train on.
IMAGES = {"cityscapes": 2975, "bdd100k": 7000, "idd": 6993, "mapillary": 18000, "uds": 34968}

# How long the published scripts train.
EPOCHS = (120, 300, 350, 1000)

# Network: how many of its batch normalisations the original synchronises, and how many not.
NORMS = {
    "sfnet_resnet18": (31, 4),
    "sfnet_resnet50": (63, 4),
    "sfnet_dfnet_v1": (13, 23),
    "sfnet_dfnet_v2": (15, 43),
    "sfnet_stdc1": (11, 30),
    "sfnet_stdc2": (11, 54),
    "sfnet_lite_resnet18": (30, 1),
    "sfnet_lite_stdc2": (10, 51),
}


def data_set_of(name: str) -> str:
    return next(data for data in recipes.SFSEGNETS if f"_{data}" in name)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_loads_and_names_a_network_with_the_options_it_gives(name: str):
    recipe = recipes.get(name)
    assert recipe.name == name
    assert recipe.measured == "not trained here"
    assert recipe.model in roadseg.list_models()
    takes = inspect.signature(find(recipe.model).build).parameters
    assert set(recipe.network.options) <= set(takes)
    assert not recipe.network.auxiliary_heads or "auxiliary_heads" in takes
    table = {"mapillary": "mapillary65"}.get(data_set_of(name), data_set_of(name))
    check_recipe(recipe, label_tables.get(table))


def test_every_network_of_sfsegnets_has_a_recipe_on_cityscapes():
    named = {recipes.get(name).model for name in WHOLE if data_set_of(name) == "cityscapes"}
    assert named == {name for name in roadseg.list_models() if name.startswith("sfnet_")}


@pytest.mark.parametrize("data", IMAGES)
def test_an_epoch_has_as_many_steps_as_a_gpu_has_whole_batches(data: str):
    names = [name for name in WHOLE if name.endswith(f"_{data}")]
    assert names
    for recipe in map(recipes.get, names):
        epoch = math.ceil(IMAGES[data] / GPUS) // (recipe.batch_size // GPUS)
        assert recipe.schedule.update_every_steps == epoch, recipe.name
        assert recipe.steps % epoch == 0 and recipe.steps // epoch in EPOCHS, recipe.name


def test_the_rate_falls_once_an_epoch_and_never_to_0_unless_asked_to():
    recipe = recipes.get("sfsegnets/sfnet_resnet18_cityscapes")
    assert [rate_at(step, recipe) for step in (0, 185)] == [0.01, 0.01]
    assert rate_at(186, recipe) == pytest.approx(0.01 * (1 - 1 / 300))
    assert rate_at(recipe.steps - 1, recipe) == pytest.approx(0.01 / 300)
    published = recipe.replace(schedule={"one_interval_ahead": True})
    assert rate_at(0, published) == pytest.approx(0.01 * (1 - 1 / 300))
    assert rate_at(recipe.steps - 1, published) == 0.0


def test_the_recipe_of_dfnet_v2_trains_dfnet_v2():
    assert recipes.get("sfsegnets/sfnet_dfnet_v2_cityscapes").model == "sfnet_dfnet_v2"


def test_rare_classes_are_boosted_from_coarse_labels():
    table = label_tables.get("cityscapes")
    recipe = recipes.get("sfsegnets/sfnet_lite_resnet18_cityscapes_coarse")
    assert [table.names[train_id] for train_id in recipe.class_uniform.coarse_classes] == [
        *("truck", "bus", "train", "wall", "rider", "motorcycle", "fence")
    ]
    both = recipes.get("sfsegnets/sfnet_lite_resnet18_cityscapes_coarse_trainval")
    assert (both.split, both.class_uniform.coarse_split) == (
        "train+val",
        recipe.class_uniform.coarse_split,
    )
    assert both.schedule.update_every_steps == math.ceil((2975 + 500) / GPUS) // 2
    assert both.steps == 1000 * both.schedule.update_every_steps


@pytest.mark.parametrize("name", WHOLE)
def test_one_gpu_sees_as_many_images_in_as_many_epochs(name: str):
    whole, small = recipes.get(name), recipes.get(f"{name}_one_gpu")
    factor = small.batch_size / whole.batch_size
    assert small.batch_size == 8
    assert small.steps * factor == whole.steps
    assert (
        small.steps / small.schedule.update_every_steps
        == whole.steps / whole.schedule.update_every_steps
    )
    assert small.optimizer.learning_rate == pytest.approx(whole.optimizer.learning_rate * factor)
    assert (
        small.loss.ohem_min_kept / small.batch_size
        == whole.loss.ohem_min_kept * GPUS / whole.batch_size
    )


@pytest.mark.parametrize("network", deeper_copies_slow(NORMS))
def test_local_norms_are_those_that_the_original_does_not_synchronise(network: str):
    patterns = next(
        patterns
        for start, patterns in sorted(LOCAL_NORMS.items(), reverse=True)
        if network.startswith(start)
    )
    model = synchronise_batch_norm(roadseg.create(network, 19), local=patterns)
    norms = [
        layer.synchronized
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert (norms.count(True), norms.count(False)) == NORMS[network]


def test_every_recipe_of_a_data_set_is_in_its_file_and_in_the_table():
    for data, kinds in recipes.SFSEGNETS.items():
        module = importlib.import_module(f"roadseg.train.recipes.sfsegnets.{data}")
        written = {
            value.name
            for value in vars(module).values()
            if isinstance(value, Recipe) and value.name != "sfsegnets/shared"
        }
        listed = {f"sfsegnets/{network}_{data}{kind}" for kind in kinds for network in kinds[kind]}
        assert written - {f"sfsegnets/{data}"} == listed


@pytest.mark.parametrize("name", ["sfnet_resnet18_cityscapes", "sfnet_lite_stdc1_uds_one_gpu"])
def test_show_prints_all_of_the_recipe(name: str, capsys: pytest.CaptureFixture[str]):
    arguments = [
        "--recipe",
        f"sfsegnets/{name}",
        "--show",
        "--class-uniform.coarse-classes",
        "14",
        "15",
    ]
    assert cli.main(["train", *arguments]) == 0
    printed = capsys.readouterr().out
    for field in FIELDS:
        assert f"{field} " in printed
    assert "(14, 15)" in printed
