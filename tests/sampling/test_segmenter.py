"""Any network behind sampling: shapes, views, labels, training, saving, and bad arguments."""

import keras
import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.sampling import (
    NusSampler,
    SampledSegmenter,
    UniformSampler,
    sample,
    sample_batch,
    uniform_grid,
    unsample,
)
from tests.sampling.support import small_nus
from tests.support import compiled

tensorflow_only = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="a TensorFlow graph or strategy"
)


def network(stride: int = 2, classes: int = 4, dictionary: bool = False) -> keras.Model:
    keras.utils.set_random_seed(1)
    image = keras.Input((None, None, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.Conv2D(6, 3, strides=stride, padding="same", activation="relu")(x)
    logits = keras.layers.Conv2D(classes, 1)(x)
    return keras.Model(image, {"logits": logits, "head": x} if dictionary else logits)


def photo(height: int, width: int, batch: int = 2) -> np.ndarray:
    rng = np.random.default_rng(height + width)
    return rng.uniform(0, 255, (batch, height, width, 3)).astype(np.float32)


@pytest.mark.parametrize("size", [(40, 60), (33, 77), (5, 3), (1, 1)])
@pytest.mark.parametrize("view", [None, (32, 32)])
def test_logits_and_labels_come_out_at_the_size_of_the_image(size, view):
    model = SampledSegmenter(network(), small_nus(), (8, 12), window=view)
    logits, labels = compiled(lambda image: (model(image), model.labels(image)))(photo(*size))
    assert logits.shape == (2, *size, 4) and labels.shape == (2, *size)
    assert np.mean(np.asarray(labels) != np.asarray(logits).argmax(-1)) < 1e-3


def test_it_is_sampling_the_network_and_unsampling_in_a_row():
    model = SampledSegmenter(network(stride=1), small_nus(), 10)
    image = photo(30, 44)
    sampled, grid = model.sampled(image)
    expected = unsample(model.network(sampled), grid, (30, 44))
    np.testing.assert_allclose(np.asarray(model(image)), np.asarray(expected), atol=1e-5)
    assert np.array_equal(np.asarray(sampled), np.asarray(sample(image, grid)))


def test_without_auxiliary_network_the_grid_is_uniform():
    _, grid = SampledSegmenter(network(), "uniform", (5, 6)).sampled(photo(20, 20))
    assert np.array_equal(np.asarray(grid), np.asarray(uniform_grid((5, 6), batch=2)))


def test_given_grid_replaces_the_predicted_one():
    model = SampledSegmenter(network(), small_nus(), 8)
    image, grid = photo(30, 40), uniform_grid(8, batch=2)
    uniform = SampledSegmenter(model.network, "uniform", 8)
    found = np.asarray(model.labels(image, grid))
    assert np.array_equal(found, np.asarray(uniform.labels(image)))


def test_logits_at_a_lower_stride_or_in_a_dictionary_serve_as_well():
    expected = np.asarray(SampledSegmenter(network(stride=4), "uniform", 16)(photo(40, 40)))
    found = SampledSegmenter(network(stride=4, dictionary=True), "uniform", 16)(photo(40, 40))
    assert np.array_equal(np.asarray(found), expected)


def test_each_view_is_labelled_as_an_image_of_its_own():
    model = SampledSegmenter(network(), small_nus(), 12, window=(32, 32))
    image = photo(32, 64, batch=1)
    whole = np.asarray(model(image))
    halves = [np.asarray(model(image[:, :, start : start + 32])) for start in (0, 32)]
    np.testing.assert_allclose(whole, np.concatenate(halves, axis=2), atol=1e-5)


def test_images_of_a_batch_are_sampled_each_in_its_own_places():
    model = SampledSegmenter(network(), small_nus(), 12)
    images = photo(30, 40)
    together = np.asarray(model(images))
    alone = np.concatenate([np.asarray(model(images[b : b + 1])) for b in range(2)])
    np.testing.assert_allclose(together, alone, atol=1e-4)
    places = np.asarray(model.locations(images))
    assert places.shape == (2, 1, 12, 12, 2) and not np.array_equal(places[0], places[1])


def test_auxiliary_network_is_frozen_and_the_network_is_not():
    model = SampledSegmenter(network(), small_nus(), 8)
    trained = {id(variable) for variable in model.trainable_variables}
    assert trained == {id(variable) for variable in model.network.trainable_variables}
    kept = {id(variable) for variable in model.non_trainable_variables}
    assert {id(variable) for variable in model.sampler.variables} <= kept
    assert len(trained) + len(kept) == len(model.variables)
    assert model.sampler.trainable_variables, "the caller's own network stays as it was"


def test_a_training_step_moves_the_network_and_not_the_auxiliary_network():
    model = SampledSegmenter(network(), small_nus(), 8)
    before = [np.asarray(v) for v in (*model.network.weights, *model.sampler.weights)]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss=loss)
    labels = np.random.default_rng(0).integers(0, 4, (2, 20, 30))
    model.fit(photo(20, 30), labels, epochs=1, verbose=0)
    after = [np.asarray(v) for v in (*model.network.weights, *model.sampler.weights)]
    moved = [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
    assert moved == [True] * 4 + [False] * 3


def test_sample_batch_takes_image_and_label_at_the_same_pixels():
    images, labels = photo(30, 40), np.arange(2 * 30 * 40).reshape(2, 30, 40).astype(np.int32)
    images[..., 0] = labels
    for guide in (UniformSampler(), small_nus()):
        sampled, sampled_labels, grid = sample_batch(images, labels, guide, (6, 9))
        assert sampled.shape == (2, 6, 9, 3) and grid.shape == (2, 6, 9, 2)
        assert np.array_equal(np.asarray(sampled)[..., 0], np.asarray(sampled_labels))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_networks_keep_full_precision_coordinates(policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = SampledSegmenter(network(), small_nus(), 16)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.network.layers[2].compute_dtype == policy.removeprefix("mixed_")
    logits = model(photo(50, 70))
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    assert np.isfinite(np.asarray(logits)).all()
    places = model.locations(photo(50, 70))
    assert keras.backend.standardize_dtype(places.dtype) == "float32"


@pytest.mark.parametrize("guide", [False, True])
def test_saved_model_gives_the_same_logits(tmp_path, guide):
    helper = NusSampler() if guide else "uniform"
    model = SampledSegmenter(network(), helper, (8, 12), window=(3, 4), method="mesh")
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert (loaded.size, loaded.window, loaded.method) == ((8, 12), (3, 4), "mesh")
    found, expected = loaded(photo(40, 50)), model(photo(40, 50))
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), atol=1e-5)


@tensorflow_only
def test_graph_of_unknown_size_gives_the_same_as_eager():
    import tensorflow as tf

    model = SampledSegmenter(network(), small_nus(), 8, window=(32, 32))
    spec = [tf.TensorSpec((None, None, None, 3), tf.uint8)]
    graph = tf.function(
        lambda image: (model(image), model.labels(image)), input_signature=spec, autograph=False
    )
    for size in ((40, 90), (90, 40), (17, 17)):
        image = photo(*size).astype(np.uint8)
        logits, labels = graph(image)
        np.testing.assert_allclose(logits.numpy(), np.asarray(model(image)), atol=1e-4)
        assert np.mean(labels.numpy() != np.asarray(model.labels(image))) < 1e-3


@pytest.mark.parametrize("size", [0, 1, (128, 1), "128", 12.5, None])
def test_sampling_size_that_is_no_size_is_refused(size):
    with pytest.raises(ValueError, match="size"):
        SampledSegmenter(network(), "uniform", size)


def test_other_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="Keras model"):
        SampledSegmenter("runs/x", "uniform", 8)
    with pytest.raises(RoadsegError, match="no sampler 'densities'; did you mean density"):
        SampledSegmenter(network(), "densities", 8)
    with pytest.raises(ValueError, match="sampler is"):
        SampledSegmenter(network(), None, 8)
    with pytest.raises(ValueError, match="maps"):
        SampledSegmenter(network(), network(), 8)
    with pytest.raises(ValueError, match="method="):
        SampledSegmenter(network(), "uniform", 8, method="nearest")
    with pytest.raises(ValueError, match="window"):
        SampledSegmenter(network(), "uniform", 8, window=(0, 5))
    grey = keras.Sequential([keras.Input((None, None, 1)), keras.layers.Conv2D(2, 1)])
    with pytest.raises(ValueError, match="would get"):
        SampledSegmenter(grey, "uniform", 8)
    fixed = keras.Sequential([keras.Input((64, 64, 3)), keras.layers.Conv2D(2, 1)])
    with pytest.raises(ValueError, match="would get"):
        SampledSegmenter(fixed, "uniform", 8)


def test_images_that_are_not_rgb_are_refused():
    model = SampledSegmenter(network(), "uniform", 8)
    with pytest.raises(ValueError, match="RGB"):
        model.labels(np.zeros((1, 20, 20, 4), np.float32))
    with pytest.raises(ValueError, match="RGB"):
        model.sampled(np.zeros((20, 20, 3), np.float32))
