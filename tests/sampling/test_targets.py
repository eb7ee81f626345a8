"""Targets in the graph: small maps, batches, options, unknown sizes, and bad arguments."""

import keras
import numpy as np
import pytest

from roadseg import nus_native
from roadseg.errors import RoadsegError
from roadseg.sampling import boundary_targets, make_sampler, targets, uniform_grid


def blocks(*shape: int, seed: int = 0) -> np.ndarray:
    """Return label maps of three classes and ignored pixels in blocks of 4x4 pixels."""
    small = np.random.default_rng(seed).choice([0, 1, 2, 255], size=shape).astype(np.uint8)
    return small.repeat(4, axis=-2).repeat(4, axis=-1)


@pytest.mark.parametrize("shape", [(5, 7), (2, 3), (1, 2)])
@pytest.mark.parametrize("grid", [(8, 8), (3, 5), (2, 2)])
def test_nearest_edges_are_as_near_as_the_native_ones_even_on_maps_smaller_than_the_grid(
    shape, grid
):
    labels = blocks(*shape)
    last = np.array(labels.shape) - 1
    asked = [np.arange(n) * side // (n - 1) for n, side in zip(grid, last, strict=True)]
    asked = np.stack(np.meshgrid(*asked, indexing="ij"), axis=-1)
    edges = targets.edge_map(labels[None].astype(np.int32), None, 255)
    ours = np.asarray(targets.nearest_edges(edges, grid))[0] * last
    native = nus_native.nearest_edges(labels, grid) * last
    away, native_away = (np.linalg.norm(point - asked, axis=-1) for point in (ours, native))
    np.testing.assert_allclose(away, native_away, atol=1e-4)


def test_each_map_of_a_batch_is_solved_on_its_own_and_one_without_edges_is_uniform():
    labels = np.stack([blocks(5, 5), np.full((20, 20), 2, np.uint8), blocks(5, 5, seed=1)])
    together = np.asarray(boundary_targets(labels))
    for b in (0, 2):
        np.testing.assert_allclose(together[b], np.asarray(boundary_targets(labels[b])), atol=1e-6)
    np.testing.assert_allclose(together[1], np.asarray(uniform_grid(8)), atol=1e-6)


def test_great_smoothness_gives_the_uniform_grid_and_none_the_edges():
    labels = blocks(5, 5)
    smooth = np.asarray(boundary_targets(labels, smoothness=1e4))
    np.testing.assert_allclose(smooth, np.asarray(uniform_grid(8)), atol=1e-2)
    loose = np.asarray(boundary_targets(labels, alpha=1.0, smoothness=0.0))
    nearest = nus_native.nearest_edges(labels)
    assert np.abs(loose - nearest)[2:6, 2:6].max() < 0.3


@pytest.mark.parametrize("kind", [np.array, tuple, set, iter])
def test_target_classes_of_any_kind_are_alike(kind):
    labels = blocks(5, 7)[None].astype(np.int32)
    every = np.asarray(targets.edge_map(labels, None, 255))
    for classes in ([0], [1, 2]):
        found = np.asarray(targets.edge_map(labels, kind(classes), 255))
        np.testing.assert_array_equal(found, every & np.isin(labels, classes))


@pytest.mark.parametrize("classes", [np.array([True, False]), "12", 3, [1.5], [[1, 2]]])
@pytest.mark.parametrize("kind", ["exact", "nus"])
def test_what_is_no_list_of_classes_is_refused_by_samplers_too(kind, classes):
    with pytest.raises(RoadsegError, match=f"sampler '{kind}': target_classes (is|holds) "):
        make_sampler(kind, target_classes=classes)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a TensorFlow graph")
def test_graph_of_unknown_size_gives_what_the_known_one_gives():
    import tensorflow as tf

    graph = tf.function(
        lambda labels: boundary_targets(labels, target_classes=(1, 2)),
        input_signature=[tf.TensorSpec((None, None, None), tf.int32)],
        autograph=False,
    )
    for shape in ((5, 7), (9, 4)):
        labels = blocks(*shape)[None].astype(np.int32)
        expected = np.asarray(boundary_targets(labels, target_classes=(1, 2)))
        np.testing.assert_allclose(graph(labels).numpy(), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"grid": (1, 8)}, "grid is an integer or"),
        ({"alpha": 0.0}, "alpha=0.0"),
        ({"smoothness": -1.0}, "smoothness=-1.0"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        boundary_targets(blocks(3, 3), **options)


def test_density_targets_in_the_graph_equal_the_native_ones():
    from roadseg import nus_native
    from roadseg.sampling import boundary_density

    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 6, (2, 9, 13))
    coarse[coarse == 5] = 255
    labels = np.kron(coarse, np.ones((1, 7, 6), int)).astype(np.int32)
    weights = [0.5, 1.0, 0.0, 2.0, 1.0]
    for options in ({}, {"target_classes": [1, 3]}, {"class_weights": weights}, {"blur": 1.2}):
        found = np.asarray(boundary_density(labels, (8, 11), **options))
        expected = nus_native.boundary_density(labels, (8, 11), **options)
        np.testing.assert_allclose(found, expected, atol=2e-7)
