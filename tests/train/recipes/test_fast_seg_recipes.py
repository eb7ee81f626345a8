"""The recipes of Fast_Seg's networks: published numbers, and what one GPU makes of them."""

import pytest

import roadseg
from roadseg import cli, label_tables
from roadseg.errors import RoadsegError
from roadseg.models.registry import find
from roadseg.recipe.fields import FIELDS
from roadseg.runs.run_folder import build_network
from roadseg.train import recipes
from roadseg.train.advice import advice
from roadseg.train.check import check_recipe
from roadseg.train.optim.schedule import rate_at
from tests.train import tiny

NAMES = [f"fast_seg/{network}" for network in recipes.FAST_SEG]
CAMVID = ["camvid/fast_scnn", "camvid/espnet"]


def test_every_network_of_fast_seg_has_a_recipe():
    assert {*recipes.FAST_SEG} <= {*roadseg.list_models()}
    for name in NAMES:
        assert recipes.get(name).model == name.removeprefix("fast_seg/")


@pytest.mark.parametrize("name", [*NAMES, *(f"{name}_one_gpu" for name in NAMES)])
def test_a_recipe_can_be_trained_on_cityscapes_and_its_options_exist(name: str):
    recipe = recipes.get(name)
    check_recipe(recipe, label_tables.get("cityscapes"))
    assert recipe.measured == "not trained here"


@pytest.mark.parametrize("name", [*NAMES, *CAMVID])
def test_a_recipe_builds_its_network_for_training_and_for_evaluation(name: str):
    recipe = recipes.get(name)
    training, plain = (build_network(recipe, 11, evaluation) for evaluation in (False, True))
    assert isinstance(training.output, dict) or recipe.model == "espnet_c"
    assert not isinstance(plain.output, dict)
    assert recipe.network.auxiliary_heads  # deep supervision is on by default


@pytest.mark.parametrize("name", CAMVID)
def test_a_recipe_of_camvid_can_be_trained_on_it(name: str):
    recipe = recipes.get(name)
    check_recipe(recipe, label_tables.get("camvid"))
    assert (recipe.augment.min_scale, recipe.augment.max_scale, recipe.augment.scale_step) == (
        0.5,
        2.0,
        0.1,
    )
    assert recipe.batch_size >= 8


def test_espnet_is_trained_as_its_authors_do():
    recipe = recipes.get("fast_seg/espnet")
    assert (recipe.optimizer.kind, recipe.optimizer.adam_betas) == ("adam", (0.9, 0.999))
    assert (recipe.optimizer.learning_rate, recipe.optimizer.weight_decay) == (5e-4, 5e-4)
    assert (recipe.loss.class_weights, recipe.network.void_class) == ("frequency", True)
    rates = [rate_at(step, recipe) for step in (0, 247_916, 247_917, recipe.steps - 1)]
    assert rates == [5e-4, 5e-4, 2.5e-4, 1.25e-4]
    assert recipe.steps == 300 * 5 * 2975 // recipe.batch_size
    encoder = recipes.get("fast_seg/espnet_c")
    assert (encoder.batch_size, encoder.steps) == (12, 300 * 5 * 2975 // 12)


def test_swiftnet_is_trained_as_its_authors_do():
    recipe = recipes.get("fast_seg/swiftnet")
    assert (recipe.optimizer.adam_betas, recipe.schedule.kind) == ((0.9, 0.99), "cosine")
    assert rate_at(0, recipe) == 4e-4
    assert rate_at(recipe.steps, recipe) == pytest.approx(1e-6)
    assert (recipe.optimizer.weight_decay, recipe.batch_size, recipe.augment.crop_size) == (
        1e-4,
        14,
        (768, 768),
    )
    assert recipe.steps == 250 * (2975 // 14)
    assert recipe.network.options["features"] == 128
    assert recipe.optimizer.pretrained_factor == 1 / 4
    names = {v.path for v in build_network(recipe, 19, evaluation=True).weights}
    slowed = {name for name in names if name.startswith(recipe.optimizer.pretrained_layers)}
    assert slowed == {name for name in names if name.startswith(find("swiftnet").original.backbone)}


def test_msfnet_is_trained_as_its_paper_says():
    recipe = recipes.get("fast_seg/msfnet")
    assert (recipe.optimizer.kind, recipe.batch_size, recipe.optimizer.weight_decay) == (
        "adam",
        12,
        2.5e-5,
    )
    assert (recipe.optimizer.learning_rate, recipe.schedule.final_learning_rate) == (1e-4, 1e-6)
    assert recipe.steps == round(350 * 2975 / 12)
    assert (recipe.loss.kind, recipe.loss.auxiliary_weight) == ("cross_entropy", 1.0)


@pytest.mark.parametrize("name", NAMES)
def test_one_gpu_sees_as_many_images_and_mines_as_large_a_share(name: str):
    whole, small = recipes.get(name), recipes.get(f"{name}_one_gpu")
    assert small.batch_size == 8
    seen = small.steps * small.batch_size
    assert seen == pytest.approx(whole.steps * whole.batch_size, abs=small.batch_size)
    factor = small.batch_size / whole.batch_size
    rate = factor if whole.optimizer.kind == "sgd" else factor**0.5
    assert small.optimizer.learning_rate == pytest.approx(
        whole.optimizer.learning_rate * rate, rel=1e-2
    )
    assert small.loss.ohem_min_kept == 2 * whole.loss.ohem_min_kept
    if whole.schedule.kind == "halving":
        assert (
            small.steps // small.schedule.halve_every_steps
            == whole.steps // whole.schedule.halve_every_steps
        )


@pytest.mark.parametrize("name", ["fast_seg/icnet", "fast_seg/espnet_one_gpu", *CAMVID])
def test_show_prints_the_recipe(name: str, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["train", "--recipe", name, "--show", "--augment.crop-size", "832", "832"]) == 0
    printed = capsys.readouterr().out
    for field in FIELDS:
        assert f"{field} " in printed
    assert "(832, 832)" in printed


def test_small_batches_and_short_schedules_from_scratch_are_warned_of():
    recipe = tiny.recipe(model="fast_scnn", steps=4_000, batch_size=4)
    lines = advice(recipe)
    assert "--batch-size 4; batch statistics of fewer than 8" in lines[0]
    assert "--steps 4000; fast_scnn from scratch learns slowly: 60000 or more" in lines[1]
    assert not advice(recipe.replace(batch_size=8, steps=60_000))
    assert len(advice(recipe.replace(start={"initial_weights": "runs/vistas"}))) == 1
    assert not advice(recipes.get("nus/sampler"))
    for name in NAMES:
        assert all("--batch-size 6" in line for line in advice(recipes.get(name)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"augment.crop_size": (360, 480)},
            r"--augment.crop-size \(360, 480\): .*\(352, 480\) or \(384, 480\)",
        ),
        (
            {"sampling.kind": "uniform", "sampling.size": (60, 70)},
            r"--sampling-size \(60, 70\): .* 32, .*nearest: \(32, 64\) or \(64, 96\)",
        ),
        ({"augment.crop_size": (20, 64)}, r"nearest: \(32, 64\)$"),
    ],
)
def test_sizes_that_the_network_does_not_take_name_the_nearest(changes: dict, message: str):
    with pytest.raises(RoadsegError, match=message):
        check_recipe(tiny.recipe(model="fast_scnn", **changes), tiny.TABLE)
