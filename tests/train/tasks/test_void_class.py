"""A recipe with a void class has one output more than classes, trained on what is ignored."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from roadseg.tasks.table import task_of
from roadseg.train.step import TrainingStep
from tests.train import tiny


def make(**changes) -> TrainingStep:
    keras.utils.set_random_seed(0)
    recipe = tiny.recipe(network={"options": {"dropout": 0.0}}).replace(**changes)
    model = tiny.network(recipe, task_of(recipe).num_outputs(recipe, tiny.TABLE))
    return TrainingStep(recipe, model, None, tf.distribute.get_strategy())


def batch() -> dict[str, tf.Tensor]:
    label = np.full((2, 24, 24), 255, np.uint8)
    label[:, :8], label[:, 8:12] = 0, 2
    image = np.random.default_rng(0).integers(0, 255, (2, 24, 24, 3)).astype(np.uint8)
    content = tf.constant([[0, 0, 24, 24]] * 2, tf.int32)
    return {"image": tf.constant(image), "label": tf.constant(label), "content": content}


def test_ignored_pixels_are_the_last_class() -> None:
    step = make(network={"void_class": True})
    assert step.model.output_shape[-1] == tiny.CLASSES + 1
    _, labels = step.inputs(batch())
    expected = batch()["label"].numpy().astype(int)
    expected[expected == 255] = tiny.CLASSES
    np.testing.assert_array_equal(labels, expected)


def test_without_a_void_class_they_stay_ignored() -> None:
    step = make()
    assert step.model.output_shape[-1] == tiny.CLASSES
    np.testing.assert_array_equal(step.inputs(batch())[1], batch()["label"])


def test_the_loss_is_the_mean_over_all_pixels() -> None:
    step, data = make(network={"void_class": True}), batch()
    logits = step.model(tf.cast(data["image"], tf.float32), training=True)
    labels = np.where(data["label"] == 255, tiny.CLASSES, data["label"]).astype(int)
    expected = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    assert float(step(data, tf.constant(0.0))) == pytest.approx(np.mean(expected), rel=1e-5)


def test_padding_stays_ignored_where_void_is_a_class() -> None:
    step, data = make(network={"void_class": True}), batch()
    data["content"] = tf.constant([[0, 0, 20, 24], [0, 4, 24, 24]], tf.int32)
    labels = step.inputs(data)[1].numpy()
    assert (labels[0, 20:] == 255).all() and (labels[1, 12:, :4] == 255).all()
    assert (labels[0, 12:20] == tiny.CLASSES).all() and (labels[1, 12:, 4:] == tiny.CLASSES).all()
