"""The recipes of PIDNet, DDRNet, ESPNetv2 and DABNet: published numbers, and networks they fit."""

import numpy as np
import pytest
import tensorflow as tf

from roadseg import label_tables
from roadseg.data_conversion.read.records import open_records
from roadseg.losses.edges import edge_maps
from roadseg.runs.run_folder import build_network
from roadseg.train import recipes
from roadseg.train.check import check_recipe
from roadseg.train.data import augment, edges
from roadseg.train.data.pipeline import training_batches
from roadseg.train.optim.optimizer import Optimizer
from roadseg.train.optim.schedule import rate_at
from tests.train import tiny

NAMES = [f"real_time/{name}" for name in recipes.REAL_TIME]


@pytest.mark.parametrize("name", [*NAMES, *(f"{name}_one_gpu" for name in NAMES)])
def test_a_recipe_can_be_trained_on_its_data_set(name: str):
    recipe = recipes.get(name)
    assert recipe.name == name
    check_recipe(recipe, label_tables.get("camvid" if "camvid" in name else "cityscapes"))
    assert recipe.measured == "not trained here"


@pytest.mark.parametrize("name", ["pidnet_s", "ddrnet_23_slim", "espnetv2", "dabnet_camvid"])
def test_a_recipe_builds_its_network_for_training_and_for_evaluation(name: str):
    recipe = recipes.get(f"real_time/{name}")
    training, plain = (build_network(recipe, 20, evaluation) for evaluation in (False, True))
    assert isinstance(training.output, dict) == recipe.network.auxiliary_heads
    assert not isinstance(plain.output, dict)


def test_pidnet_is_trained_as_published():
    recipe = recipes.get("real_time/pidnet_s")
    assert recipe.steps == 119_548
    assert (recipe.batch_size, recipe.optimizer.learning_rate, recipe.schedule.power) == (
        12,
        0.01,
        0.9,
    )
    assert (recipe.loss.kind, recipe.loss.ohem_threshold, recipe.loss.ohem_min_kept) == (
        "ohem_below",
        0.9,
        131072,
    )
    assert (recipe.edges.weight, recipe.edges.gate, recipe.edges.margin) == (20, 0.8, 6)
    camvid = recipes.get("real_time/pidnet_s_camvid")
    assert rate_at(camvid.steps, camvid) == pytest.approx(0.005 * (1 - 121 / 200) ** 0.9)
    small = recipes.get("real_time/pidnet_s_one_gpu")
    assert (small.batch_size, small.steps, small.optimizer.learning_rate) == (6, 239_096, 0.005)
    assert small.loss.ohem_min_kept == 131_072  # one device sees as many images as there


def test_dabnet_warms_up_and_then_falls_to_nothing():
    recipe = recipes.get("real_time/dabnet")
    assert rate_at(0, recipe) == pytest.approx(0.015)
    assert rate_at(250, recipe) == pytest.approx(0.03)
    assert rate_at(500, recipe) == pytest.approx(0.045)
    half = 500 + (recipe.steps - 500) // 2
    assert rate_at(half, recipe) == pytest.approx(0.045 * 0.5**0.9, rel=1e-5)
    assert rate_at(recipe.steps, recipe) == 0


def test_espnetv2_restarts_and_then_falls_in_a_straight_line():
    recipe = recipes.get("real_time/espnetv2_256x512")
    rates = [
        rate_at(epoch * recipe.schedule.update_every_steps, recipe) / 0.09 for epoch in range(100)
    ]
    assert rates[:7] == pytest.approx([1, 5, 4, 3, 2, 1, 5])
    assert rates[56:63] == pytest.approx([5, 4, 3, 2, 1, 39 / 40, 38 / 40])
    assert rates[99] == pytest.approx(1 / 40)


def test_espnetv2s_backbone_learns_at_a_tenth_of_the_rate_and_decays_as_all_do():
    recipe = recipes.get("real_time/espnetv2")
    optimizer = Optimizer(build_network(recipe, 20), recipe)
    assert set(optimizer.decays) == {4e-5}
    backbone = [name.startswith("base_net.") for name in optimizer.names]
    assert optimizer.rates == [0.1 if own else 1.0 for own in backbone]


def test_scales_of_equal_ratios_are_as_likely():
    recipe = tiny.recipe(
        augment={
            "min_scale": 0.25,
            "max_scale": 1.0,
            "scale_distribution": "log",
        }
    )
    found = [float(augment.scale(tf.constant(draw), recipe)) for draw in (0.0, 0.5, 1.0)]
    assert found == pytest.approx([0.25, 0.5, 1.0])


def test_edges_of_whole_label_maps_go_through_the_crop_with_the_labels():
    recipe = tiny.recipe(
        augment={
            "crop_size": (24, 32),
            "flip_probability": 1.0,
        }
    )
    label = np.zeros((16, 20), np.uint8)
    label[:, 9:] = 2
    label[10:] = 255
    image = np.zeros((16, 20, 3), np.uint8)
    packed = edges.with_edges(tf.constant(label), recipe)
    draw = tf.constant([0.0, 0.0, 0.0, 0.0])
    parts = edges.apart(augment.random_crop(image, packed, draw, recipe).label)
    plain = augment.random_crop(image, label, draw, recipe)
    np.testing.assert_array_equal(parts["label"], plain.label)
    wanted = np.zeros((24, 32), np.uint8)
    wanted[:16, 12:] = np.asarray(edge_maps(label[None]))[0, :, ::-1]
    np.testing.assert_array_equal(parts["edges"], wanted)
    assert 0 < wanted.sum() < wanted.size


def test_batches_hold_edges_where_they_come_from_whole_images(tmp_path):
    records = tiny.write_records(tmp_path)
    for source in ("image", "crop"):
        recipe = tiny.recipe(records, edges={"found_in": source})
        batch = next(iter(training_batches(recipe, open_records(records, "train"))))
        assert ("edges" in batch) == (source == "image")
    assert batch["label"].dtype == tf.uint8
