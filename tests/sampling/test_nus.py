"""The published sampler at any size: its resizes, its grids, and how it is kept."""

import keras
import numpy as np
import pytest

from roadseg.models.nus_sampler import nus_sampler
from roadseg.sampling import NusSampler, enlarge, project
from tests.support import compiled


class _Look(keras.layers.Layer):
    """Returns red and green of the middle 2x3 pixels of what the network sees, as a grid."""

    def call(self, small):
        return small[:, :2, :3, :2]


def looking(size: tuple[int, int] = (8, 8), **options) -> NusSampler:
    image = keras.Input((*size, 3))
    return NusSampler(keras.Model(image, _Look()(image)), **options)


@pytest.fixture(scope="module")
def published() -> NusSampler:
    keras.utils.set_random_seed(0)
    return NusSampler()


def ramp(height: int, width: int) -> np.ndarray:
    rows, columns = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    return np.stack([rows, columns, rows], axis=-1)[None].astype(np.float32)


def test_published_network_gives_eight_by_eight_points_for_any_image(published):
    assert published.input_size == (64, 64) and published.grid_size == (8, 8)
    assert sum(int(np.prod(w.shape)) for w in published.trainable_weights) == 305_770
    for size in ((100, 37), (64, 64), (1, 1)):
        grid = compiled(published)(np.zeros((2, *size, 3), np.uint8))
        assert grid.shape == (2, 8, 8, 2)
        assert keras.backend.standardize_dtype(grid.dtype) == "float32"


def test_untrained_network_stays_near_the_uniform_grid(published):
    grid = np.asarray(published(np.full((1, 90, 120, 3), 99.0)))
    assert np.abs(grid[0, :, 0, 0] - np.linspace(0, 1, 8)).max() < 0.2


def test_aligned_resize_reads_first_and_last_pixel_in_training_and_inference():
    step = 98 / 7
    for training in (True, False):
        grid = np.asarray(looking()(ramp(99, 99), training=training))
        np.testing.assert_allclose(grid[0, :, 0, 0], [0, step], rtol=1e-5)


def test_published_resize_takes_every_sixteenth_pixel_in_inference_only():
    network = looking((64, 64), resize="nus")
    inference = np.asarray(network(ramp(1024, 1024), training=False))
    np.testing.assert_allclose(inference[0, 0, :, 1], [0, 16, 32])
    training = np.asarray(network(ramp(1024, 1024), training=True))
    np.testing.assert_allclose(training[0, 0, :, 1], np.arange(3) * 1023 / 63, rtol=1e-5)


def test_locations_are_the_raw_grid_projected_and_enlarged(published):
    image = np.random.default_rng(0).uniform(0, 255, (1, 70, 90, 3)).astype(np.float32)
    expected = enlarge(project(published(image, training=False)), (20, 30))
    found = published.grid(image, (20, 30))
    assert np.array_equal(np.asarray(found), np.asarray(expected))


def test_saved_network_gives_the_same_grid(published, tmp_path):
    published.save(tmp_path / "auxiliary.keras")
    loaded = keras.saving.load_model(tmp_path / "auxiliary.keras")
    image = np.random.default_rng(0).uniform(0, 255, (1, 70, 90, 3)).astype(np.float32)
    assert np.array_equal(np.asarray(loaded(image)), np.asarray(published(image)))
    assert loaded.resize == "aligned"


def test_weights_are_named_by_their_layers_alone(published):
    names = {weight.path for weight in published.weights}
    assert names == {weight.path for weight in nus_sampler().weights}
    assert len(names) == 273


def test_coordinates_are_full_precision_under_a_half_precision_policy():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        network = NusSampler()
    finally:
        keras.config.set_dtype_policy("float32")
    found = compiled(network.grid)(np.full((1, 40, 40, 3), 200, np.uint8), 16)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    assert np.isfinite(np.asarray(found)).all()


def test_other_networks_and_resizes_are_refused():
    image = keras.Input((8, 8, 3))
    with pytest.raises(ValueError, match="maps"):
        NusSampler(keras.Model(image, keras.layers.Conv2D(3, 1)(image)))
    with pytest.raises(ValueError, match="Keras model"):
        NusSampler("runs/sampler")
    with pytest.raises(ValueError, match="'aligned' and 'nus'"):
        NusSampler(resize="bilinear")
