"""Edits of a graph around its convolutions: kernels that are multiplied, nodes that are left out.

Kernels are multiplied in double precision, though they are rounded to single after each edit.
"""

from collections.abc import Mapping

import numpy as np

from roadseg.export.graphs.graph import AFFINE, PAD, Graph, Node

CONVOLUTIONS = ("Conv", "ConvTranspose")
# What has as many channels as the one map that it takes, or as the largest of several.
OF_ONE = {
    *("AveragePool", "GlobalAveragePool", "MaxPool", "Resize", "Expand", "MatMul", PAD),
    *("Relu", "LeakyRelu", "PRelu", "Clip", "Sigmoid", "Tanh", "HardSwish"),
}
OF_SEVERAL = {"Add", "Sum", "Mul"}


def takers(graph: Graph, name: str) -> list[Node]:
    """Return the nodes that take a value."""
    return [node for node in graph.nodes if name in node.inputs]


def bypass(graph: Graph, node: Node) -> None:
    """Leave out a node: what took its output takes its first input."""
    for taker in takers(graph, node.output):
        taker.inputs = [node.inputs[0] if name == node.output else name for name in taker.inputs]
    graph.nodes.remove(node)


def weights_of(graph: Graph, node: Node) -> np.ndarray:
    """Return the kernel of a convolution in double precision."""
    return graph.constants[node.inputs[1]].astype(np.float64)


def bias_of(graph: Graph, node: Node) -> np.ndarray:
    """Return the bias of a convolution, zeros where it has none, in double precision."""
    if len(node.inputs) > 2:
        return graph.constants[node.inputs[2]].astype(np.float64)
    return np.zeros(filters_of(graph, node))


def filters_of(graph: Graph, node: Node) -> int:
    """Return how many channels a convolution gives."""
    return int(graph.constants[node.inputs[1]].shape[_outputs_axis(node)])


def set_kernel(graph: Graph, node: Node, weights: np.ndarray, bias: np.ndarray) -> None:
    """Give a convolution another kernel and bias; one of zeros is left out."""
    graph.scope = node.output.rpartition("/")[0]
    node.inputs[1:] = [graph.constant(weights)]
    if np.any(bias):
        node.inputs.append(graph.constant(bias))


def scale_outputs(graph: Graph, node: Node, scale: np.ndarray, shift: np.ndarray) -> None:
    """Multiply the results of a convolution, and add to them."""
    weights = weights_of(graph, node)
    shape = [1] * weights.ndim
    shape[_outputs_axis(node)] = -1
    bias = bias_of(graph, node) * scale + shift
    set_kernel(graph, node, weights * scale.reshape(shape), bias)


def scale_inputs(graph: Graph, node: Node, scale: np.ndarray) -> None:
    """Let a convolution, in groups or transposed, multiply the channels that it takes."""
    weights = weights_of(graph, node)
    if node.kind == "ConvTranspose":
        factors = scale[:, None]
    else:
        # Filters of one group lie side by side, and so do the channels that they take.
        groups = node.attributes["group"]
        factors = np.repeat(scale.reshape(groups, -1), len(weights) // groups, axis=0)
    set_kernel(graph, node, weights * factors[:, :, None, None], bias_of(graph, node))


def channels_of(graph: Graph) -> Mapping[str, int]:
    """Return how many channels each value has of which the nodes tell it."""
    found: dict[str, int] = {}
    for node in graph.nodes:
        known = [found[name] for name in node.inputs if name in found]
        if node.kind in CONVOLUTIONS:
            found[node.output] = filters_of(graph, node)
        elif node.kind == AFFINE:
            found[node.output] = len(node.attributes["scale"])
        elif node.kind in OF_ONE and len(known) == 1:
            found[node.output] = known[0]
        elif len(known) == len(node.inputs) and node.kind in OF_SEVERAL:
            found[node.output] = max(known)
        elif len(known) == len(node.inputs) and node.kind == "Concat":
            found[node.output] = sum(known)
    return found


def _outputs_axis(node: Node) -> int:
    # Transposed kernels have their outputs on the second axis.
    return 0 if node.kind == "Conv" else 1
