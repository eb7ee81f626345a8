"""Density targets of label maps: against plain NumPy, weights, blur, and what is refused."""

import numpy as np
import pytest

from roadseg import nus_native
from roadseg.errors import RoadsegError


def patches(height: int, width: int, classes: int = 5, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, classes, (-(-height // 7), -(-width // 9)))
    coarse[rng.uniform(size=coarse.shape) < 0.1] = 255
    return np.kron(coarse, np.ones((7, 9), int))[:height, :width].astype(np.uint8)


def overlap(pixels: int, cells: int) -> np.ndarray:
    """Return how much of each pixel lies in each cell, (cells, pixels)."""
    pixel, cell = np.arange(pixels), np.arange(cells)[:, None]
    start = np.maximum(pixel * cells / pixels, cell)
    end = np.minimum((pixel + 1) * cells / pixels, cell + 1)
    return np.maximum(end - start, 0) * pixels / cells


def by_numpy(labels: np.ndarray, cells: tuple[int, int], weight_of) -> np.ndarray:
    weights = np.zeros(labels.shape)
    for row, column in np.ndindex(*labels.shape):
        here = labels[row, column]
        if here == 255:
            continue
        for down, along in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            r, c = row + down, column + along
            if 0 <= r < labels.shape[0] and 0 <= c < labels.shape[1] and labels[r, c] != here:
                weights[row, column] = max(weights[row, column], weight_of(here, labels[r, c]))
    pooled = overlap(labels.shape[0], cells[0]) @ weights @ overlap(labels.shape[1], cells[1]).T
    return pooled / pooled.sum()


@pytest.mark.parametrize("size", [(60, 90), (61, 97), (24, 32), (65, 64)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
def test_cells_hold_the_share_of_boundary_pixels_by_area(size, dtype):
    labels = patches(*size)
    found = nus_native.boundary_density(labels.astype(dtype), (12, 16), blur=0)
    np.testing.assert_allclose(found, by_numpy(labels, (12, 16), lambda a, b: 1), atol=1e-6)


def test_weights_by_class_and_by_pair():
    labels = patches(50, 70)
    rng = np.random.default_rng(1)
    by_class, by_pair = rng.uniform(size=5), rng.uniform(size=(5, 5))
    found = nus_native.boundary_density(labels, (9, 11), class_weights=by_class, blur=0)
    np.testing.assert_allclose(
        found, by_numpy(labels, (9, 11), lambda a, b: by_class[a]), atol=1e-6
    )
    found = nus_native.boundary_density(labels, (9, 11), class_weights=by_pair, blur=0)
    wanted = by_numpy(labels, (9, 11), lambda a, b: 0 if b == 255 else by_pair[a, b])
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_target_classes_are_weights_of_one_and_zero():
    labels = patches(40, 50)
    chosen = nus_native.boundary_density(labels, (8, 8), target_classes=[1, 3])
    weighted = nus_native.boundary_density(labels, (8, 8), class_weights=[0, 1, 0, 1, 0])
    np.testing.assert_allclose(chosen, weighted, atol=1e-7)


def test_blur_keeps_the_mass_and_spreads_it():
    labels = np.zeros((40, 40), np.uint8)
    labels[:20, :20] = 1
    sharp = nus_native.boundary_density(labels, (10, 10), blur=0)
    soft = nus_native.boundary_density(labels, (10, 10), blur=1.0)
    assert sharp.sum() == pytest.approx(1) and soft.sum() == pytest.approx(1)
    assert soft.max() < 0.7 * sharp.max() and (soft > 0).sum() > (sharp > 0).sum()


@pytest.mark.parametrize("value", [0, 255])
def test_maps_without_a_boundary_are_uniform(value):
    labels = np.full((2, 30, 40), value, np.uint8)
    labels[1, :10] = 3
    found = nus_native.boundary_density(labels, (6, 8))
    np.testing.assert_allclose(found[0], 1 / 48, rtol=1e-6)
    assert np.ptp(found[1]) > 0.01
    nowhere = nus_native.boundary_density(labels, (6, 8), class_weights=[0, 0, 0, 0])
    np.testing.assert_allclose(nowhere, 1 / 48, rtol=1e-6)


def test_a_batch_in_threads_is_each_map_alone():
    maps = np.stack([patches(64, 96, seed=seed) for seed in range(5)])
    together = nus_native.boundary_density(maps, (12, 16), threads=3)
    alone = [nus_native.boundary_density(labels, (12, 16), threads=1) for labels in maps]
    assert np.array_equal(together, np.stack(alone))
    assert nus_native.boundary_density(maps[:0], (12, 16)).shape == (0, 12, 16)


def test_what_cannot_be_is_refused():
    labels = patches(20, 30)
    with pytest.raises(RoadsegError, match="cells 24x32 over a label map of 20x30"):
        nus_native.boundary_density(labels)
    with pytest.raises(RoadsegError, match="class_weights of shape"):
        nus_native.boundary_density(labels, (4, 4), class_weights=np.ones((2, 3)))
    for bad in ([1, -1], [1, np.nan], []):
        with pytest.raises(RoadsegError, match="class_weights"):
            nus_native.boundary_density(labels, (4, 4), class_weights=bad)
    with pytest.raises(RoadsegError, match="blur"):
        nus_native.boundary_density(labels, (4, 4), blur=-1)
    with pytest.raises(ValueError, match="uint8 or int32"):
        nus_native.boundary_density(labels.astype(np.int64), (4, 4))
