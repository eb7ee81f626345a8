"""What ONNX has for the layers of Keras that networks here are made of."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers

from roadseg.export.graphs.graph import PAD, Graph, UnsupportedError, Value
from roadseg.export.graphs.sizes import resize, sides_of
from roadseg.layers.convolution import DilatedConv2D
from roadseg.layers.dilated_depthwise import DilatedDepthwiseConv2D
from roadseg.layers.grouped import GroupedConv2D
from roadseg.layers.light_aspp import WindowPooling
from roadseg.layers.strided_depthwise import StridedDilatedDepthwiseConv2D

Writer = Callable[[Graph, Any, list[Value]], str | list[str]]
Pair = tuple[int, int]

# Keras's name of an activation -> what ONNX has for it, and with which attributes.
ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "relu": ("Relu", {}),
    "sigmoid": ("Sigmoid", {}),
    "tanh": ("Tanh", {}),
    "hard_silu": ("HardSwish", {}),
}


def activated(graph: Graph, x: str, function: Any, channels: int) -> str:
    """Return an activation of Keras of `x`, which has so many channels."""
    name = getattr(function, "__name__", str(function))
    if name == "linear":
        return x
    if name == "relu6":
        return graph.node("Clip", [x, graph.constant(0), graph.constant(6)])
    if name == "hard_sigmoid":
        # No HardSigmoid: OpenCV 5.0 takes it with the product after it for another operation.
        sixth = graph.affine(x, 1 / 6, 0.5, channels)
        return graph.node("Clip", [sixth, graph.constant(0), graph.constant(1)])
    if name == "silu":
        return graph.node("Mul", [x, graph.node("Sigmoid", [x])])
    if name not in ACTIVATIONS:
        raise UnsupportedError(f"activation {name}")
    kind, attributes = ACTIVATIONS[name]
    return graph.node(kind, [x], **attributes)


def _same(x: Value, kernel: Pair, strides: Pair, dilation: Pair) -> dict[str, Any]:
    """Return the attribute that pads as TensorFlow's `same` does, more behind than before."""
    pads = []
    for side, taps, stride, apart in zip(sides_of(x), kernel, strides, dilation, strict=True):
        span = (taps - 1) * apart + 1
        # At stride 1 padding does not depend on the side; else it is left to the runtime.
        if stride > 1 and side is None:
            return {"auto_pad": "SAME_UPPER"}
        outputs = 1 if side is None else -(-side // stride)
        total = max((outputs - 1) * stride + span - (1 if side is None else side), 0)
        pads.append((total // 2, total - total // 2))
    return {"pads": tuple(pair[end] for end in (0, 1) for pair in pads)}


def _padding(layer: Any, x: Value, kernel: Pair, dilation: Pair = (1, 1)) -> dict[str, Any]:
    if layer.padding == "valid":
        return {"pads": (0, 0, 0, 0)}
    if layer.padding != "same":
        raise UnsupportedError(f"padding {layer.padding}")
    return _same(x, kernel, tuple(layer.strides), dilation)


def _array(variable: Any) -> np.ndarray:
    # In double precision: factors are folded into kernels before these are rounded.
    return keras.ops.convert_to_numpy(variable).astype(np.float64)


def _convolved(
    graph: Graph, layer: Any, x: Value, weights: np.ndarray, groups: int, **attributes: Any
) -> str:
    """Return a convolution; weights are (filters, channels / groups, rows, columns)."""
    inputs = [x.name, graph.constant(weights)]
    if layer.bias is not None:
        inputs.append(graph.constant(_array(layer.bias)))
    attributes["kernel_shape"] = weights.shape[2:]
    found = graph.node("Conv", inputs, group=groups, **attributes)
    return activated(graph, found, layer.activation, layer.compute_output_shape(x.shape)[-1])


def convolution(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `Conv2D`, with any dilation and in groups."""
    (x,) = inputs
    dilation = tuple(layer.dilation_rate)
    pads = _padding(layer, x, tuple(layer.kernel_size), dilation)
    weights = _array(layer.kernel).transpose(3, 2, 0, 1)
    strides = tuple(layer.strides)
    return _convolved(
        graph, layer, x, weights, layer.groups, strides=strides, dilations=dilation, **pads
    )


def depthwise(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `DepthwiseConv2D`: as many groups as channels."""
    (x,) = inputs
    dilation, strides = tuple(layer.dilation_rate), tuple(layer.strides)
    if isinstance(layer, StridedDilatedDepthwiseConv2D):
        dilation, strides = (layer.dilation,) * 2, (layer.stride,) * 2
        rows, columns = (layer.dilation * (taps // 2) for taps in layer.kernel_size)
        pads: dict[str, Any] = {"pads": (rows, columns, rows, columns)}
    else:
        pads = _padding(layer, x, tuple(layer.kernel_size), dilation)
    kernel = _array(layer.kernel)
    weights = kernel.reshape(*kernel.shape[:2], -1).transpose(2, 0, 1)[:, None]
    return _convolved(
        graph, layer, x, weights, x.channels, strides=strides, dilations=dilation, **pads
    )


def dense(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `Dense` of maps: a convolution of one pixel."""
    (x,) = inputs
    weights = _array(layer.kernel).T[:, :, None, None]
    return _convolved(graph, layer, x, weights, 1, strides=(1, 1), pads=(0, 0, 0, 0))


def transposed(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `Conv2DTranspose`, whose sides become the strides times what they were."""
    (x,) = inputs
    kernel, strides = tuple(layer.kernel_size), tuple(layer.strides)
    # Only then windows neither overlap nor leave gaps, and `same` pads nothing.
    if kernel != strides or set(layer.dilation_rate) != {1} or layer.output_padding is not None:
        raise UnsupportedError("Conv2DTranspose whose kernel and strides differ")
    weights = _array(layer.kernel).transpose(3, 2, 0, 1)
    names = [x.name, graph.constant(weights)]
    if layer.bias is not None:
        names.append(graph.constant(_array(layer.bias)))
    found = graph.node("ConvTranspose", names, kernel_shape=kernel, strides=strides)
    return activated(graph, found, layer.activation, layer.filters)


def batch_normalisation(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `BatchNormalization` as its running statistics have it: a factor and a sum."""
    (x,) = inputs
    if layer.axis not in (-1, 3):
        raise UnsupportedError(f"normalisation along axis {layer.axis}")
    mean, variance = _array(layer.moving_mean), _array(layer.moving_variance)
    scale = (variance + layer.epsilon) ** -0.5
    scale = scale * _array(layer.gamma) if layer.scale else scale
    shift = -mean * scale + (_array(layer.beta) if layer.center else 0)
    return graph.affine(x.name, scale, shift, x.channels)


def rescaling(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `Rescaling`."""
    (x,) = inputs
    return graph.affine(x.name, layer.scale, layer.offset, x.channels)


def prelu(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `PReLU` with a slope for each channel."""
    (x,) = inputs
    slope = _array(layer.alpha)
    if slope.size != slope.shape[-1]:
        raise UnsupportedError("PReLU with a slope for each pixel")
    return graph.node("PRelu", [x.name, graph.constant(slope.reshape(-1, 1, 1))])


def leaky_relu(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `LeakyReLU`."""
    return graph.node("LeakyRelu", [inputs[0].name], alpha=float(layer.negative_slope))


def activation(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `Activation`."""
    return activated(graph, inputs[0].name, layer.activation, inputs[0].channels)


def rectified(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `ReLU`."""
    if layer.threshold or layer.negative_slope or layer.max_value not in (None, 6):
        raise UnsupportedError("ReLU with a threshold, a slope or another maximum than 6")
    name = "relu" if layer.max_value is None else "relu6"
    return activated(graph, inputs[0].name, name, inputs[0].channels)


def zero_padding(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `ZeroPadding2D`, which becomes part of the convolution after it."""
    (top, bottom), (left, right) = layer.padding
    return graph.node(PAD, [inputs[0].name], pads=(top, left, bottom, right))


def pooling(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `MaxPooling2D` and `AveragePooling2D`, which leave out what lies outside."""
    (x,) = inputs
    kind = "MaxPool" if isinstance(layer, layers.MaxPooling2D) else "AveragePool"
    kernel = tuple(layer.pool_size)
    pads = _padding(layer, x, kernel)
    return graph.node(kind, [x.name], kernel_shape=kernel, strides=tuple(layer.strides), **pads)


def global_average(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `GlobalAveragePooling2D` that keeps its axes."""
    if not layer.keepdims:
        raise UnsupportedError("GlobalAveragePooling2D without keepdims")
    return graph.node("GlobalAveragePool", [inputs[0].name])


def total(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `Add`; one cell among maps of a known size is spread, see `spread_by_arithmetic`."""
    largest = max(inputs, key=lambda x: x.shape[1] or 0)
    names = [
        resize(graph, x, sides_of(largest), "", True)
        if x.known and largest.known and sides_of(x) == (1, 1)
        else x.name
        for x in inputs
    ]
    return graph.node("Add" if len(names) == 2 else "Sum", names)


def product(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `Multiply`."""
    found = inputs[0].name
    for x in inputs[1:]:
        found = graph.node("Mul", [found, x.name])
    return found


def concatenated(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `Concatenate` of channels."""
    if layer.axis not in (-1, 3):
        raise UnsupportedError(f"Concatenate along axis {layer.axis}")
    return graph.node("Concat", [x.name for x in inputs], axis=1)


def passed(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write a layer that does nothing once a network is trained."""
    return inputs[0].name


def written_as(kinds: Sequence[type], writer: Writer) -> dict[type, Writer]:
    """Return the entries of kinds of layers that one function writes."""
    return dict.fromkeys(kinds, writer)


WRITERS: dict[type, Writer] = {
    **written_as((layers.Conv2D, DilatedConv2D, GroupedConv2D), convolution),
    **written_as(
        (layers.DepthwiseConv2D, DilatedDepthwiseConv2D, StridedDilatedDepthwiseConv2D), depthwise
    ),
    **written_as((layers.MaxPooling2D, layers.AveragePooling2D, WindowPooling), pooling),
    **written_as((layers.Dropout, layers.SpatialDropout2D, layers.Identity), passed),
    layers.Dense: dense,
    layers.Conv2DTranspose: transposed,
    layers.BatchNormalization: batch_normalisation,
    layers.Rescaling: rescaling,
    layers.PReLU: prelu,
    layers.LeakyReLU: leaky_relu,
    layers.ReLU: rectified,
    layers.Activation: activation,
    layers.ZeroPadding2D: zero_padding,
    layers.GlobalAveragePooling2D: global_average,
    layers.Add: total,
    layers.Multiply: product,
    layers.Concatenate: concatenated,
}
