"""MeanIoU for `compile` equals, digit for digit, what an evaluation of the same pixels gives."""

import keras
import numpy as np
import pytest

import roadseg
from roadseg.metrics import MeanIoU
from roadseg.metrics.confusion import ConfusionMatrix
from tests.support import on_tensorflow

CLASSES = 19


def batches(absent=(), count=3, outputs=CLASSES):
    """Return (labels, logits) of some batches; classes in `absent` occur nowhere."""
    rng = np.random.default_rng(0)
    held = [index for index in range(CLASSES) if index not in absent]
    for _ in range(count):
        labels = rng.choice([*held, 255], size=(2, 9, 11)).astype("int32")
        logits = rng.normal(size=(2, 9, 11, outputs)).astype("float32")
        logits[..., list(absent)] = -9.0
        yield labels, logits


def evaluated(pairs):
    matrix = ConfusionMatrix(CLASSES)
    for labels, logits in pairs:
        matrix.add(labels, logits.argmax(-1))
    return matrix.metrics()


@on_tensorflow  # JAX has no float64 unless it is switched on
@pytest.mark.parametrize("gone", [(), (3, 7, 18)])
@pytest.mark.parametrize("outputs", [CLASSES, CLASSES + 1])
def test_mean_iou_is_that_of_the_evaluation_to_the_last_digit(gone, outputs):
    scores = evaluated(batches(gone, outputs=outputs))
    wanted = {
        "skip": scores.miou(),
        "zero": scores.miou_absent_zero(),
        "one": scores.miou_absent_zero(1.0),
    }
    assert gone == () or len(set(wanted.values())) == 3
    for absent, value in wanted.items():
        metric = MeanIoU(CLASSES, absent=absent)
        for labels, logits in batches(gone, outputs=outputs):
            metric.update_state(labels, logits)
        assert float(np.asarray(metric.result())) == value


def test_labels_are_taken_as_well_as_logits():
    by_logits, by_labels, by_columns = (MeanIoU(CLASSES) for _ in range(3))
    for labels, logits in batches():
        by_logits.update_state(labels, logits)
        by_labels.update_state(labels, logits.argmax(-1))
        by_columns.update_state(labels[..., None], logits.argmax(-1)[..., None])
    assert float(by_logits.result()) == float(by_labels.result()) == float(by_columns.result())


def test_mean_iou_is_that_of_keras_where_every_class_occurs():
    keras_own = keras.metrics.MeanIoU(CLASSES, ignore_class=255, sparse_y_pred=False)
    ours = MeanIoU(CLASSES)
    for labels, logits in batches():
        keras_own.update_state(labels, logits)
        ours.update_state(labels, logits)
    assert float(ours.result()) == pytest.approx(float(keras_own.result()), rel=1e-6)


def test_a_reset_forgets_and_nothing_seen_is_no_number():
    metric, again = MeanIoU(CLASSES), MeanIoU(CLASSES)
    first, second = batches(count=2)
    for labels, logits in (first, second):
        metric.reset_state()
        metric.update_state(labels, logits)
    again.update_state(*second)
    assert float(metric.result()) == float(again.result())
    metric.reset_state()
    assert np.isnan(float(metric.result()))


@on_tensorflow
def test_counts_beyond_what_float32_holds_stay_exact():
    metric = MeanIoU(2)
    metric.counts.assign(np.array([[2**40 + 1, 1, 0], [0, 2**40, 0]]))
    metric.update_state(np.zeros((1, 1, 1), "int32"), np.zeros((1, 1, 1), "int32"))
    assert np.asarray(metric.counts)[0, 0] == 2**40 + 2


def test_it_comes_back_from_its_configuration():
    metric = MeanIoU(7, ignore=200, absent="one", name="m")
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert type(again) is MeanIoU and again.get_config() == metric.get_config()


def test_what_means_nothing_is_refused_in_one_line():
    for arguments in ({"num_classes": 0}, {"num_classes": 2.0}, {"num_classes": 9, "ignore": 3}):
        with pytest.raises(roadseg.RoadsegError):
            MeanIoU(**arguments)
    with pytest.raises(roadseg.RoadsegError, match="there are skip, zero, one"):
        MeanIoU(3, absent="none")
    labels, logits = next(batches())
    with pytest.raises(roadseg.RoadsegError, match="weighted_metrics"):
        MeanIoU(CLASSES).update_state(labels, logits, sample_weight=np.ones(2))
    with pytest.raises(roadseg.RoadsegError, match="predictions"):
        MeanIoU(CLASSES).update_state(labels[:, :4], logits)
