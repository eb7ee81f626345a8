"""What every registered network must do; a new name in the registry is tested without an edit."""

import keras
import numpy as np
import pytest
from keras import ops

from roadseg.errors import RoadsegError
from roadseg.layers.introspection import count_parameters
from roadseg.models.nus_sampler import auxiliary_network
from roadseg.models.registry import NETWORKS
from roadseg.runs.run_folder import takes_auxiliary_heads
from tests.models.every_network import (
    CLASSES,
    NAMES,
    every_network,
    every_network_and_deeper_copy,
    gradients_of,
    images,
    network,
    plain_network,
    scores_of,
    segmentation_loss,
    settle,
    sizes,
    trained_network,
)
from tests.support import deeper_copies_slow, on_tensorflow

# Its range is float32's, so it says little that float16 does not.
POLICIES = ["mixed_float16", pytest.param("mixed_bfloat16", marks=pytest.mark.slow)]


@every_network
def test_scores_come_at_input_size_for_even_and_odd_sizes(name):
    model = plain_network(name)
    for size in sizes(name):
        scores = scores_of(model(images(size, batch=2), training=False))
        assert scores.shape == (2, *size, CLASSES)
        assert np.isfinite(ops.convert_to_numpy(scores)).all()


@every_network_and_deeper_copy
def test_parameter_count_is_the_published_one(name):
    assert count_parameters(plain_network(name)) == NETWORKS[name].parameters


@every_network
def test_other_sizes_are_refused_with_the_nearest_that_fit(name):
    multiple = NETWORKS[name].multiple
    if multiple == 1:
        pytest.skip("takes every size")
    model, (height, width) = plain_network(name), sizes(name)[0]
    with pytest.raises(RoadsegError, match=rf"height {height + 1}: .* {height} or"):
        model(images((height + 1, width)))


@every_network
def test_auxiliary_heads_add_outputs_and_leave_the_main_one_as_it_is(name):
    if not takes_auxiliary_heads(name):
        pytest.skip("has none")
    prefixes = NETWORKS[name].auxiliary
    plain, trained = network(name), trained_network(name)
    arrays = {variable.path: ops.convert_to_numpy(variable) for variable in trained.weights}
    extra = set(arrays) - {variable.path for variable in plain.weights}
    assert bool(extra) == bool(prefixes) and all(path.startswith(prefixes) for path in extra)
    for variable in plain.weights:
        variable.assign(arrays[variable.path])
    outputs = trained(images(sizes(name)[0]), training=False)
    assert len(outputs) > 1
    scores = scores_of(plain(images(sizes(name)[0]), training=False))
    np.testing.assert_allclose(outputs["scores"], scores, rtol=1e-4, atol=1e-4)


@every_network
def test_every_weight_has_a_name_of_its_own_in_the_original(name):
    model = trained_network(name)
    names = [NETWORKS[name].reference_name(variable.path) for variable in model.weights]
    assert len(set(names)) == len(names)


@every_network
def test_gradient_reaches_every_weight(name):
    model = trained_network(name)
    found = gradients_of(model, sizes(name)[0], segmentation_loss)
    dead = [
        variable.path
        for variable, gradient in zip(model.trainable_variables, found, strict=True)
        if not np.abs(gradient).max() > 0
    ]
    assert not dead


def test_gradient_reaches_every_weight_of_the_auxiliary_network():
    keras.utils.set_random_seed(3)
    model = auxiliary_network(input_size=(64, 96))
    found = gradients_of(model, (64, 96), lambda grid: ops.mean(ops.square(grid - 0.3)))
    assert all(np.abs(gradient).max() > 0 for gradient in found)


@every_network
def test_a_saved_network_gives_the_same_scores(name, tmp_path):
    model, odd = plain_network(name), sizes(name)[1]
    before = scores_of(model(images(odd), training=False))
    model.save(tmp_path / "network.keras")
    after = scores_of(keras.saving.load_model(tmp_path / "network.keras")(images(odd)))
    np.testing.assert_array_equal(ops.convert_to_numpy(before), ops.convert_to_numpy(after))


# DFANet's three trunks of separable convolutions take half a minute to trace.
@on_tensorflow
@pytest.mark.parametrize("name", deeper_copies_slow(NAMES, ["dfanet"]), scope="module")
def test_a_network_of_unknown_size_gives_the_same_scores_as_a_saved_model(name, tmp_path):
    import tensorflow as tf

    model = plain_network(name)
    module, image = tf.Module(), tf.TensorSpec((None, None, None, 3))
    module.serve = tf.function(lambda x: scores_of(model(x, training=False)), [image])
    # Variables alone, as export/ writes them: a tracked Keras model takes three times as long.
    module.weights = [variable.value for variable in model.variables]
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    for size in sizes(name):
        ours = scores_of(model(images(size), training=False)).numpy()
        saved = loaded.serve(images(size)).numpy()
        assert np.abs(saved - ours).max() <= 1e-4 * np.abs(ours).max()


@every_network
@pytest.mark.parametrize("policy", POLICIES)
def test_scores_and_gradients_are_finite_in_half_precision(name, policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = network(name, auxiliary_heads=True)
    finally:
        keras.config.set_dtype_policy(before)
    size = sizes(name)[0]
    settle(model, images(size, batch=2))
    scores = scores_of(model(images(size), training=False))
    assert keras.backend.standardize_dtype(scores.dtype) == "float32"
    assert np.isfinite(ops.convert_to_numpy(scores)).all()
    # Scaled down, as a loss scale may: DFANet untrained has gradients of 5e5 here, beyond float16,
    # and larger ones on the way to them.
    gradients = gradients_of(model, size, lambda outputs: segmentation_loss(outputs) / 1024)
    assert all(np.isfinite(gradient).all() for gradient in gradients)


@every_network
def test_one_training_step_moves_batch_statistics_and_inference_does_not(name):
    model = trained_network(name)
    statistics = [v for v in model.non_trainable_variables if "moving" in v.path]
    assert statistics
    before = [ops.convert_to_numpy(v) for v in statistics]
    size = sizes(name)[0]
    model(images(size), training=False)
    assert all(
        (ops.convert_to_numpy(v) == b).all() for v, b in zip(statistics, before, strict=True)
    )
    model(images(size, batch=2), training=True)
    assert all(
        (ops.convert_to_numpy(v) != b).any() for v, b in zip(statistics, before, strict=True)
    )
