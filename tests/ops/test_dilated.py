"""Dilated convolution at sizes that a graph does not know gives the values of Keras's own."""

import keras
import numpy as np
import pytest

from roadseg.layers.dilated_depthwise import DilatedDepthwiseConv2D
from roadseg.ops.dilated import dilated_convolution, dilated_depthwise

SIZES = ((16, 16), (16, 25), (25, 16), (16, 40), (17, 17), (17, 25), (9, 9))


def arrays(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(size)
    return (
        random.normal(size=(2, *size, 5)).astype(np.float32),
        random.normal(size=(3, 3, 5, 4)).astype(np.float32),
    )


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("dilation", [2, 3, 4])
def test_one_graph_of_unknown_size_agrees_with_keras_at_every_size(
    padding: str, dilation: int
) -> None:
    if keras.backend.backend() != "tensorflow":
        pytest.skip("graphs of unknown size are TensorFlow's")
    import tensorflow as tf

    image = tf.TensorSpec((None, None, None, 5))

    @tf.function(input_signature=[image, tf.TensorSpec((3, 3, 5, 4))], autograph=False)
    def convolve(x, kernel):
        return dilated_convolution(x, kernel, dilation, padding)

    for size in SIZES:
        x, kernel = arrays(size)
        expected = keras.ops.conv(x, kernel, padding=padding, dilation_rate=dilation)
        np.testing.assert_allclose(convolve(x, kernel), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_values_and_gradients_of_a_known_size_are_those_of_keras(padding: str) -> None:
    if keras.backend.backend() != "tensorflow":
        pytest.skip("elsewhere it is Keras's own convolution")
    import tensorflow as tf

    x, kernel = (tf.constant(array) for array in arrays((17, 12)))
    found = []
    for convolve in (
        lambda: dilated_convolution(x, kernel, 3, padding),
        lambda: keras.ops.conv(x, kernel, padding=padding, dilation_rate=3),
    ):
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            loss = tf.reduce_sum(tf.square(y := convolve()))
        found.append([y, *tape.gradient(loss, [x, kernel])])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-3)


def test_networks_with_dilations_side_by_side_take_sizes_in_any_order() -> None:
    """ESPNet failed at the second size: paddings of the first were folded into its graph."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("graphs of unknown size are TensorFlow's")
    import tensorflow as tf

    import roadseg

    network = roadseg.create("espnet", 5, p=1, q=1)
    graph = tf.function(
        lambda x: network(x, training=False), reduce_retracing=True, autograph=False
    )
    for size in ((64, 64), (64, 104), (104, 64), (64, 160), (72, 72), (72, 104)):
        image = np.random.default_rng(size).uniform(0, 255, (1, *size, 3)).astype(np.float32)
        np.testing.assert_allclose(graph(image), network(image), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("dilation", [(2, 2), (4, 1), (1, 3), (3, 5)])
def test_one_depthwise_graph_agrees_with_keras_at_every_size_to_the_last_bit(
    padding: str, dilation: tuple[int, int]
) -> None:
    if keras.backend.backend() != "tensorflow":
        pytest.skip("graphs of unknown size are TensorFlow's")
    import tensorflow as tf

    ours = DilatedDepthwiseConv2D(3, dilation_rate=dilation, padding=padding, depth_multiplier=2)
    theirs = keras.layers.DepthwiseConv2D(
        3, dilation_rate=dilation, padding=padding, depth_multiplier=2
    )
    for layer in (ours, theirs):
        layer.build((None, None, None, 5))
    bias = np.random.default_rng(1).normal(size=10).astype(np.float32)
    theirs.set_weights([arrays((9, 9))[1][..., :2], bias])
    ours.set_weights(theirs.get_weights())
    graph = tf.function(
        ours, input_signature=[tf.TensorSpec((None, None, None, 5))], autograph=False
    )
    for size in SIZES:
        if padding == "valid" and size == (9, 9) and max(dilation) > 4:
            continue
        x, _ = arrays(size)
        expected = theirs(x)
        np.testing.assert_array_equal(graph(x), expected)
        np.testing.assert_array_equal(ours(x), expected)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_gradients_of_a_depthwise_graph_of_unknown_size_are_those_of_keras(padding: str) -> None:
    if keras.backend.backend() != "tensorflow":
        pytest.skip("graphs of unknown size are TensorFlow's")
    import tensorflow as tf

    x, kernel = (tf.constant(array) for array in arrays((17, 12)))
    spec = [tf.TensorSpec((None, None, None, 5)), tf.TensorSpec(kernel.shape)]
    found = []
    for convolve in (
        lambda x, kernel: dilated_depthwise(x, kernel, (3, 2), padding),
        lambda x, kernel: keras.ops.depthwise_conv(
            x, kernel, padding=padding, dilation_rate=(3, 2)
        ),
    ):

        def gradients(x, kernel, convolve=convolve):
            with tf.GradientTape() as tape:
                tape.watch([x, kernel])
                loss = tf.reduce_sum(tf.square(convolve(x, kernel)))
            return tape.gradient(loss, [x, kernel])

        found.append(tf.function(gradients, input_signature=spec, autograph=False)(x, kernel))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-3)


def test_no_network_of_unknown_size_has_a_chain_over_space_and_batch() -> None:
    """What Keras makes of dilations at unknown sizes is folded wrongly; see `ops.dilated`."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("graphs of unknown size are TensorFlow's")
    import tensorflow as tf

    import roadseg

    for name in ("dabnet", "deeplabv3_mobilenet_v2", "espnetv2", "mobilenet_v3_small"):
        network = roadseg.create(name, 5)
        graph = tf.function(lambda x, of=network: of(x, training=False), autograph=False)
        made = graph.get_concrete_function(tf.TensorSpec((None, None, None, 3))).graph
        functions = [made, *(f.graph for f in made._functions.values() if hasattr(f, "graph"))]
        kinds = {node.type for part in functions for node in part.get_operations()}
        assert "DepthwiseConv2dNative" in kinds
        assert "SpaceToBatchND" not in kinds, name
