"""The native sampling targets agree with the published code and with an exact sparse solve."""

from typing import Any

import numpy as np
import pytest

from roadseg import nus_native
from tests.parity.nus_cases import Grid, grids, target_cases
from tests.support import Fixture


def options(grid: Grid) -> dict[str, Any]:
    index = "square" if grid.square_index else "exact"
    return {**grid.options, "grid_index": index, "no_edge": "nus"}


@pytest.mark.parametrize(("fixture", "case"), target_cases())
def test_edge_map_is_the_published_one(fixture: Fixture, case: dict[str, Any]) -> None:
    labels = fixture.arrays[f"{case['name']}/labels"]
    bits = np.unpackbits(fixture.arrays[f"{case['name']}/edges"], count=labels.size)
    for dtype in (np.uint8, np.int32):
        edges = nus_native.edge_map(
            labels.astype(dtype), case["target_classes"], case["ignore_label"]
        )
        assert edges.sum() == case["edge_pixels"]
        np.testing.assert_array_equal(edges, bits.reshape(case["shape"]).astype(bool))


@pytest.mark.parametrize("grid", grids())
def test_nearest_edges_are_as_near_as_the_published_ones(grid: Grid) -> None:
    found = nus_native.nearest_edges(grid.labels, grid.sides, **options(grid))
    if not grid.case["edge_pixels"]:
        np.testing.assert_allclose(found, grid.nearest, atol=1e-15)
        return
    size = np.array(grid.labels.shape)
    columns = size[0] if grid.square_index else size[1]
    rows = np.arange(grid.sides[0]) * (size[0] - 1) // (grid.sides[0] - 1)
    asked = np.stack(
        np.meshgrid(
            rows, np.arange(grid.sides[1]) * (columns - 1) // (grid.sides[1] - 1), indexing="ij"
        ),
        axis=-1,
    )
    ours, theirs = (np.linalg.norm(b * (size - 1) - asked, axis=-1) for b in (found, grid.nearest))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)
    edges = nus_native.edge_map(grid.labels, grid.case["target_classes"], grid.case["ignore_label"])
    pixels = np.rint(found * (size - 1)).astype(int)
    assert edges[pixels[..., 0], pixels[..., 1]].all()


@pytest.mark.parametrize("grid", grids())
def test_direct_solution_is_exact(grid: Grid) -> None:
    for alpha, exact in grid.solutions("exact"):
        ours = nus_native.solve_grid(grid.nearest, alpha)
        np.testing.assert_allclose(ours, exact, rtol=0, atol=1e-9)
        np.testing.assert_allclose(ours.astype(np.float32), exact, rtol=0, atol=1e-5)


@pytest.mark.parametrize("grid", grids())
def test_targets_from_labels_have_the_least_energy(grid: Grid) -> None:
    """Ties of nearest pixels change coordinates; where none is broken otherwise, exact targets."""
    nearest = nus_native.nearest_edges(grid.labels, grid.sides, **options(grid))
    for alpha, exact in grid.solutions("exact"):
        ours = nus_native.boundary_targets(
            grid.labels, grid.sides, alpha, dtype=np.float64, **options(grid)
        )
        if np.array_equal(nearest, grid.nearest):
            np.testing.assert_allclose(ours, exact, rtol=0, atol=1e-9)
        best = nus_native.energy(ours, nearest, alpha)
        assert best <= nus_native.energy(exact, nearest, alpha) * (1 + 1e-12)


@pytest.mark.parametrize("grid", grids())
def test_direct_solution_is_close_to_the_published_one(grid: Grid) -> None:
    for alpha, published in grid.solutions("ceres"):
        ours = nus_native.solve_grid(grid.nearest, alpha)
        np.testing.assert_allclose(ours, published, rtol=0, atol=1e-3)


@pytest.mark.skipif(not nus_native.has_ceres(), reason="built without Ceres's headers")
@pytest.mark.parametrize("grid", grids())
def test_compiled_ceres_returns_what_was_published(grid: Grid) -> None:
    check_ceres(grid, "ceres")


@pytest.mark.parametrize("grid", [grid for grid in grids() if np.prod(grid.values[0].sides) <= 128])
def test_ceres_from_the_wheel_returns_what_was_published(grid: Grid) -> None:
    check_ceres(grid, "pyceres")


def check_ceres(grid: Grid, solver: str) -> None:
    """Compare at Ceres's default tolerance with the published grid, at a tight one with exact."""
    for alpha, published in grid.solutions("ceres"):
        ours = nus_native.solve_grid(grid.nearest, alpha, solver)
        np.testing.assert_allclose(ours, published, rtol=0, atol=1e-3)
    for alpha, exact in grid.solutions("exact"):
        ours = nus_native.solve_grid(grid.nearest, alpha, solver, tolerance=1e-12)
        np.testing.assert_allclose(ours, exact, rtol=0, atol=1e-8)
