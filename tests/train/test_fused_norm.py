"""Fused batch normalisation against Keras's own, layer by layer and in a step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from roadseg.train.fused_norm import fuse_batch_norm

MAPS = np.random.default_rng(0).normal(3, 2, (4, 5, 7, 6)).astype("float32")


def network(dtype: str = "float32", **options) -> keras.Model:
    keras.utils.set_random_seed(1)
    image = keras.Input(MAPS.shape[1:], dtype=dtype.removeprefix("mixed_"))
    options = {"momentum": 0.9, "epsilon": 1e-3, "name": "norm", **options}
    model = keras.Model(image, keras.layers.BatchNormalization(dtype=dtype, **options)(image))
    rng = np.random.default_rng(2)
    model.set_weights([rng.uniform(0.5, 2, w.shape) for w in model.get_weights()])
    return model


def trained(model: keras.Model, maps: np.ndarray, training: bool = True, **compiled):
    """Return output, gradients of maps and weights, and the weights after one call."""

    @tf.function(**compiled)
    def call(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = model(x, training=training)
            loss = tf.reduce_sum(tf.sin(tf.cast(y, tf.float32)))
        return y, tape.gradient(loss, [x, *(v.value for v in model.trainable_variables)])

    output, gradients = call(tf.constant(maps))
    return [output, *gradients, *model.get_weights()]


def kernels(model: keras.Model, training: bool = True) -> int:
    call = tf.function(lambda x: model(x, training=training))
    graph = call.get_concrete_function(tf.TensorSpec([None, *model.input_shape[1:]])).graph
    return sum(op.type == "FusedBatchNormV3" for op in graph.get_operations())


@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}, {"epsilon": 1e-5}])
@pytest.mark.parametrize("compiled", [{}, {"jit_compile": True}], ids=["graph", "xla"])
def test_values_gradients_and_running_statistics_are_those_of_keras(options, compiled):
    fused = fuse_batch_norm(network(**options))
    assert kernels(fused) == 1
    expected = trained(network(**options), MAPS, **compiled)
    found = trained(fused, MAPS, **compiled)
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        # Sums over 140 values that cancel: what is left rounds as its parts do.
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-5 * np.abs(theirs).max())


def test_a_batch_of_few_values_counts_its_variance_as_keras_does():
    # n - 1 or n is a third of the variance here, which is what the kernel differs by.
    few = MAPS[:1, :1, :3]
    models = []
    for change in (lambda model: model, fuse_batch_norm):
        image = keras.Input((1, 3, 6))
        layer = keras.layers.BatchNormalization(momentum=0.5, name="norm")
        models.append(change(keras.Model(image, layer(image))))
        models[-1](few, training=True)
    for ours, theirs in zip(models[1].get_weights(), models[0].get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("kind", "rounding"), [("float16", 2e-3), ("bfloat16", 2e-2)])
def test_in_half_precision_statistics_stay_float32(kind, rounding):
    maps = tf.cast(MAPS, kind)
    expected, found = (
        trained(change(network(f"mixed_{kind}")), maps)
        for change in (lambda model: model, fuse_batch_norm)
    )
    assert found[0].dtype == kind
    output, gradients, weights = slice(0, 1), slice(1, 4), slice(4, None)
    for part, tolerance in ((output, rounding), (gradients, rounding), (weights, 1e-5)):
        for ours, theirs in zip(found[part], expected[part], strict=True):
            ours, theirs = (np.asarray(tf.cast(x, tf.float32)) for x in (ours, theirs))
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * np.abs(theirs).max())


def test_evaluation_and_frozen_layers_go_by_running_statistics():
    fused, plain = fuse_batch_norm(network()), network()
    assert kernels(fused, training=False) == 0
    np.testing.assert_array_equal(fused(MAPS, training=False), plain(MAPS, training=False))
    fused.get_layer("norm").trainable = False
    before = fused.get_weights()
    np.testing.assert_array_equal(fused(MAPS, training=True), plain(MAPS, training=False))
    for now, then in zip(fused.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize(
    "options", [{"axis": 1}, {"synchronized": True}, {"renorm": True}, {"epsilon": 1e-7}]
)
def test_what_the_kernel_does_otherwise_is_left_to_keras(options):
    assert kernels(fuse_batch_norm(network(**options))) == 0


def test_a_nested_network_is_reached():
    image = keras.Input(MAPS.shape[1:])
    assert kernels(fuse_batch_norm(keras.Model(image, network()(image)))) == 1
