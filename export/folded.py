"""Networks whose normalisations are part of the convolutions before them, for TensorFlow's graphs.

TensorFlow folds no variables: behind each convolution it would multiply and add to whole maps.
"""

from functools import partial
from typing import Any

import keras
import numpy as np
from keras import layers

from roadseg.layers.convolution import DilatedConv2D
from roadseg.layers.dilated_depthwise import DilatedDepthwiseConv2D
from roadseg.layers.grouped import GroupedConv2D
from roadseg.layers.strided_depthwise import StridedDilatedDepthwiseConv2D

Tensor = Any
PLAIN = (layers.Conv2D, DilatedConv2D, GroupedConv2D, layers.Dense)
DEPTHWISE = (layers.DepthwiseConv2D, DilatedDepthwiseConv2D, StridedDilatedDepthwiseConv2D)
Pair = tuple[int, int]
"""The graph of layers, and one of its layers, by their identities: layers may be in several."""


def folded(model: keras.Model) -> Any:
    """Return `model` with normalisations folded, for inference; as it is if it is no graph."""
    from roadseg.sampling import SampledSegmenter

    if isinstance(model, SampledSegmenter):
        network = folded(model.network)
        # The sampler is left alone: a location that is rounded differently is another pixel.
        return SampledSegmenter(network, model.sampler, model.size, model.window, model.method)
    return model if _graph_of(model) is None else FoldedNetwork(model)


def _graph_of(model: Any) -> Any:
    """Return the graph of layers that a model is; None for a model of code."""
    graph = getattr(model, "_functional", None) or model
    return graph if hasattr(graph, "_run_through_graph") else None


class FoldedNetwork(keras.layers.Layer):
    """Calls the layers of a network, with kernels and biases that do what normalisations did."""

    def __init__(self, network: keras.Model) -> None:
        """Fold what can be folded of `network`, whose weights stay as they are."""
        super().__init__(name=network.name, dtype="float32")
        self.network = network
        self._kernels: dict[Pair, tuple[Any, Any]] = {}
        self._passed: set[Pair] = set()
        self._fold(network)
        self.built = True

    def call(self, images: Tensor, training: bool | None = None) -> Any:
        """Return what the network gives in inference."""
        return self._run(self.network, images)

    def _fold(self, network: keras.Model) -> None:
        graph = _graph_of(network)
        nodes = [node for level in graph._nodes_by_depth.values() for node in level]
        taken = [id(x) for node in nodes for x in node.input_tensors]
        taken += [id(x) for x in graph.outputs]
        called = [id(node.operation) for node in nodes]
        for node in nodes:
            norm = node.operation
            if isinstance(norm, keras.Model) and _graph_of(norm) is not None:
                self._fold(norm)
            if type(norm) is not layers.BatchNormalization or norm.axis not in (-1, 3):
                continue
            (x,) = node.input_tensors
            maker = x._keras_history.operation
            alone = taken.count(id(x)) == 1 and called.count(id(maker)) == 1
            if alone and called.count(id(norm)) == 1 and _is_plain(maker) and _is_plain(norm):
                self._kernels[id(graph), id(maker)] = _folded_weights(maker, norm)
                self._passed.add((id(graph), id(norm)))

    def _run(self, network: Any, inputs: Any) -> Any:
        graph = _graph_of(network)
        found = graph._run_through_graph(
            keras.tree.flatten(inputs), lambda layer: partial(self._call, id(graph), layer)
        )
        return found[0] if isinstance(found, (list, tuple)) and len(found) == 1 else found

    def _call(self, graph: int, layer: Any, *given: Any, **options: Any) -> Any:
        pair = graph, id(layer)
        if pair in self._passed:
            return given[0]
        if isinstance(layer, keras.Model) and _graph_of(layer) is not None:
            return self._run(layer, given[0])
        if pair not in self._kernels:
            if getattr(layer, "_call_has_training_arg", False):
                options["training"] = False
            return layer(*given, **options)
        kernel, bias = self._kernels[pair]
        values = [(layer.kernel, keras.ops.convert_to_tensor(kernel))]
        if layer.bias is not None:
            values.append((layer.bias, keras.ops.convert_to_tensor(bias)))
        with keras.StatelessScope(state_mapping=values):
            found = layer(*given)
        return found if layer.bias is not None else found + bias


def _is_plain(layer: Any) -> bool:
    """Return whether a layer is a normalisation or a convolution, in float32, and nothing more."""
    kinds = (*PLAIN, *DEPTHWISE, layers.BatchNormalization)
    activation = getattr(layer, "activation", None)
    linear = getattr(activation, "__name__", "linear") == "linear"
    return type(layer) in kinds and linear and layer.dtype_policy.compute_dtype == "float32"


def _folded_weights(convolution: Any, norm: Any) -> tuple[Any, Any]:
    """Return the kernel and the bias of a convolution that does what `norm` did behind it."""

    def array(variable: Any) -> np.ndarray:
        # In double precision: rounded once.
        return keras.ops.convert_to_numpy(variable).astype(np.float64)

    mean = array(norm.moving_mean)
    scale = (array(norm.moving_variance) + norm.epsilon) ** -0.5
    scale = scale * array(norm.gamma) if norm.scale else scale
    bias = 0 if convolution.bias is None else array(convolution.bias)
    shift = (bias - mean) * scale + (array(norm.beta) if norm.center else 0)
    kernel = array(convolution.kernel)
    # A depthwise kernel has channels and what is made of each, in this order.
    shape = kernel.shape[2:] if type(convolution) in DEPTHWISE else (-1,)
    return tuple(
        keras.Variable(values.astype(np.float32), trainable=False, name=name)
        for name, values in (("kernel", kernel * scale.reshape(shape)), ("bias", shift))
    )
