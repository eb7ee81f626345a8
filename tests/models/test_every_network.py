"""What every registered network must do; a new name in the registry is tested without an edit."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

import roadseg
from roadseg.errors import RoadsegError
from roadseg.layers.walk import count_parameters
from roadseg.losses.cross_entropy import cross_entropy
from roadseg.models.auxiliary import auxiliary_network
from roadseg.models.registry import NETWORKS
from roadseg.run_folder import takes_auxiliary_heads
from tests.support import REPOSITORY, deeper_copies_slow, on_tensorflow

CLASSES = 19
every_network = pytest.mark.parametrize("name", deeper_copies_slow(roadseg.list_models()))
every_network_and_deeper_copy = pytest.mark.parametrize("name", roadseg.list_models())


def sizes(name: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return an even size and one as odd as the network takes, both legal."""
    multiple = NETWORKS[name].multiple
    if multiple == 1:
        return (64, 96), (67, 93)
    rows = -(-64 // multiple) * multiple
    return (rows, rows + multiple), (rows + multiple, -(-48 // multiple) * multiple)


def options(name: str, auxiliary_heads: bool) -> dict:
    return {"auxiliary_heads": True} if auxiliary_heads and takes_auxiliary_heads(name) else {}


def network(
    name: str,
    size: tuple[int | None, int | None] = (None, None),
    auxiliary_heads: bool = False,
) -> keras.Model:
    keras.utils.set_random_seed(3)
    shape = (*size, 3)
    return roadseg.create(name, CLASSES, input_shape=shape, **options(name, auxiliary_heads))


def images(size: tuple[int, int], batch: int = 1) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (batch, *size, 3)).astype("float32")


def scores_of(outputs):
    """Return the main output of networks that give several."""
    return outputs["scores"] if isinstance(outputs, dict) else outputs


@every_network
def test_scores_come_at_input_size_for_even_and_odd_sizes(name):
    model = network(name)
    for size in sizes(name):
        scores = scores_of(model(images(size, batch=2), training=False))
        assert scores.shape == (2, *size, CLASSES)
        assert np.isfinite(ops.convert_to_numpy(scores)).all()


@every_network_and_deeper_copy
def test_parameter_count_is_the_published_one(name):
    assert count_parameters(network(name)) == NETWORKS[name].parameters


@every_network
def test_other_sizes_are_refused_with_the_nearest_that_fit(name):
    multiple = NETWORKS[name].multiple
    if multiple == 1:
        pytest.skip("takes every size")
    model, (height, width) = network(name), sizes(name)[0]
    with pytest.raises(RoadsegError, match=rf"height {height + 1}: .* {height} or"):
        model(images((height + 1, width)))


@every_network
def test_auxiliary_heads_add_outputs_and_leave_the_main_one_as_it_is(name):
    if not takes_auxiliary_heads(name):
        pytest.skip("has none")
    prefixes = NETWORKS[name].auxiliary
    plain, trained = network(name), network(name, auxiliary_heads=True)
    arrays = {variable.path: ops.convert_to_numpy(variable) for variable in trained.weights}
    extra = set(arrays) - {variable.path for variable in plain.weights}
    assert bool(extra) == bool(prefixes) and all(path.startswith(prefixes) for path in extra)
    for variable in plain.weights:
        variable.assign(arrays[variable.path])
    outputs = trained(images(sizes(name)[0]), training=False)
    assert len(outputs) > 1
    scores = scores_of(plain(images(sizes(name)[0]), training=False))
    np.testing.assert_allclose(outputs["scores"], scores, rtol=1e-4, atol=1e-4)


@every_network_and_deeper_copy
def test_every_weight_has_a_name_of_its_own_in_the_original(name):
    model = network(name, auxiliary_heads=True)
    names = [NETWORKS[name].reference_name(variable.path) for variable in model.weights]
    assert len(set(names)) == len(names)


def gradients_of(model: keras.Model, size: tuple[int, int], loss) -> list:
    """Return the gradient of `loss(outputs)` in each trainable weight, in training mode."""
    batch = images(size, batch=2)
    if keras.backend.backend() == "jax":
        import jax

        def value(trainable, other):
            outputs, _ = model.stateless_call(trainable, other, batch, training=True)
            return loss(outputs)

        found = jax.grad(value)(
            [variable.value for variable in model.trainable_variables],
            [variable.value for variable in model.non_trainable_variables],
        )
    else:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = loss(model(batch, training=True))
        found = tape.gradient(value, [v.value for v in model.trainable_variables])
    return [ops.convert_to_numpy(gradient) for gradient in found]


def segmentation_loss(outputs):
    maps = outputs.values() if isinstance(outputs, dict) else [outputs]
    total = 0.0
    for scores in maps:
        labels = np.random.default_rng(1).integers(0, CLASSES, tuple(scores.shape[:3]))
        total += cross_entropy(scores, labels)[0] / labels.size
    return total


@every_network
def test_gradient_reaches_every_weight(name):
    model = network(name, auxiliary_heads=True)
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
    model, odd = network(name), sizes(name)[1]
    before = scores_of(model(images(odd), training=False))
    model.save(tmp_path / "network.keras")
    after = scores_of(keras.saving.load_model(tmp_path / "network.keras")(images(odd)))
    np.testing.assert_array_equal(ops.convert_to_numpy(before), ops.convert_to_numpy(after))


@on_tensorflow
@every_network
def test_a_network_of_unknown_size_exports_and_gives_the_same_scores(name, tmp_path):
    import tensorflow as tf

    model = network(name)
    model.export(str(tmp_path / "saved"), verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    for size in sizes(name):
        ours = ops.convert_to_numpy(scores_of(model(images(size), training=False)))
        exported = scores_of(loaded.serve(images(size))).numpy()
        assert np.abs(exported - ours).max() <= 1e-4 * np.abs(ours).max()


@every_network
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_scores_and_gradients_are_finite_in_half_precision(name, policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = network(name, auxiliary_heads=True)
    finally:
        keras.config.set_dtype_policy(before)
    size = sizes(name)[0]
    scores = scores_of(model(images(size), training=False))
    assert keras.backend.standardize_dtype(scores.dtype) == "float32"
    assert np.isfinite(ops.convert_to_numpy(scores)).all()
    # Scaled down, as a loss scale may: DFANet untrained has gradients of 5e5 here, beyond float16.
    gradients = gradients_of(model, size, lambda outputs: segmentation_loss(outputs) / 64)
    assert all(np.isfinite(gradient).all() for gradient in gradients)


@on_tensorflow
@every_network
def test_two_replicas_agree_with_one(name):
    # Logical devices can only be made before TensorFlow starts: hence a process of its own.
    size = "x".join(map(str, sizes(name)[0]))
    command = [sys.executable, "-m", "tests.models.two_replicas", name, size]
    result = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    differences = json.loads(result.stdout.splitlines()[-1])
    assert differences["weights"] > 50
    assert differences["gradients"] < 1e-9
    assert differences["statistics"] < 1e-9


@every_network
def test_one_training_step_moves_batch_statistics_and_inference_does_not(name):
    model = network(name)
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
