"""Edges of label maps, their loss, and what a head that finds them changes in the main loss."""

import numpy as np
import pytest
from keras import ops

from roadseg.losses.criteria import Criterion, mean
from roadseg.losses.cross_entropy import cross_entropy_of_all, pixel_losses
from roadseg.losses.edges import edge_cross_entropy, edge_maps
from roadseg.losses.ohem import ohem_below


def two_halves() -> np.ndarray:
    labels = np.zeros((1, 16, 20), np.int32)
    labels[:, :, 10:] = 3
    return labels


def seeded_logits(seed: int = 0, classes: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(1, 16, 20, classes)).astype("float32")


def test_an_edge_is_as_wide_as_asked_and_keeps_away_from_the_border():
    found = ops.convert_to_numpy(edge_maps(two_halves()))
    assert [column for column in range(20) if found[0, 8, column]] == [8, 9, 10, 11]
    assert found[0].all(axis=0).sum() == 4
    inner = ops.convert_to_numpy(edge_maps(two_halves(), margin=6))
    assert not inner[0, :5].any() and inner[0, 8].any()


def test_a_map_of_one_class_has_no_edges_and_ignored_pixels_have():
    labels = np.full((1, 16, 20), 2)
    assert not ops.convert_to_numpy(edge_maps(labels)).any()
    labels[:, 8:] = 255
    assert ops.convert_to_numpy(edge_maps(labels)).any()


def test_both_kinds_of_pixels_weigh_alike():
    edges = ops.convert_to_numpy(edge_maps(two_halves()))
    logits = seeded_logits(classes=1)
    total, count = (float(value) for value in edge_cross_entropy(logits, edges))
    p = 1 / (1 + np.exp(-logits[..., 0].astype("float64")))
    share = edges.mean()
    losses = np.where(edges, -(1 - share) * np.log(p), -share * np.log(1 - p))
    assert total / count == pytest.approx(losses.mean(), rel=1e-5)
    assert float(edge_cross_entropy(logits, np.zeros_like(edges))[0]) == 0


def test_edges_are_found_in_the_labels_unless_they_are_given():
    heads = {"logits": seeded_logits(), "edges": seeded_logits(1, 1)}
    labels = two_halves()
    chosen = Criterion(loss="ohem_below", ohem_min_kept=10)
    own = float(mean(chosen.terms(heads, labels)))
    assert own == float(mean(chosen.terms(heads, labels, edge_maps(labels))))
    assert own != float(mean(chosen.terms(heads, labels, np.zeros_like(labels))))


def test_the_main_loss_comes_again_where_an_edge_is_seen():
    seen = np.full((1, 16, 20, 1), -5.0, "float32")
    seen[:, 3:5] = 5.0
    heads, labels = {"logits": seeded_logits(), "edges": seen}, two_halves()
    labels[:, 4] = 255
    *_, again = Criterion(edge_aware_weight=0.3).terms(heads, labels)
    losses = ops.convert_to_numpy(pixel_losses(seeded_logits(), labels, 255)[0])
    assert (again.weight, float(again.count)) == (0.3, 20)
    assert float(again.total) == pytest.approx(losses[:, 3].sum(), rel=1e-5)
    nowhere = Criterion().terms({**heads, "edges": seen * 0}, labels)
    assert float(mean([nowhere[-1]])) == 0


def test_pixels_at_the_limit_are_left_out_and_each_counts_as_one():
    labels, weights = two_halves(), (1.0, 1.0, 1.0, 5.0)
    losses = ops.convert_to_numpy(pixel_losses(seeded_logits(), labels, 255)[0])
    order = np.sort(losses.ravel())[::-1]
    total, count = (float(value) for value in ohem_below(seeded_logits(), labels, 1e-6, 50))
    assert count == 50 and total == pytest.approx(order[:50].sum(), rel=1e-5)
    _, weighted = ohem_below(seeded_logits(), labels, 1e-6, 50, class_weights=weights)
    assert float(weighted) == 50
    # With fewer pixels than are kept, the surest alone is left out, if it is surer than allowed.
    assert float(ohem_below(seeded_logits(), labels, 1e-6, 10_000)[1]) == losses.size - 1
    assert float(ohem_below(seeded_logits(), labels, 1.0, 10_000)[1]) == losses.size
    nothing = ohem_below(seeded_logits(), np.full_like(labels, 255), 0.9, 50)
    assert [float(value) for value in nothing] == [0, 0]


def test_ignored_pixels_count_in_the_mean_over_all():
    labels = two_halves()
    labels[:, :8] = 255
    total, count = cross_entropy_of_all(seeded_logits(), labels)
    losses = ops.convert_to_numpy(pixel_losses(seeded_logits(), labels, 255)[0])
    assert float(count) == labels.size
    assert float(total) == pytest.approx(losses[:, 8:].sum(), rel=1e-5)
