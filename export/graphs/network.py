"""A network of images to labels as one ONNX graph, made from its layers.

tf2onnx, which starts from TensorFlow's operations, needs dozens of nodes for what ONNX has one for:
resizes, dilated convolutions of images of any size, poolings to a number of bins.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np

from roadseg.export.fixed_size import Size, image_shape
from roadseg.export.graphs import keras_layers, own_layers, samplers, warps
from roadseg.export.graphs.ends import (
    Described,
    described_inputs,
    described_sides,
    write_images,
    write_outputs,
)
from roadseg.export.graphs.graph import Graph, Node, UnsupportedError, Value
from roadseg.export.graphs.passes import make_lean
from roadseg.export.graphs.sampled import write_sampled
from roadseg.export.graphs.sizes import FLOAT, INT32
from roadseg.export.interface import LABELS_OF_RGB, Interface
from roadseg.export.saved_model import is_sampled

OPSET = 18
IR_VERSION = 8
"""The version of ONNX's files that came with operations of version 18."""
WRITERS = {**keras_layers.WRITERS, **own_layers.WRITERS, **samplers.WRITERS, **warps.WRITERS}


def labels_graph(
    model: keras.Model,
    size: Size | None = None,
    interface: Interface = LABELS_OF_RGB,
    keep_ranges: bool = False,
) -> Any:
    """Return an ONNX model from uint8 images to the labels that `model` finds.

    model: RGB 0..255 (batch, height, width, 3) to class logits at that size, or a dictionary with
        these as "logits"; of several cameras both by the cameras' names.
    size: height and width of the one image that it takes; None for any number of any size.
    Input `image` (batch, height, width, 3) uint8; output `labels` (batch, height, width) int32; or
    what `interface` names, of each camera.
    keep_ranges: as of `make_lean`; for files of less than single precision.
    Of a model that samples: what `converters.labels_function` gives.
    Raises UnsupportedError for a network with a layer that nothing here writes, and for anything
        but labels of RGB images of a model that samples.
    """
    if is_sampled(model):
        if interface != LABELS_OF_RGB:
            raise UnsupportedError("more than labels of RGB images of a model that samples")
        return _sampled_graph(model, size, keep_ranges)
    graph = Graph(interface.inputs[0])
    images = write_images(graph, size, interface)
    found = write_network(graph, model, images)
    logits = {view: found[view] for view in interface.views} or main_output(found)
    outputs = write_outputs(graph, logits, size, interface)
    make_lean(graph, [name for name, *_ in outputs], keep_ranges)
    return _written(graph, model.name, described_inputs(size, interface), outputs)


def graph_if_known(
    model: keras.Model,
    size: Size | None,
    interface: Interface,
    keep_ranges: bool,
    otherwise: str,
) -> Any | None:
    """Return what `labels_graph` does; None where a layer is not known, and say so.

    otherwise: what the file is written from or by then.
    """
    try:
        return labels_graph(model, size, interface, keep_ranges)
    except UnsupportedError as reason:
        print(f"{reason}: written {otherwise}, whose graphs are larger")
        return None


def _sampled_graph(model: Any, size: Size | None, keep_ranges: bool) -> Any:
    """Return the ONNX model of one that samples; its outputs have the batch of the images."""

    def network(inner: Any, image: Value) -> Value:
        return main_output(write_network(graph, inner, image))

    graph = Graph()
    shapes = write_sampled(graph, model, size, network)
    make_lean(graph, list(shapes), keep_ranges)
    names = ("batch", "height", "width")
    outputs = [
        (
            name,
            INT32 if name == "labels" else FLOAT,
            [names[axis] if side is None else side for axis, side in enumerate(shape)],
        )
        for name, shape in shapes.items()
    ]
    return _written(graph, model.name, described_inputs(size, LABELS_OF_RGB), outputs)


def logits_graph(model: keras.Model, size: Size | None = None) -> Any:
    """Return an ONNX model from float images to all that `model` gives, as maps of Keras.

    size: as of `labels_graph`. Input `image` (batch, height, width, 3) float32; outputs (batch,
    height, width, channels) float32, called `logits` or as `model` calls them.
    Raises UnsupportedError as `labels_graph` does.
    """
    graph = Graph()
    graph.scope = "image"
    turned = graph.node("Transpose", ["image"], perm=(0, 3, 1, 2))
    found = write_network(graph, model, Value(turned, image_shape(size)))
    heads = found if isinstance(found, dict) else {"logits": found}
    outputs = []
    for name, value in heads.items():
        graph.nodes.append(Node("Transpose", [value.name], [name], {"perm": (0, 2, 3, 1)}))
        sides = [known or f"{name}_{axis}" for axis, known in enumerate(value.shape)]
        outputs.append((name, FLOAT, sides))
    make_lean(graph, list(heads))
    return _written(graph, model.name, [("image", FLOAT, described_sides(size))], outputs)


def main_output(found: Any) -> Value:
    """Return the logits among what a network gives."""
    return found["logits"] if isinstance(found, dict) else keras.tree.flatten(found)[0]


def write_network(graph: Graph, model: Any, images: Any) -> Any:
    """Write the layers of `model` to `graph`; return what it gives, by name where it does so.

    images: a `Value`, or as many as `model` takes, in a list or by name.
    """
    functional = getattr(model, "_functional", None) or model
    if not hasattr(functional, "_run_through_graph"):
        raise UnsupportedError(f"{type(model).__name__}, which is no graph of layers")
    # By name they have the order of their names here as there.
    values = keras.tree.flatten(images)
    return functional._run_through_graph(values, lambda layer: partial(_write, graph, layer))


def _write(graph: Graph, layer: Any, inputs: Any, *_: Any, **__: Any) -> Any:
    """Write one layer, or the layers of a network inside; return what it gives."""
    if isinstance(layer, keras.Model):
        return write_network(graph, layer, inputs)
    if type(layer) not in WRITERS:
        raise UnsupportedError(type(layer).__name__)
    # Constants are written as float32.
    if layer.dtype_policy.compute_dtype != "float32":
        raise UnsupportedError(f"{layer.name} in {layer.dtype_policy.compute_dtype}")
    graph.scope = layer.name
    values = keras.tree.flatten(inputs)
    writer: Callable[..., Any] = WRITERS[type(layer)]
    names = writer(graph, layer, values)
    after = layer.compute_output_shape(_of(inputs))
    if isinstance(names, str):
        return Value(names, tuple(after))
    return [Value(name, tuple(shape)) for name, shape in zip(names, after, strict=True)]


def _of(inputs: Any) -> Any:
    """Return the shapes of what a layer takes, in a list where it takes several."""
    return [x.shape for x in inputs] if isinstance(inputs, (list, tuple)) else inputs.shape


def _written(graph: Graph, name: str, given: list[Described], outputs: list[Described]) -> Any:
    """Return `graph` as a model of ONNX, checked; values are described by name, type and shape."""
    import onnx
    from onnx import helper, numpy_helper

    nodes = [
        helper.make_node(node.kind, node.inputs, node.outputs, node.output, **node.attributes)
        for node in graph.nodes
    ]
    made = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info(*one) for one in given],
        [helper.make_tensor_value_info(*output) for output in outputs],
        [numpy_helper.from_array(np.asarray(x), name) for name, x in graph.constants.items()],
    )
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(made, opset_imports=opsets, producer_name="roadseg")
    # The newest by default, which older runtimes refuse.
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return model
