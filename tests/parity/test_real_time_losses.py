"""PIDNet's loss, its gradients and its edges are the original's, in each setting of a fixture."""

from functools import partial
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from roadseg.losses.criteria import Criterion, Term, mean
from roadseg.losses.edges import edge_maps
from roadseg.ops.resize import resize_bilinear
from tests.support import Fixture, compiled, parity_fixtures

LOSSES = [
    (fixture, case)
    for fixture in map(Fixture.load, parity_fixtures("pidnet-losses*.npz"))
    for case in fixture.meta["outputs"]
]
BOUNDARIES = [
    (fixture, case)
    for fixture in map(Fixture.load, parity_fixtures("pidnet-boundary*.npz"))
    for case in fixture.meta["outputs"]
]
HEADS = ("logits", "aux", "boundary")


def title(value: Any) -> str:
    return value["name"] if isinstance(value, dict) else value.path.stem


def criterion(fixture: Fixture, case: dict[str, Any]) -> Criterion:
    """Return what computes the loss of one setting."""
    return Criterion(
        loss="ohem_below",
        auxiliary_loss="cross_entropy_of_all",
        main_weight=case["balance"][1],
        auxiliary_weight=case["balance"][0],
        edge_aware_weight=case["sb_weight"],
        ohem_threshold=case["thresh"],
        ohem_min_kept=case["min_kept"],
        class_weights=fixture.meta["class_weights"] if case["class_weights"] else None,
        ignore=fixture.meta["ignore_label"],
    )


def terms(fixture: Fixture, case: dict[str, Any], heads: list[Any]) -> list[Term]:
    """Return main, auxiliary, edge and edge-aware terms of maps as the fixture holds them, NHWC."""
    labels, edges = (fixture.arrays[f"input/{name}"] for name in ("labels", "edges"))
    if not case["align_corners"]:
        size = labels.shape[1:]
        heads = [resize_bilinear(head, size, "half_pixel") for head in heads]
    logits = dict(zip(("logits", "aux", "edges"), heads, strict=True))
    return criterion(fixture, case).terms(logits, labels, edges)


def maps(fixture: Fixture) -> list[np.ndarray]:
    return [fixture.arrays[f"input/{name}"].transpose(0, 2, 3, 1) for name in HEADS]


def gradients(loss: Any, heads: list[np.ndarray]) -> list[np.ndarray]:
    if keras.backend.backend() == "jax":
        import jax

        return [np.asarray(found) for found in jax.jit(jax.grad(loss))(heads)]
    import tensorflow as tf

    tensors = [tf.constant(head) for head in heads]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        value = loss(tensors)
    return [found.numpy() for found in tape.gradient(value, tensors)]


@pytest.mark.parametrize(("fixture", "case"), LOSSES, ids=title)
def test_the_loss_and_its_parts_are_the_originals(fixture: Fixture, case: dict[str, Any]) -> None:
    found = terms(fixture, case, [ops.convert_to_tensor(head) for head in maps(fixture)])
    parts = [float(mean([Term(1.0, term.total, term.count)])) for term in found]
    values = case["values"]
    wanted = [values[part] for part in ("ohem", "aux", "boundary", "boundary_aware")]
    wanted[2] /= 20  # a weight here, a factor of the part there
    assert parts == pytest.approx(wanted, rel=fixture.meta["tolerance"])
    assert float(mean(found)) == pytest.approx(values["loss"], rel=fixture.meta["tolerance"])


@pytest.mark.parametrize(("fixture", "case"), LOSSES, ids=title)
def test_the_gradients_of_the_loss_are_the_originals(
    fixture: Fixture, case: dict[str, Any]
) -> None:
    found = gradients(lambda heads: mean(terms(fixture, case, heads)), maps(fixture))
    for name, gradient in zip(HEADS, found, strict=True):
        theirs = fixture.arrays[f"output/{case['name']}.gradient_{name}"]
        error = np.abs(gradient.transpose(0, 3, 1, 2) - theirs).max()
        assert error <= fixture.meta["tolerance"] * case["gradient_max"][name], name


@pytest.mark.parametrize(("fixture", "case"), BOUNDARIES, ids=title)
def test_edges_of_label_maps_are_the_originals(fixture: Fixture, case: dict[str, Any]) -> None:
    margin = 6 if case["edge_pad"] else 0
    find = compiled(partial(edge_maps, widened=case["edge_size"], margin=margin))
    found = np.asarray(find(fixture.arrays[f"input/{case['name']}"][None]))
    np.testing.assert_array_equal(found[0], fixture.arrays[f"output/{case['name']}"])
