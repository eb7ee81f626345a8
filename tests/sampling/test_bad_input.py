"""What no sampler can use is refused where it comes in, by a line that names it."""

import keras
import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.sampling import (
    DensitySampler,
    Equidistribution,
    NusSampler,
    SampledSegmenter,
    boundary_targets,
    list_samplers,
    make_sampler,
    uniform_grid,
)

OF_IMAGES = [kind for kind in list_samplers() if kind != "exact"]


@pytest.mark.parametrize("kind", OF_IMAGES)
@pytest.mark.parametrize("shape", [(0, 36, 48, 3), (1, 0, 48, 3), (36, 48, 3), (1, 36, 48, 4)])
def test_no_images_and_other_than_rgb_are_refused(kind, shape):
    with pytest.raises(ValueError, match=r"images are \(batch, height, width, 3\), RGB"):
        make_sampler(kind).grid(np.zeros(shape, np.float32), (6, 8))


@pytest.mark.parametrize("kind", list_samplers())
@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((0, 36, 48), "uint8"), ((2, 36, 0), "uint8"), ((36, 48), "uint8"), ((1, 36, 48), "float32")],
)
def test_no_labels_and_other_than_maps_of_integers_are_refused(kind, shape, dtype):
    with pytest.raises(ValueError, match=r"labels are \(batch, height, width\), integers"):
        make_sampler(kind).grid_of_labels(np.zeros(shape, dtype), (6, 8))


@pytest.mark.parametrize("shape", [(1, 90, 1), (2, 1, 40), (1, 40)])
def test_maps_of_one_pixel_a_side_have_no_published_targets(shape):
    labels = np.arange(np.prod(shape), dtype=np.int32).reshape(shape) > 20
    with pytest.raises(ValueError, match="labels are at least one map of 2x2 pixels"):
        boundary_targets(labels.astype(np.int32))


def test_images_without_numbers_are_sampled_evenly_and_do_not_disturb_the_others():
    images = np.random.default_rng(0).uniform(0, 255, (3, 36, 48, 3)).astype(np.float32)
    for kind in ("nus", "density"):
        sampler = make_sampler(kind)
        expected = np.asarray(sampler.grid(images[2:], (6, 8)))
        spoilt = images.copy()
        spoilt[0], spoilt[1, 3, 4] = np.nan, np.inf
        grid = np.asarray(sampler.grid(spoilt, (6, 8)))
        np.testing.assert_allclose(grid[0], np.asarray(uniform_grid((6, 8))), atol=1e-6)
        assert np.isfinite(grid).all() and grid.min() >= 0 and grid.max() <= 1
        np.testing.assert_allclose(grid[2:], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("density", {"strength": "a"}, "strength='a'"),
        ("density", {"strength": float("nan")}, "strength=nan"),
        ("density", {"strength": True}, "strength=True"),
        ("density", {"cells": (24, 32)}, "cells: those of the network"),
        ("density", {"class_weights": 2.0}, "class_weights=2.0"),
        ("density", {"class_weights": (1, float("inf"))}, r"class_weights\[1\]=inf"),
        ("exact", {"class_weights": (-1.0,)}, r"class_weights\[0\]=-1.0"),
        ("exact", {"blur": -1}, "blur=-1"),
        ("exact", {"blur": float("nan")}, "blur=nan"),
        ("exact", {"cells": "24x32"}, "cells"),
        ("prior", {"cells": (3,)}, "cells"),
        ("previous", {"blur": 1.0}, "blur: of this sampler it is called spread"),
        ("previous", {"spread": float("inf")}, "spread=inf"),
        ("previous", {"first": "density"}, "first='density'"),
        ("previous", {"first": 3}, "first=3"),
        ("nus", {"alpha": 0}, "alpha=0"),
        ("nus", {"alpha": float("nan")}, "alpha=nan"),
    ],
)
def test_options_that_mean_nothing_are_refused_by_name(kind, options, words):
    with pytest.raises(RoadsegError, match=f"sampler '{kind}'.*{words}"):
        make_sampler(kind, **options)


def test_first_frames_need_a_sampler_without_labels():
    with pytest.raises(RoadsegError, match="needs no labels"):
        make_sampler("previous", first=make_sampler("exact"))


def test_a_kind_or_a_run_that_is_no_name_is_refused():
    with pytest.raises(RoadsegError, match="no sampler"):
        make_sampler(["uniform"])
    with pytest.raises(RoadsegError, match="no sampler 'DENSITY'; did you mean density"):
        make_sampler("DENSITY")
    with pytest.raises(RoadsegError, match="run=3"):
        make_sampler("density", run=3)


@pytest.mark.parametrize(
    "options",
    [{"strength": "a"}, {"strength": -0.1}, {"iterations": 2.5}, {"fineness": 2.5}, {"damping": 0}],
)
def test_the_solver_refuses_what_is_no_number_or_no_count(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        Equidistribution(**options)


def test_a_network_behind_labels_takes_grids_and_says_what_images_alone_lack():
    segmenter = SampledSegmenter(_network(), "exact", 8)
    images = np.random.default_rng(0).uniform(0, 255, (1, 24, 32, 3)).astype(np.float32)
    labels = (images[..., 0] > 128).astype(np.uint8)
    grid = segmenter.sampler.grid_of_labels(labels, 8)
    assert segmenter.labels(images, grid).shape == (1, 24, 32)
    with pytest.raises(RoadsegError, match="sampler 'exact' needs true labels"):
        segmenter.labels(images)


def test_networks_without_logits_are_refused_by_name():
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(2, 1)(image)
    named = keras.Model(image, {"scores": x}, name="named")
    with pytest.raises(ValueError, match="'named' gives 'scores'; name its logits 'logits'"):
        SampledSegmenter(named, "uniform", 8)
    flat = keras.Model(image, keras.layers.GlobalAveragePooling2D()(x), name="flat")
    with pytest.raises(ValueError, match="'flat' gives .*, no logits"):
        SampledSegmenter(flat, "uniform", 8)
    both = keras.Model(image, {"logits": x, "scores": x})
    assert SampledSegmenter(both, "uniform", 8).labels(np.zeros((1, 9, 9, 3))).shape == (1, 9, 9)


def test_samplers_come_back_from_their_config_with_checked_options():
    for sampler in (
        DensitySampler(class_weights=(1, 2.5), blur=0),
        NusSampler(alpha=0.25),
        make_sampler("prior", cells=(8, 10)),
        make_sampler("previous", first=make_sampler("nus"), spread=2),
    ):
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(sampler))
        for name in ("class_weights", "blur", "alpha", "cells"):
            assert getattr(again, name, None) == getattr(sampler, name, None)


def _network():
    image = keras.Input((None, None, 3))
    return keras.Model(image, keras.layers.Conv2D(2, 1)(image))
