"""The classes for `compile` against NumPy, against Keras's own, and against the functions."""

import keras
import numpy as np
import pytest
from keras import ops

import roadseg
from roadseg.losses import Crossentropy, FocalCrossentropy, OhemCrossentropy
from roadseg.losses.cross_entropy import cross_entropy
from roadseg.losses.ohem import ohem_cross_entropy
from tests.support import on_tensorflow

CLASSES = 5
WEIGHTS = (1.0, 0.5, 2.0, 0.0, 3.0)
EVERY = [
    Crossentropy(ignore=254, class_weights=WEIGHTS, reduction="sum", name="a"),
    OhemCrossentropy(0.6, 7, ignore=254, class_weights=WEIGHTS, reduction="none"),
    FocalCrossentropy(0.4, 1.5, ignore=254, class_weights=WEIGHTS),
]


def example(seed=0):
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(2, 6, 7, CLASSES)).astype("float32")
    labels = rng.integers(0, CLASSES, (2, 6, 7)).astype("int32")
    labels[rng.uniform(size=labels.shape) < 0.3] = 255
    return labels, logits


def by_numpy(labels, logits):
    """Return cross-entropy (float64), where a label is, and classes of every pixel."""
    shifted = np.exp(logits.astype("float64"))
    valid = labels != 255
    classes = np.where(valid, labels, 0)
    chosen = np.take_along_axis(shifted / shifted.sum(-1, keepdims=True), classes[..., None], -1)
    return -np.log(chosen[..., 0]), valid, classes


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean", "sum", "none"])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_crossentropy_is_that_of_numpy_over_the_labelled_pixels(reduction, weights):
    labels, logits = example()
    losses, valid, classes = by_numpy(labels, logits)
    factors = valid * (1.0 if weights is None else np.asarray(weights)[classes])
    wanted = losses * factors
    if reduction != "none":
        wanted = wanted.sum() / (1.0 if reduction == "sum" else factors.sum())
    found = Crossentropy(class_weights=weights, reduction=reduction)(labels, logits)
    np.testing.assert_allclose(ops.convert_to_numpy(found), wanted, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum"])
def test_crossentropy_is_that_of_keras_with_ignore_class(reduction):
    labels, logits = example(1)
    keras_own = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, ignore_class=255, reduction=reduction
    )
    found = float(Crossentropy(reduction=reduction)(labels, logits))
    assert found == pytest.approx(float(keras_own(labels, logits)), rel=1e-6)


def test_focal_is_that_of_keras_over_the_labelled_pixels():
    labels, logits = example(2)
    valid = labels != 255
    keras_own = keras.losses.CategoricalFocalCrossentropy(0.3, 1.5, from_logits=True)
    wanted = float(keras_own(np.eye(CLASSES, dtype="float32")[labels[valid]], logits[valid]))
    assert float(FocalCrossentropy(0.3, 1.5)(labels, logits)) == pytest.approx(wanted, rel=1e-5)


def test_focal_without_focus_is_crossentropy():
    labels, logits = example(3)
    wanted = float(Crossentropy(class_weights=WEIGHTS)(labels, logits))
    found = float(FocalCrossentropy(1.0, 0.0, class_weights=WEIGHTS)(labels, logits))
    assert found == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("min_kept", [0, 1, 40, 84])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_ohem_and_crossentropy_are_the_means_of_the_functions(min_kept, weights):
    labels, logits = example(4)
    total, count = ohem_cross_entropy(logits, labels, 0.4, min_kept, class_weights=weights)
    found = float(OhemCrossentropy(0.4, min_kept, class_weights=weights)(labels, logits))
    assert found == pytest.approx(float(total) / float(count), rel=1e-6)
    total, count = cross_entropy(logits, labels, class_weights=weights)
    found = float(Crossentropy(class_weights=weights)(labels, logits))
    assert found == pytest.approx(float(total) / float(count), rel=1e-6)


def test_ohem_keeps_the_hard_pixels_alone():
    labels, logits = example(5)
    losses, valid, _ = by_numpy(labels, logits)
    wanted = losses[valid & (losses >= -np.log(0.2))].mean()
    assert float(OhemCrossentropy(0.2, 1)(labels, logits)) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("loss", [Crossentropy(), OhemCrossentropy(), FocalCrossentropy()])
def test_without_a_label_the_loss_is_zero_and_ignored_infinities_do_not_count(loss):
    labels, logits = example(6)
    assert float(loss(np.full_like(labels, 255), logits)) == 0
    before = float(loss(labels, logits))
    logits[labels == 255] = np.inf
    assert float(loss(labels, logits)) == before


def test_a_last_axis_of_one_and_weights_of_samples_are_taken():
    labels, logits = example(7)
    loss = Crossentropy()
    assert float(loss(labels[..., None], logits)) == float(loss(labels, logits))
    of_first = float(loss(labels[:1], logits[:1]))
    assert float(loss(labels, logits, sample_weight=np.float32([1, 0]))) == pytest.approx(of_first)


def test_small_logits_are_brought_to_the_size_of_the_labels():
    labels, _ = example(8)
    logits = np.broadcast_to(np.float32([1, 2, 3, 4, 0]), (2, 3, 4, CLASSES))
    whole = np.broadcast_to(np.float32([1, 2, 3, 4, 0]), (2, 6, 7, CLASSES))
    loss = Crossentropy()
    assert float(loss(labels, logits)) == pytest.approx(float(loss(labels, whole)), rel=1e-6)


@pytest.mark.parametrize("loss", EVERY, ids=lambda loss: type(loss).__name__)
def test_a_loss_comes_back_from_its_configuration(loss):
    labels, logits = example(9)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is type(loss) and again.get_config() == loss.get_config()
    found, wanted = again(labels, logits), loss(labels, logits)
    np.testing.assert_array_equal(ops.convert_to_numpy(found), ops.convert_to_numpy(wanted))


@on_tensorflow
@pytest.mark.parametrize("loss", EVERY, ids=lambda loss: type(loss).__name__)
def test_a_loss_is_the_same_in_a_graph_of_any_size(loss):
    import tensorflow as tf

    shapes = [tf.TensorSpec((None,) * 3, tf.int32), tf.TensorSpec((None, None, None, CLASSES))]
    compiled = tf.function(loss, input_signature=shapes, autograph=False)
    labels, logits = example(10)
    np.testing.assert_allclose(compiled(labels, logits), loss(labels, logits), rtol=1e-6)


def test_what_means_nothing_is_refused_in_one_line():
    labels, logits = example()
    with pytest.raises(roadseg.RoadsegError, match="5 classes; give one a class"):
        Crossentropy(class_weights=(1.0, 2.0))(labels, logits)
    with pytest.raises(roadseg.RoadsegError, match=r"labels \(2, 6, 7, 5\)"):
        Crossentropy()(logits, logits)
    with pytest.raises(roadseg.RoadsegError, match="min_kept=-1"):
        OhemCrossentropy(min_kept=-1)
    with pytest.raises(roadseg.RoadsegError, match="threshold=0"):
        OhemCrossentropy(threshold=0)
    with pytest.raises(roadseg.RoadsegError, match="gamma=-1"):
        FocalCrossentropy(gamma=-1)
    with pytest.raises(roadseg.RoadsegError, match="class_weights"):
        Crossentropy(class_weights=(-1.0,))
