"""The sampling targets of the graph agree with an exact sparse solve, and with the native ones."""

from typing import Any

import numpy as np
import pytest

from roadseg import nus_native
from roadseg.sampling import targets, uniform_grid
from tests.parity.nus_cases import Grid, grids, target_cases
from tests.support import Fixture, compiled

boundary_targets = compiled(targets.boundary_targets)
edge_map = compiled(targets.edge_map)
nearest_edges = compiled(targets.nearest_edges)
smooth_grid = compiled(targets.smooth_grid)

TOLERANCE = 1e-5  # float32 against `exact`


def pixel_nearest(grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels asked and the pixels found nearest, float64 (h, w, 2)."""
    last = np.array(grid.labels.shape) - 1
    axes = [np.arange(n) * side // (n - 1) for n, side in zip(grid.sides, last, strict=True)]
    edges = edge_map(grid.labels[None].astype(np.int32), **grid.options)
    found = np.asarray(nearest_edges(edges, grid.sides))[0]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1), np.rint(found * last)


@pytest.mark.parametrize(("fixture", "case"), target_cases())
def test_edge_maps_are_the_published_ones(fixture: Fixture, case: dict[str, Any]) -> None:
    labels = fixture.arrays[f"{case['name']}/labels"]
    bits = np.unpackbits(fixture.arrays[f"{case['name']}/edges"], count=labels.size)
    found = edge_map(labels[None].astype(np.int32), case["target_classes"], case["ignore_label"])
    np.testing.assert_array_equal(np.asarray(found)[0], bits.reshape(case["shape"]))


@pytest.mark.parametrize("grid", grids(own_index=True, edges=True))
def test_nearest_edges_are_edges_as_near_as_the_published_ones(grid: Grid) -> None:
    asked, found = pixel_nearest(grid)
    published = grid.nearest * (np.array(grid.labels.shape) - 1)
    ours, theirs = (np.linalg.norm(point - asked, axis=-1) for point in (found, published))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)
    edges = nus_native.edge_map(grid.labels, **grid.options)
    pixels = found.astype(int)
    assert edges[pixels[..., 0], pixels[..., 1]].all()


@pytest.mark.parametrize("grid", grids())
def test_solution_from_the_stored_points_is_exact(grid: Grid) -> None:
    for alpha in grid.case["alphas"]:
        exact = grid.fixture.arrays[f"{grid.key}/a{alpha}/exact"]
        ours = smooth_grid(grid.nearest[None].astype(np.float32), alpha, 1 - alpha**0.5)
        np.testing.assert_allclose(np.asarray(ours)[0], exact, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("grid", grids(own_index=True, edges=True))
def test_targets_from_labels_have_the_least_energy(grid: Grid) -> None:
    """Ties of nearest pixels change coordinates; where none is broken otherwise, exact targets."""
    _, found = pixel_nearest(grid)
    nearest = found / (np.array(grid.labels.shape) - 1)
    for alpha in grid.case["alphas"]:
        exact = grid.fixture.arrays[f"{grid.key}/a{alpha}/exact"]
        ours = np.asarray(boundary_targets(grid.labels, grid.sides, alpha, **grid.options))
        if np.allclose(nearest, grid.nearest, rtol=0, atol=1e-12):
            np.testing.assert_allclose(ours, exact, rtol=0, atol=TOLERANCE)
        best = nus_native.solve_grid(nearest, alpha)
        np.testing.assert_allclose(ours, best, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("grid", grids(own_index=True, edges=False))
def test_maps_without_an_edge_give_the_uniform_grid(grid: Grid) -> None:
    ours = boundary_targets(grid.labels, grid.sides, **grid.options)
    np.testing.assert_allclose(np.asarray(ours), np.asarray(uniform_grid(grid.sides)), atol=1e-6)


@pytest.mark.parametrize("grid", grids(own_index=True))
def test_a_batch_gives_each_map_what_it_gets_alone(grid: Grid) -> None:
    labels = np.stack([grid.labels, grid.labels[::-1], grid.labels[:, ::-1]])
    together = np.asarray(boundary_targets(labels, grid.sides, **grid.options))
    for one, expected in zip(labels, together, strict=True):
        alone = np.asarray(boundary_targets(one, grid.sides, **grid.options))
        np.testing.assert_allclose(alone, expected, rtol=0, atol=1e-6)
