"""The recipes of SGCPNet: published numbers, and what its batch normalisation asks of a batch."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from roadseg import cli, label_tables
from roadseg.backbones.mobilenet_v3_modified import BACKBONE
from roadseg.errors import RoadsegError
from roadseg.layers.conv_bn import freeze_statistics
from roadseg.runs.run_folder import build_network
from roadseg.train import recipes
from roadseg.train.check import check_devices, check_recipe
from roadseg.train.data import augment
from roadseg.train.optim.schedule import rate_at
from tests.train import tiny

NAMES = [name for name in recipes.RECIPES if name.startswith("sgcpnet/")]
# Images, epochs.
PUBLISHED = {
    "sgcpnet/cityscapes": (2975, 350),
    "sgcpnet/cityscapes_earlier": (2975, 200),
    "sgcpnet/camvid": (367, 250),
    "sgcpnet/pascal_context": (4998, 200),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_can_be_trained_on_its_data_set(name: str):
    recipe = recipes.get(name)
    assert recipe.name == name and recipe.measured == "not trained here"
    check_recipe(recipe, label_tables.get("camvid" if "camvid" in name else "cityscapes"))
    check_devices(recipe, tf.distribute.get_strategy())


@pytest.mark.parametrize("name", PUBLISHED)
def test_steps_are_whole_epochs_and_the_padding_is_the_mean(name: str):
    images, epochs = PUBLISHED[name]
    recipe = recipes.get(name)
    assert recipe.steps == epochs * (images // recipe.batch_size)
    colour = augment.padding_colour(recipe)
    np.testing.assert_allclose(colour, (123.675, 116.28, 103.53), rtol=1e-6)


def test_the_rate_would_reach_nought_a_step_after_the_last():
    recipe = recipes.get("sgcpnet/cityscapes")
    last = recipe.steps - 1
    assert rate_at(0, recipe) == 0.3
    assert rate_at(last, recipe) == pytest.approx(0.3 * (2 / (recipe.steps + 1)) ** 0.9)


def test_the_layers_of_the_encoder_are_those_that_may_have_a_rate_of_their_own():
    recipe = recipes.get("sgcpnet/cityscapes")
    names = {v.path for v in build_network(recipe, 19, evaluation=True).weights}
    slowed = {name for name in names if name.startswith(recipe.optimizer.pretrained_layers)}
    assert slowed == {name for name in names if name.startswith(BACKBONE)}
    assert slowed and recipe.optimizer.pretrained_factor == 1.0


def test_show_prints_the_recipe(capsys: pytest.CaptureFixture[str]):
    assert (
        cli.main(["train", "--recipe", "sgcpnet/camvid", "--show", "--augment.min-side", "300"])
        == 0
    )
    printed = capsys.readouterr().out
    assert "min_side" in printed and "300" in printed


def batch_of(size: int, **changes) -> None:
    recipe = tiny.recipe(model="sgcpnet", network={"options": {}}, batch_size=size, **changes)
    check_devices(recipe, tf.distribute.get_strategy())


def test_a_batch_of_one_image_is_refused_with_the_ways_out():
    message = "--batch-size 1: batch normalisation inside sgcpnet .* take 2 .*--batch-norm.frozen"
    with pytest.raises(RoadsegError, match=message):
        batch_of(1)
    batch_of(2)
    batch_of(1, batch_norm={"frozen": True})


def test_norms_of_a_replica_alone_need_two_images_there():
    class Two:
        num_replicas_in_sync = 2

    own = tiny.recipe(model="sgcpnet", batch_size=2, batch_norm={"unsynchronised": ("l5.*",)})
    with pytest.raises(RoadsegError, match="take 2 images or more a replica"):
        check_devices(own, Two())
    check_devices(tiny.recipe(model="sgcpnet", batch_size=2), Two())


def test_frozen_statistics_stay_and_normalise_while_scale_and_offset_train():
    recipe = tiny.recipe()
    model = freeze_statistics(tiny.network(recipe, 3))
    norm = model.get_layer("conv.bn")
    norm.moving_mean.assign(np.full(4, 0.5))
    assert {norm.gamma.path, norm.beta.path} <= {v.path for v in model.trainable_variables}
    x = np.random.default_rng(0).uniform(0, 255, (2, 8, 8, 3)).astype("float32")
    normalised = keras.Model(model.input, norm.output)
    with tf.GradientTape() as tape:
        found = normalised(x, training=True)
        loss = tf.reduce_sum(found**2)
    np.testing.assert_allclose(found, normalised(x, training=False), rtol=1e-6)
    np.testing.assert_array_equal(norm.moving_mean, np.full(4, 0.5))
    gradients = tape.gradient(loss, [norm.gamma.value, norm.beta.value])
    assert all(np.abs(gradient).max() > 0 for gradient in gradients)
