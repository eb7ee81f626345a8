"""What several heads add up to."""

import numpy as np
import pytest
from keras import ops

from roadseg.losses.boundary_labels import boundary_labels
from roadseg.losses.criteria import Criterion, Term, mean, named_heads
from roadseg.losses.cross_entropy import cross_entropy
from roadseg.losses.ohem import ohem_cross_entropy
from roadseg.ops.resize import resize_bilinear

CLASSES = 4


def heads(*sizes, classes=CLASSES):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(2, *size, classes)).astype("float32") for size in sizes]


def example_labels():
    rng = np.random.default_rng(1)
    labels = np.kron(rng.integers(0, CLASSES, size=(2, 3, 4)), np.ones((1, 4, 4), int))
    labels[:, 0] = 255
    return labels


def quotient(pair):
    return float(pair[0]) / float(pair[1])


def test_one_head_alone_is_its_own_loss():
    (logits,), labels = heads((12, 16)), example_labels()
    expected = quotient(cross_entropy(logits, labels))
    for form in (logits, [logits], (logits,), {"logits": logits}):
        assert float(mean(Criterion().terms(form, labels))) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_every_further_head_adds_its_own_mean_with_the_weight(count):
    many, labels = heads(*[(12, 16)] * count), example_labels()
    mining = Criterion("ohem", "cross_entropy", 0.3, ohem_threshold=0.1, ohem_min_kept=50)
    expected = quotient(ohem_cross_entropy(many[0], labels, 0.1, 50))
    expected += 0.3 * sum(quotient(cross_entropy(logits, labels)) for logits in many[1:])
    assert float(mean(mining.terms(many, labels))) == pytest.approx(expected, rel=1e-6)


def test_auxiliary_heads_are_mined_where_that_is_asked_for():
    many, labels = heads((12, 16), (12, 16)), example_labels()
    mining = Criterion("ohem", "ohem", ohem_threshold=0.1, ohem_min_kept=50)
    expected = quotient(ohem_cross_entropy(many[0], labels, 0.1, 50))
    expected += 0.4 * quotient(ohem_cross_entropy(many[1], labels, 0.1, 50))
    assert float(mean(mining.terms(many, labels))) == pytest.approx(expected, rel=1e-6)


def test_the_main_head_of_a_dictionary_is_called_logits_wherever_it_stands():
    (first, second), labels = heads((12, 16), (12, 16)), example_labels()
    named = {"side": second, "logits": first}
    assert [name for name, _ in named_heads(named)] == ["logits", "side"]
    found, expected = (float(mean(Criterion().terms(x, labels))) for x in (named, [first, second]))
    assert found == expected


def test_a_dictionary_without_logits_is_refused():
    with pytest.raises(ValueError, match="no head 'logits' among aux"):
        Criterion().terms({"aux": heads((12, 16))[0]}, example_labels())


def test_smaller_heads_are_enlarged_to_the_labels_with_aligned_corners():
    (logits,), labels = heads((4, 5)), example_labels()
    expected = quotient(cross_entropy(resize_bilinear(logits, (12, 16), True), labels))
    assert float(mean(Criterion().terms(logits, labels))) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("boundary_from", ["reduced", "full"])
def test_a_boundary_head_is_compared_at_its_own_size_with_boundary_labels(boundary_from):
    (logits,), (boundary,) = heads((12, 16)), heads((3, 4), classes=CLASSES + 1)
    labels = example_labels()
    # Neither mining nor class weights reach it.
    weights = (1.0, 2.0, 3.0, 4.0)
    chosen = Criterion("ohem", "ohem", 1.0, class_weights=weights, boundary_from=boundary_from)
    found = chosen.terms({"logits": logits, "boundary": boundary}, labels)[1]
    edges = boundary_labels(labels, (3, 4), boundary_from=boundary_from)
    assert found.weight == 1.0
    expected = quotient(cross_entropy(boundary, edges))
    assert quotient((found.total, found.count)) == pytest.approx(expected, rel=1e-6)


def test_a_boundary_head_of_two_outputs_is_told_boundaries_of_whatever_class():
    (logits,), (boundary,) = heads((12, 16)), heads((3, 4), classes=2)
    found = Criterion().terms({"logits": logits, "boundary": boundary}, example_labels())[1]
    edges = boundary_labels(example_labels(), (3, 4), per_class=False)
    expected = quotient(cross_entropy(boundary, edges))
    assert quotient((found.total, found.count)) == pytest.approx(expected, rel=1e-6)


def test_a_term_without_a_pixel_adds_nothing():
    one, none = ops.ones(()), ops.zeros(())
    assert float(mean([Term(1.0, 6 * one, 3 * one), Term(0.4, none, none)])) == 2.0
