import keras
import numpy as np
import pytest
from keras import ops

from roadseg.losses.cross_entropy import cross_entropy
from roadseg.losses.focal import focal_loss_of_probabilities, sigmoid_focal_loss
from tests.ops.gradients import check_gradients


def example(dtype="float32"):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 3, 4, 5)).astype(dtype)
    labels = rng.integers(0, 5, size=(2, 3, 4))
    labels[0, :2] = 255
    return logits, labels


def test_cross_entropy_is_the_sum_of_minus_log_probabilities():
    logits, labels = example()
    total, count = cross_entropy(logits, labels)
    shifted = np.exp(logits.astype("float64"))
    probabilities = shifted / shifted.sum(-1, keepdims=True)
    valid = labels != 255
    chosen = np.take_along_axis(probabilities, np.where(valid, labels, 0)[..., None], -1)[..., 0]
    assert float(count) == valid.sum() == 16
    np.testing.assert_allclose(float(total), -np.log(chosen[valid]).sum(), rtol=1e-6)


def test_ignored_pixels_carry_no_loss():
    logits, labels = example()
    before = [float(value) for value in cross_entropy(logits, labels)]
    logits[labels == 255] = np.inf
    assert [float(value) for value in cross_entropy(logits, labels)] == before


def test_a_batch_without_labels_has_a_loss_of_zero():
    logits, labels = example()
    total, count = cross_entropy(logits, np.full_like(labels, 255))
    assert float(total) == float(count) == 0


def test_half_precision_logits_are_summed_in_float32():
    logits, labels = example("float16")
    total, _ = cross_entropy(logits, labels)
    assert keras.backend.standardize_dtype(total.dtype) == "float32"


def test_cross_entropy_gradients_are_those_of_finite_differences():
    logits, labels = example("float64")
    check_gradients(lambda logits: cross_entropy(logits, labels)[0], [logits])


def test_labels_of_another_size_are_refused():
    logits, labels = example()
    with pytest.raises(ValueError, match="do not fit"):
        cross_entropy(logits, labels[:, :2])
    with pytest.raises(ValueError, match="do not fit"):
        cross_entropy(logits, labels[..., None])


def test_focal_loss_without_focus_is_half_the_cross_entropy():
    targets, logits = np.array([0.0, 1.0, 1.0]), np.array([0.3, -1.2, 2.0])
    losses = ops.convert_to_numpy(sigmoid_focal_loss(targets, logits, alpha=0.5, gamma=0.0))
    signed = np.where(targets == 1, logits, -logits)
    np.testing.assert_allclose(losses, 0.5 * np.log1p(np.exp(-signed)), rtol=1e-6)


def test_focal_loss_of_logits_and_of_probabilities_agree():
    rng = np.random.default_rng(1)
    targets, logits = rng.integers(0, 2, 50), rng.normal(size=50).astype("float32")
    np.testing.assert_allclose(
        ops.convert_to_numpy(sigmoid_focal_loss(targets, logits)),
        ops.convert_to_numpy(focal_loss_of_probabilities(targets, 1 / (1 + np.exp(-logits)))),
        rtol=1e-4,
    )


def test_certain_probabilities_give_a_finite_loss():
    losses = focal_loss_of_probabilities(np.array([0.0, 1.0]), np.array([1.0, 0.0], "float32"))
    assert np.isfinite(ops.convert_to_numpy(losses)).all()


def test_focal_gradients_are_those_of_finite_differences():
    targets, logits = np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.3, -1.2, 2.0, -2.0])
    check_gradients(lambda logits: ops.sum(sigmoid_focal_loss(targets, logits)), [logits])
