"""The family of samplers: one interface, one registry, targets from labels, saving, fallbacks."""

import keras
import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.sampling import (
    DensitySampler,
    NusSampler,
    PreviousSampler,
    PriorSampler,
    SampledSegmenter,
    boundary_density,
    boundary_targets,
    enlarge,
    list_samplers,
    make_sampler,
    uniform_grid,
)
from roadseg.sampling.density_targets import cells_of, thumbnail_size
from tests.support import compiled, on_tensorflow

SIZE = (72, 96)


def street(batch: int = 2) -> np.ndarray:
    """Return label maps (batch, 72, 96): sky, road, a thin pole that stands elsewhere in each."""
    labels = np.zeros((batch, *SIZE), np.int32)
    labels[:, 40:] = 1
    for image in range(batch):
        labels[image, 10:60, 20 + 40 * image : 24 + 40 * image] = 2
    return labels


def photos(batch: int = 2) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (batch, *SIZE, 3)).astype(np.uint8)


def small_density() -> DensitySampler:
    from roadseg.models.density_sampler import density_sampler

    keras.utils.set_random_seed(1)
    sampler = DensitySampler(density_sampler((32, 40), width=4), strength=0.7)
    # Random weights differ little from cell to cell: sharpen them.
    kernel = sampler.network.get_layer("logits").kernel
    kernel.assign(300 * np.asarray(kernel))
    return sampler


@pytest.mark.parametrize("kind", [kind for kind in list_samplers() if kind != "exact"])
def test_every_sampler_gives_projected_grids_of_the_size_asked_for(kind):
    sampler = make_sampler(kind)
    grid = np.asarray(compiled(lambda images: sampler.grid(images, (9, 14)))(photos()))
    assert grid.shape == (2, 9, 14, 2) and grid.dtype == np.float32
    assert (grid[:, 0, :, 0] == 0).all() and (grid[:, -1, :, 0] == 1).all()
    assert (grid[:, :, 0, 1] == 0).all() and (grid[:, :, -1, 1] == 1).all()
    assert grid.min() >= 0 and grid.max() <= 1


@pytest.mark.parametrize("kind", list_samplers())
def test_every_sampler_gives_grids_of_labels(kind):
    grid = np.asarray(make_sampler(kind).grid_of_labels(street(), (18, 24)))
    assert grid.shape == (2, 18, 24, 2)
    near = [np.abs(grid[image, 4:10, :, 1] - (22 + 40 * image) / 95) < 0.06 for image in range(2)]
    share = np.mean(near)
    even = 0.12
    if kind in ("uniform", "prior"):
        assert np.array_equal(grid[0], grid[1]) and share < 1.4 * even
    elif kind != "nus":
        assert share > 1.5 * even, "samples gather around the pole of each image"


def test_uniform_sampler_gives_the_uniform_grid_to_the_bit():
    expected = np.asarray(uniform_grid((7, 11), 2))
    sampler = make_sampler("uniform")
    assert np.array_equal(np.asarray(sampler.grid(photos(), (7, 11))), expected)
    assert np.array_equal(np.asarray(sampler.grid_of_labels(street(), (7, 11))), expected)


def test_exact_sampler_refuses_images_and_equals_the_density_samplers_targets():
    with pytest.raises(RoadsegError, match="needs true labels"):
        make_sampler("exact").grid(photos(), 8)
    exact = make_sampler("exact", cells=(8, 10)).grid_of_labels(street(), 12)
    density = small_density()
    density = (
        make_sampler("exact", cells=density.cells).grid_of_labels(street(), 12),
        (DensitySampler(density.network).grid_of_labels(street(), 12)),
    )
    assert np.array_equal(np.asarray(exact), np.asarray(density[0]))
    assert np.array_equal(np.asarray(density[0]), np.asarray(density[1]))


def test_nus_sampler_of_labels_is_the_published_target():
    found = make_sampler("nus").grid_of_labels(street(), (16, 16))
    expected = enlarge(boundary_targets(street()), (16, 16))
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), atol=1e-6)


def test_prior_sampler_gives_one_grid_for_all_images():
    sampler = PriorSampler(cells=(8, 10))
    density = np.asarray(boundary_density(street(1), (8, 10)))[0] + 1e-4
    sampler.network.get_layer("prior").cells.assign(np.log(density))
    grid = np.asarray(sampler.grid(photos(), (9, 9)))
    assert np.array_equal(grid[0], grid[1])
    assert np.abs(grid[0] - np.asarray(uniform_grid((9, 9)))).max() > 0.02
    of_labels = np.asarray(sampler.grid_of_labels(street(), (9, 9)))
    assert np.array_equal(of_labels, grid)


def test_density_sampler_follows_its_network():
    sampler = small_density()
    density = np.asarray(sampler.density(photos()))
    np.testing.assert_allclose(density.sum(axis=(1, 2)), 1, atol=1e-5)
    assert density.shape == (2, 8, 10)
    grid = np.asarray(sampler.grid(photos(), (24, 30)))
    inside = (grid * [8, 10]).clip(0, [7.999, 9.999]).astype(int)
    counts = np.zeros((2, 8, 10))
    for image in range(2):
        np.add.at(counts[image], tuple(inside[image].reshape(-1, 2).T), 1)
    for image in range(2):
        assert np.corrcoef(counts[image].ravel(), density[image].ravel())[0, 1] > 0.6


def test_a_network_that_gives_no_numbers_samples_uniformly():
    sampler = small_density()
    kernel = sampler.network.get_layer("logits").kernel
    kernel.assign(np.full(kernel.shape, np.nan))
    grid = np.asarray(sampler.grid(photos(), (6, 8)))
    np.testing.assert_allclose(grid[0], np.asarray(uniform_grid((6, 8))), atol=1e-6)


def test_previous_sampler_uses_another_for_first_frames_and_labels_after():
    first = small_density()
    sampler = PreviousSampler(first)
    assert np.array_equal(
        np.asarray(sampler.grid(photos(), (8, 9))), np.asarray(first.grid(photos(), (8, 9)))
    )
    grid = np.asarray(sampler.grid_of_labels(street(), (8, 9)))
    assert not np.array_equal(grid[0], grid[1])


def test_void_and_one_class_maps_give_the_uniform_grid():
    for value in (255, 1):
        labels = np.full((1, *SIZE), value, np.int32)
        for kind in ("exact", "density", "nus", "previous"):
            grid = np.asarray(make_sampler(kind).grid_of_labels(labels, (6, 8)))
            np.testing.assert_allclose(grid[0], np.asarray(uniform_grid((6, 8))), atol=1e-6)


def test_target_classes_and_weights_choose_the_boundaries():
    labels = street(1)
    only_pole = make_sampler("exact", target_classes=(2,)).density_of_labels(labels, (9, 12))
    weighted = make_sampler("exact", class_weights=(0, 0, 1)).density_of_labels(labels, (9, 12))
    assert np.array_equal(np.asarray(only_pole), np.asarray(weighted))
    assert np.asarray(only_pole)[0, :, 6:].max() < 1e-3
    absent = make_sampler("exact", target_classes=(7,)).grid_of_labels(labels, (6, 8))
    np.testing.assert_allclose(np.asarray(absent)[0], np.asarray(uniform_grid((6, 8))), atol=1e-6)


@pytest.mark.parametrize("size", [(360, 480), (1024, 2048), (720, 1280), (480, 360), (64, 2048)])
def test_cells_follow_the_aspect_and_cost_about_the_same(size):
    rows, columns = cells_of(size)
    assert thumbnail_size(size) == (4 * rows, 4 * columns)
    assert min(rows, columns) >= 8
    if size != (64, 2048):
        assert 740 <= rows * columns <= 800
        assert rows / columns == pytest.approx(size[0] / size[1], rel=0.06)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_networks_give_full_precision_grids(policy):
    keras.config.set_dtype_policy(policy)
    try:
        sampler = make_sampler("density")
    finally:
        keras.config.set_dtype_policy("float32")
    grid = sampler.grid(photos(), (12, 16))
    assert keras.backend.standardize_dtype(grid.dtype) == "float32"
    assert np.isfinite(np.asarray(grid)).all()


@on_tensorflow  # files are the same on every backend
@pytest.mark.parametrize("kind", ["uniform", "prior", "density", "previous", "nus"])
def test_sampled_models_are_saved_with_their_sampler(tmp_path, kind):
    image = keras.Input((None, None, 3))
    logits = keras.layers.Conv2D(3, 1)(keras.layers.Rescaling(1 / 255)(image))
    sampler = {
        "density": small_density,
        "previous": lambda: PreviousSampler(small_density(), spread=1.5, strength=0.5),
        "prior": lambda: PriorSampler(cells=(8, 10), strength=0.3),
    }.get(kind, lambda: make_sampler(kind))()
    model = SampledSegmenter(keras.Model(image, logits), sampler, (12, 16))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.sampler.kind == kind and loaded.size == (12, 16)
    for name in ("strength", "cells", "blur"):
        assert getattr(loaded.sampler, name, None) == getattr(sampler, name, None)
    np.testing.assert_allclose(np.asarray(loaded(photos())), np.asarray(model(photos())), atol=1e-5)


def test_unknown_names_options_and_networks_are_refused():
    with pytest.raises(RoadsegError, match="no sampler 'densty'; did you mean density"):
        make_sampler("densty")
    with pytest.raises(RoadsegError, match="sampler 'density'.*rho"):
        make_sampler("density", rho=0.5)
    with pytest.raises(RoadsegError, match="'uniform' has no weights"):
        make_sampler("uniform", run="runs/density")
    with pytest.raises(RoadsegError, match="sampler 'density'.*strength=1.5"):
        make_sampler("density", strength=1.5)
    image = keras.Input((None, None, 3))
    with pytest.raises(ValueError, match="a density network maps"):
        DensitySampler(keras.Model(image, keras.layers.Conv2D(1, 1)(image)))
    with pytest.raises(ValueError, match="labels are"):
        make_sampler("exact").grid_of_labels(street()[0], 8)
    assert isinstance(make_sampler("nus"), NusSampler)
