"""OHEM against a sort in NumPy, at its edges, compiled, and its gradient."""

import keras
import numpy as np
import pytest
from keras import ops

from roadseg.losses.cross_entropy import CITYSCAPES_WEIGHTS, cross_entropy
from roadseg.losses.ohem import ohem_cross_entropy
from tests.ops.gradients import check_gradients
from tests.support import on_tensorflow

CLASSES = 5
EVERY = 2 * 6 * 7


def example(seed=0, ties=False, ignored=0.2):
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(2, 6, 7, CLASSES))
    labels = rng.integers(0, CLASSES, size=(2, 6, 7))
    if ties:
        # Whole pixels again and again: the same numbers in another order may round otherwise.
        again = rng.integers(0, 7, 42)
        logits, labels = logits[:, :1, again], labels[:, :1, again]
        logits, labels = (x.reshape(2, 6, 7, *x.shape[3:]) for x in (logits, labels))
    labels[rng.uniform(size=labels.shape) < ignored] = 255
    return logits.astype("float32"), labels


def by_sorting(logits, labels, threshold, min_kept, weights=None):
    """Return sum, count and kept pixels, step by step as the definition has it."""
    shifted = logits.astype("float64") - logits.max(-1, keepdims=True)
    chances = np.exp(shifted) / np.exp(shifted).sum(-1, keepdims=True)
    valid = labels != 255
    classes = np.where(valid, labels, 0)
    chosen = np.take_along_axis(chances, classes[..., None], -1)[..., 0]
    kept = valid.copy()
    if 0 < min_kept <= valid.sum():
        ordered = np.sort(np.where(valid, chosen, 1.0), axis=None)
        limit = max(threshold, ordered[min(labels.size, min_kept) - 1])
        kept &= chosen <= limit * (1 + 1e-7)  # equal ones differ in their last bit here
    factors = np.ones(labels.shape) if weights is None else np.asarray(weights)[classes]
    return -(factors * np.log(chosen))[kept].sum(), factors[kept].sum(), kept


def values(pair):
    return [float(value) for value in pair]


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("min_kept", [0, 1, 40, 60, EVERY + 1])
def test_the_kept_pixels_are_those_of_a_sort(threshold, min_kept, ties):
    for seed in range(3):
        logits, labels = example(seed, ties)
        total, count, _ = by_sorting(logits, labels, threshold, min_kept)
        found = values(ohem_cross_entropy(logits, labels, threshold, min_kept))
        assert found[1] == count
        assert found[0] == pytest.approx(total, rel=1e-5)


def test_the_least_that_is_kept_is_what_was_asked_for():
    logits, labels = example()
    logits += 20 * np.eye(CLASSES, dtype="float32")[np.where(labels == 255, 0, labels)]
    assert values(ohem_cross_entropy(logits, labels, 0.01, 11))[1] == 11


def test_pixels_as_likely_as_the_last_one_are_kept_too():
    logits, labels = example()
    assert (
        values(ohem_cross_entropy(np.ones_like(logits), labels, 0.1, 5))[1] == (labels != 255).sum()
    )


def test_all_valid_pixels_may_be_asked_for_and_one_more_mines_none():
    logits, labels = example()
    valid = int((labels != 255).sum())
    everything = values(cross_entropy(logits, labels))
    for min_kept in (valid, valid + 1):
        found = values(ohem_cross_entropy(logits, labels, 0.2, min_kept))
        assert found == pytest.approx(everything, rel=1e-6)


@pytest.mark.parametrize("min_kept", [0, 1, 10])
def test_a_batch_without_labels_has_a_loss_of_zero(min_kept):
    logits, labels = example()
    found = values(ohem_cross_entropy(logits, np.full_like(labels, 255), 0.7, min_kept))
    assert found == [0.0, 0.0]


def test_class_weights_weigh_sum_and_count():
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(1, 8, 8, 19)).astype("float32")
    labels = rng.integers(0, 19, size=(1, 8, 8))
    total, count, _ = by_sorting(logits, labels, 0.05, 20, CITYSCAPES_WEIGHTS)
    found = ohem_cross_entropy(logits, labels, 0.05, 20, class_weights=CITYSCAPES_WEIGHTS)
    assert values(found) == pytest.approx([total, count], rel=1e-5)


def test_logits_that_are_not_numbers_are_not_mined_away():
    logits, labels = example()
    logits[0, 2, 3] = np.nan
    labels[0, 2, 3] = 1
    assert np.isnan(values(ohem_cross_entropy(logits, labels, 0.7, 10))[0])


def test_half_precision_logits_are_mined_in_float32():
    logits, labels = example()
    total, _ = ohem_cross_entropy(logits.astype("float16"), labels, 0.7, 10)
    assert keras.backend.standardize_dtype(total.dtype) == "float32"


def test_a_negative_minimum_is_refused():
    with pytest.raises(ValueError, match="min_kept=-1"):
        ohem_cross_entropy(*example(), min_kept=-1)


@pytest.mark.parametrize("min_kept", [0, 10, 60])
def test_gradients_are_those_of_finite_differences(min_kept):
    logits, labels = example()
    logits = logits.astype("float64")
    check_gradients(lambda x: ohem_cross_entropy(x, labels, 0.2, min_kept)[0], [logits])


@on_tensorflow
@pytest.mark.parametrize("min_kept", [0, 10, 60, EVERY + 1])
@pytest.mark.parametrize("known", [True, False])
def test_a_graph_compiled_or_not_keeps_the_same_pixels(min_kept, known):
    import tensorflow as tf

    logits, labels = example()
    total, count, kept = by_sorting(logits, labels, 0.2, min_kept)
    size = (2, 6, 7) if known else (None, None, None)
    signature = [
        tf.TensorSpec((*size, CLASSES), tf.float32),
        tf.TensorSpec(size, tf.int32),
    ]

    def loss_and_gradient(x, y):
        with tf.GradientTape() as tape:
            tape.watch(x)
            found = ohem_cross_entropy(x, y, 0.2, min_kept)
        return *found, tape.gradient(found[0], x)

    for compiled in (False, True):
        run = tf.function(
            loss_and_gradient, input_signature=signature, jit_compile=compiled, autograph=False
        )
        *found, gradient = run(tf.constant(logits), tf.constant(labels, tf.int32))
        assert values(found) == pytest.approx([total, count], rel=1e-5)
        moved = np.abs(gradient.numpy()).max(-1) > 0
        np.testing.assert_array_equal(moved, kept)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="JAX is not Keras's backend here")
@pytest.mark.parametrize("min_kept", [10, 60])
def test_jax_compiles_loss_and_gradient(min_kept):
    import jax

    logits, labels = example()
    total, _, kept = by_sorting(logits, labels, 0.2, min_kept)
    run = jax.jit(jax.value_and_grad(lambda x: ohem_cross_entropy(x, labels, 0.2, min_kept)[0]))
    found, gradient = run(ops.convert_to_tensor(logits))
    assert float(found) == pytest.approx(total, rel=1e-5)
    np.testing.assert_array_equal(np.abs(np.asarray(gradient)).max(-1) > 0, kept)
