"""Every way from samples back to pixels, drawn by hypothesis and compared: native, graph, SciPy."""

from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadseg import nus_native
from roadseg.eval.interpolation import delaunay_labels
from roadseg.sampling import unsample
from tests.nus_native.test_mesh import folded_grid, pixel_grid, slow_interpolation, warped_grid

if keras.backend.backend() != "tensorflow":
    pytest.skip("many shapes, each of which JAX compiles anew", allow_module_level=True)

# Shapes are few: every new one is a trace of its own.
KEEP = settings(max_examples=6, deadline=None)
SIDES = st.sampled_from([(2, 2), (7, 5)])
SIZES = st.sampled_from([(12, 9), (31, 24)])
SEEDS = st.integers(0, 9999)
METHODS = ("two_pass", "mesh")


def by_graph(logits: np.ndarray, grid: np.ndarray, size: tuple[int, int], **how: Any) -> np.ndarray:
    """Return what the graph's un-sampler makes of one image."""
    batch = logits[None].astype(np.float32), grid[None].astype(np.float32)
    return np.asarray(unsample(*batch, size, **how))[0]


@KEEP
@given(SIDES, SIZES, SEEDS)
def test_affine_logits_come_back_by_every_way(sides: Any, size: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    grid, (slopes, offset) = warped_grid(rng, sides), (rng.normal(size=(2, 3)), rng.normal(size=3))
    logits = grid @ slopes + offset
    wanted = pixel_grid(size) / (np.array(size) - 1) @ slopes + offset
    np.testing.assert_allclose(nus_native.interpolate(logits, grid, size), wanted, atol=1e-10)
    for method in METHODS:
        found = by_graph(logits, grid, size, method=method)
        np.testing.assert_allclose(found, wanted, atol=1e-4, err_msg=method)
    best = np.sort(wanted, axis=-1)
    certain = best[..., -1] - best[..., -2] > 1e-3
    labels = {
        "native": nus_native.interpolate(logits, grid, size, argmax=True),
        "delaunay": delaunay_labels(logits, grid, size),
        **{method: by_graph(logits, grid, size, argmax=True, method=method) for method in METHODS},
    }
    for name, found in labels.items():
        inside = certain & (found >= 0)
        np.testing.assert_array_equal(found[inside], wanted.argmax(-1)[inside], err_msg=name)


@KEEP
@given(SIDES, SIZES, SEEDS)
def test_both_meshes_are_those_of_the_triangles(sides: Any, size: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    grid, logits = warped_grid(rng, sides), rng.normal(size=(*sides, 2))
    wanted = slow_interpolation(logits, grid, size)
    sure = ~np.isnan(wanted[..., 0])
    native = nus_native.interpolate(logits, grid, size)
    np.testing.assert_allclose(native[sure], wanted[sure], atol=1e-9)
    # A float32 position moves the value by its slope, which is steep where samples lie close.
    steep = np.abs(np.diff(logits, axis=0)).max() + np.abs(np.diff(logits, axis=1)).max()
    closest = min(np.linalg.norm(np.diff(grid, axis=axis), axis=-1).min() for axis in (0, 1))
    graph = by_graph(logits, grid, size, method="mesh")
    np.testing.assert_allclose(graph, native, atol=1e-5 + 1e-5 * steep / closest)


@KEEP
@given(SIDES, SIZES, SEEDS, st.sampled_from([folded_grid, None]))
def test_no_way_leaves_the_range_of_the_samples(
    sides: Any, size: Any, seed: int, make: Any
) -> None:
    rng = np.random.default_rng(seed)
    grid = make(rng, sides) if make else rng.uniform(-0.3, 1.3, (*sides, 2))
    logits = rng.normal(size=(*sides, 2))
    low, high = logits.min(axis=(0, 1)) - 1e-5, logits.max(axis=(0, 1)) + 1e-5
    found = [nus_native.interpolate(logits, grid, size)]
    found += [by_graph(logits, grid, size, method=method) for method in METHODS]
    for values in found:
        assert np.isfinite(values).all()
        assert (values >= low).all() and (values <= high).all()
