"""Normalisations that follow no convolution go into others, and values stay the same."""

import importlib.util

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("export is TensorFlow's", allow_module_level=True)
if not all(importlib.util.find_spec(module) for module in ("onnx", "onnxruntime")):
    pytest.skip("onnx or onnxruntime not installed (an extra)", allow_module_level=True)

import onnxruntime
from keras import layers

from roadseg.export.graphs.network import labels_graph, logits_graph
from roadseg.layers.convolution import DilatedConv2D
from roadseg.layers.grouped import GroupedConv2D
from roadseg.layers.resize import ResizeLike

SIZE = (12, 20)


def wide(x, channels=6):
    return layers.Conv2D(channels, 3, padding="same")(x)


def prelu(x):
    return layers.PReLU(shared_axes=[1, 2])(x)


def normed(x):
    return layers.BatchNormalization()(x)


def relu(x):
    return layers.ReLU()(x)


def mean(x):
    return layers.AveragePooling2D(2, padding="same")(x)


def join(*maps):
    return layers.Concatenate()(list(maps))


def add(*maps):
    return layers.Add()(list(maps))


def pyramid(x):
    """Nine channels: a convolution, another, and the sum of that and a third, as ESPNet has."""
    total = wide(x, 3)
    dilated = DilatedConv2D(3, 3, dilation_rate=2, padding="same")(x)
    return join(wide(x, 3), total, add(total, dilated))


def residual(x):
    return prelu(normed(add(x, pyramid(x))))


def behind_much(x):
    y = relu(normed(mean(x)))
    larger = ResizeLike(True)([mean(y), y])
    return wide(join(larger, y, layers.MaxPooling2D(1)(y), wide(y)))


def gated(x):
    gate = layers.Activation("sigmoid")(wide(x, 1))
    return wide(layers.Multiply()([normed(mean(x)), mean(gate)]))


# What is made of an image, and how many factors and how many sums stay.
CASES = {
    "joined": (lambda x: prelu(normed(join(wide(x), wide(x, 2)))), 0, 0),
    "summed": (lambda x: prelu(normed(add(wide(x), wide(x)))), 0, 0),
    "joined sums": (lambda x: prelu(normed(join(add(wide(x), wide(x)), wide(x, 2)))), 0, 0),
    "joined, one elsewhere too": (lambda x: join(normed(join(y := wide(x), wide(x))), y), 1, 1),
    "pyramid": (lambda x: wide(prelu(normed(pyramid(x)))), 0, 0),
    "summed, one elsewhere too": (
        lambda x: wide(prelu(join(normed(add(y := wide(x), relu(y))), y))),
        0,
        1,
    ),
    "residual": (lambda x: wide(residual(relu(wide(x, 9)))), 0, 0),
    "residual to a residual": (lambda x: wide(residual(residual(relu(wide(x, 9))))), 1, 0),
    "before relu": (lambda x: wide(relu(normed(mean(x)))), 0, 1),
    "before prelu": (lambda x: wide(prelu(normed(mean(x)))), 0, 1),
    "before prelu, below zero": (lambda x: wide(prelu(normed(mean(x)))), 0, 1),
    "before relu, below zero": (lambda x: wide(relu(normed(mean(x)))), 1, 1),
    "before two": (lambda x: add(wide(y := prelu(normed(mean(x)))), wide(y)), 0, 1),
    "before an output": (lambda x: relu(normed(mean(x))), 1, 1),
    "behind much": (behind_much, 0, 1),
    "before a gate": (gated, 0, 1),
    "twice": (lambda x: wide(relu(normed(mean(relu(normed(mean(x))))))), 0, 2),
    "to groups": (lambda x: GroupedConv2D(6, 3, groups=3)(relu(normed(mean(wide(x))))), 0, 1),
    "to depthwise": (lambda x: layers.DepthwiseConv2D(3)(relu(normed(mean(x)))), 0, 1),
    "to transposed": (lambda x: layers.Conv2DTranspose(2, 2, strides=2)(normed(mean(x))), 0, 1),
}


def network(case):
    keras.utils.set_random_seed(0)
    image = keras.Input((None, None, 3))
    model = keras.Model(image, CASES[case][0](image))
    random = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([random.uniform(0.3, 1.5, w.shape) for w in layer.weights])
            if "below zero" in case:
                signs = np.where(np.arange(layer.gamma.shape[0]) % 2, -1.0, 1.0)
                layer.gamma.assign(layer.gamma * signs)
        elif isinstance(layer, layers.PReLU):
            slopes = random.uniform(0.2, 0.6, layer.alpha.shape)
            layer.set_weights([slopes * random.choice([-1, 1], slopes.shape)])
    return model


def staying(graph):
    """Return how many products and sums with a constant a graph has."""
    constants = {tensor.name for tensor in graph.graph.initializer}
    kinds = [node.op_type for node in graph.graph.node if constants.intersection(node.input)]
    return kinds.count("Mul"), kinds.count("Add")


@pytest.mark.parametrize("case", CASES)
def test_a_normalisation_is_folded_and_gives_what_keras_gives(case):
    model = network(case)
    image = np.random.default_rng(1).normal(0, 2, (1, *SIZE, 3)).astype(np.float32)
    expected = keras.ops.convert_to_numpy(model(image))
    for size in (SIZE, None):
        graph = logits_graph(model, size)
        assert staying(graph) == CASES[case][1:]
        session = onnxruntime.InferenceSession(graph.SerializeToString())
        (found,) = session.run(None, {"image": image})
        np.testing.assert_allclose(found, expected, atol=2e-5 * max(1, np.abs(expected).max()))


def test_a_slope_of_nothing_is_not_turned_round():
    model = network("before prelu, below zero")
    next(layer for layer in model.layers if isinstance(layer, layers.PReLU)).set_weights(
        [np.full((1, 1, 3), 1e-9)]
    )
    assert staying(logits_graph(model, SIZE)) == (1, 1)


@pytest.mark.parametrize("case", ["residual", "before relu"])
def test_ranges_are_kept_where_numbers_are_less_exact(case):
    model = network(case)
    assert staying(labels_graph(model, SIZE, keep_ranges=True)) == (1, 1)
