"""Labels that name some classes only, against NumPy: what the loss is, and what it leaves alone."""

import numpy as np
import pytest
from keras import ops

from roadseg.losses.boundary_labels import boundary_labels
from roadseg.losses.criteria import Criterion, mean
from roadseg.losses.cross_entropy import Rest, cross_entropy, cross_entropy_of_all
from roadseg.losses.ohem import ohem_below, ohem_cross_entropy
from tests.ops.gradients import check_gradients

CLASSES, REST = 5, Rest(254, (1, 4))
WEIGHTS = (0.5, 2.0, 3.0, 1.0, 7.0)


def example(dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(2, 4, 6, CLASSES)).astype(dtype)
    labels = rng.choice([0, 2, 3, 254, 255], size=(2, 4, 6))
    return logits, labels


def chances(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each pixel's probability of what its label says, its factor, and whether it counts."""
    shares = np.exp(logits.astype("float64"))
    shares /= shares.sum(-1, keepdims=True)
    rest, valid = labels == 254, labels != 255
    classes = np.where(rest | ~valid, 0, labels)
    chosen = np.take_along_axis(shares, classes[..., None], -1)[..., 0]
    chosen = np.where(rest, shares[..., 1] + shares[..., 4], chosen)
    return chosen, np.where(rest, (2.0 + 7.0) / 2, np.asarray(WEIGHTS)[classes]), valid


def values(pair: tuple) -> list[float]:
    return [float(value) for value in pair]


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_the_loss_is_minus_the_logarithm_of_the_sum_of_probabilities(weights):
    logits, labels = example()
    chosen, factors, valid = chances(logits, labels)
    factors = factors if weights else np.ones_like(factors)
    total = -(factors * np.log(chosen))[valid].sum()
    found = values(cross_entropy(logits, labels, class_weights=weights, rest=REST))
    np.testing.assert_allclose(found, [total, factors[valid].sum()], rtol=1e-6)
    found = values(cross_entropy_of_all(logits, labels, class_weights=weights, rest=REST))
    np.testing.assert_allclose(found, [total, labels.size], rtol=1e-6)


@pytest.mark.parametrize(("mined", "exact"), [(ohem_cross_entropy, False), (ohem_below, True)])
def test_mining_ranks_the_rest_by_the_sum_of_its_probabilities(mined, exact):
    logits, labels = example()
    chosen, _, valid = chances(logits, labels)
    kept = valid & (chosen < 0.3)
    assert 3 < kept.sum() < valid.sum() and (labels[kept] == 254).any()
    found = values(mined(logits, labels, threshold=0.3, min_kept=2, rest=REST))
    np.testing.assert_allclose(found, [-np.log(chosen[kept]).sum(), kept.sum()], rtol=1e-6)


def test_what_classes_of_the_rest_share_among_themselves_costs_nothing():
    """Moving probability from one class of the rest to another leaves the loss of a rest pixel."""
    logits = np.log(np.array([[[[0.1, 0.2, 0.3, 0.1, 0.3]]], [[[0.1, 0.4, 0.3, 0.1, 0.1]]]], "f4"))
    labels = np.full((1, 1, 1), 254)
    first, second = (values(cross_entropy(s[None], labels, rest=REST)) for s in logits)
    np.testing.assert_allclose(first, [-np.log(0.5), 1.0], rtol=1e-6)
    np.testing.assert_allclose(second, first, rtol=1e-6)


def test_gradients_are_those_of_finite_differences():
    logits, labels = example("float64")
    check_gradients(lambda s: cross_entropy(s, labels, 255, WEIGHTS, REST)[0], [logits])


def test_extreme_logits_give_a_finite_loss():
    logits = np.zeros((1, 1, 2, CLASSES), "float32")
    logits[0, 0, 0, 0], logits[0, 0, 1, 1] = 1e4, 1e4
    total, _ = cross_entropy(logits, np.full((1, 1, 2), 254), rest=REST)
    np.testing.assert_allclose(float(total), 1e4 - np.log(2), rtol=1e-6)


def test_one_class_of_the_rest_is_a_class_like_any_other():
    logits, labels = example()
    found = values(cross_entropy(logits, labels, class_weights=WEIGHTS, rest=Rest(254, (4,))))
    named = np.where(labels == 254, 4, labels)
    expected = values(cross_entropy(logits, named, class_weights=WEIGHTS))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("kind", ["cross_entropy", "cross_entropy_of_all", "ohem", "ohem_below"])
def test_every_kind_of_loss_of_a_criterion_knows_the_rest(kind):
    logits, labels = example()
    options = {"loss": kind, "ohem_min_kept": 2, "ohem_threshold": 0.9, "rest": REST}
    one = float(mean(Criterion(**options).terms(logits, labels)))
    logits[labels == 254] += np.array([0, 1, 0, 0, 1], "f4")
    other = float(mean(Criterion(**options).terms(logits, labels)))
    assert other < one


def test_the_rest_bounds_classes_and_has_no_boundary_of_its_own():
    labels = np.array([[[0, 0, 254, 254, 255, 2]]])
    found = ops.convert_to_numpy(boundary_labels(labels, (1, 6), rest=254))
    assert found.tolist() == [[[0, 1, 255, 255, 255, 0]]]
