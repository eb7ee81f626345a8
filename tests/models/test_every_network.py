"""What every registered network must do; a new name in the registry is tested without an edit.

Counts, names and layers are looked at in each network. What takes seconds is done with the fewest
that hold every class of layers, and with all in `make test-all`.
"""

import math

import keras
import numpy as np
import pytest
from keras import ops

from roadseg.errors import RoadsegError
from roadseg.models.nus_sampler import nus_sampler
from roadseg.models.registry import MODELS
from roadseg.tasks.task import takes_auxiliary_heads
from tests.models.every_network import (
    CLASSES,
    REPRESENTATIVES,
    WITH_STATISTICS,
    classes_with_statistics,
    empty_network,
    every_class_of_layers,
    every_network,
    gradients_of,
    images,
    layer_classes,
    logits_of,
    network,
    plain_network,
    segmentation_loss,
    settle,
    sizes,
    trained_network,
)
from tests.support import on_tensorflow

# Its range is float32's, so it says little that float16 does not.
POLICIES = ["mixed_float16", pytest.param("mixed_bfloat16", marks=pytest.mark.slow)]


@every_network
def test_what_inference_uses_is_as_large_as_published(name):
    heads = MODELS[name].auxiliary_heads
    used = [
        variable
        for variable in empty_network(name).trainable_variables
        if not (heads and variable.path.startswith(heads))
    ]
    assert sum(math.prod(variable.shape) for variable in used) == MODELS[name].parameters


@every_network
def test_every_weight_has_a_name_of_its_own_in_the_original(name):
    weights = empty_network(name).weights
    assert len({MODELS[name].original.reference_name(v.path) for v in weights}) == len(weights)


@every_network
def test_a_representative_holds_every_class_of_layers_of_the_network(name):
    """A class that is missing: add this network to REPRESENTATIVES, with it."""
    classes = layer_classes(empty_network(name))
    assert not classes - set().union(*REPRESENTATIVES.values())
    assert not REPRESENTATIVES.get(name, set()) - classes


@every_network
def test_classes_with_statistics_are_those_tested_on_replicas(name):
    assert classes_with_statistics(empty_network(name)) == WITH_STATISTICS


@every_network
def test_logits_come_at_an_odd_size(name):
    size = sizes(name)[1]
    assert logits_of(empty_network(name)(images(size))).shape == (1, *size, CLASSES)


@every_class_of_layers
def test_logits_come_at_input_size_for_even_and_odd_sizes(name):
    model = plain_network(name)
    for size in sizes(name):
        logits = logits_of(model(images(size, batch=2), training=False))
        assert logits.shape == (2, *size, CLASSES)
        assert np.isfinite(ops.convert_to_numpy(logits)).all()


@every_network
def test_other_sizes_are_refused_with_the_nearest_that_fit(name):
    multiple = MODELS[name].size_multiple
    if multiple == 1:
        pytest.skip("takes every size")
    model, (height, width) = empty_network(name), sizes(name)[0]
    with pytest.raises(RoadsegError, match=rf"height {height + 1}: .* {height} or"):
        model(images((height + 1, width)))


@every_class_of_layers
def test_auxiliary_heads_add_outputs_and_leave_the_main_one_as_it_is(name):
    if not takes_auxiliary_heads(name):
        pytest.skip("has none")
    plain, trained = plain_network(name), trained_network(name)
    extra = {v.path for v in trained.weights} - {v.path for v in plain.weights}
    prefixes = MODELS[name].auxiliary_heads
    assert bool(extra) == bool(prefixes) and all(path.startswith(prefixes) for path in extra)
    arrays = {variable.path: ops.convert_to_numpy(variable) for variable in plain.weights}
    for variable in trained.weights:
        variable.assign(arrays.get(variable.path, variable))
    outputs = trained(images(sizes(name)[0]), training=False)
    assert len(outputs) > 1
    logits = logits_of(plain(images(sizes(name)[0]), training=False))
    np.testing.assert_allclose(outputs["logits"], logits, rtol=1e-4, atol=1e-4)


@every_class_of_layers
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
    model = nus_sampler(input_size=(64, 96))
    found = gradients_of(model, (64, 96), lambda grid: ops.mean(ops.square(grid - 0.3)))
    assert all(np.abs(gradient).max() > 0 for gradient in found)


@every_class_of_layers
def test_a_saved_network_gives_the_same_logits(name, tmp_path):
    model, odd = plain_network(name), sizes(name)[1]
    before = logits_of(model(images(odd), training=False))
    model.save(tmp_path / "network.keras")
    after = logits_of(keras.saving.load_model(tmp_path / "network.keras")(images(odd)))
    np.testing.assert_array_equal(ops.convert_to_numpy(before), ops.convert_to_numpy(after))


@on_tensorflow
@every_class_of_layers
def test_a_network_of_unknown_size_gives_the_same_logits_as_a_saved_model(name, tmp_path):
    import tensorflow as tf

    model = plain_network(name)
    module, image = tf.Module(), tf.TensorSpec((None, None, None, 3))
    module.serve = tf.function(
        lambda x: logits_of(model(x, training=False)), [image], autograph=False
    )
    # Variables alone, as export/ writes them: a tracked Keras model takes three times as long.
    module.weights = [variable.value for variable in model.variables]
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    for size in sizes(name):
        ours = logits_of(model(images(size), training=False)).numpy()
        saved = loaded.serve(images(size)).numpy()
        assert np.abs(saved - ours).max() <= 1e-4 * np.abs(ours).max()


@every_class_of_layers
@pytest.mark.parametrize("policy", POLICIES)
def test_logits_and_gradients_are_finite_in_half_precision(name, policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = network(name, auxiliary_heads=True)
    finally:
        keras.config.set_dtype_policy(before)
    size = sizes(name)[0]
    settle(model, images(size, batch=2))
    logits = logits_of(model(images(size), training=False))
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    assert np.isfinite(ops.convert_to_numpy(logits)).all()
    # Scaled down, as a loss scale may: DFANet untrained has gradients of 5e5 here, beyond float16,
    # and larger ones on the way to them.
    gradients = gradients_of(model, size, lambda outputs: segmentation_loss(outputs) / 1024)
    assert all(np.isfinite(gradient).all() for gradient in gradients)


@every_class_of_layers
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
