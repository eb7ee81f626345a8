"""Takes factors of normalisations on to where they cost nothing: into kernels that come later.

relu(s x) is s relu(x) for s above zero, and so it is with poolings, enlargements and channels that
are joined: a factor passes through them and ends in the kernels behind.
"""

from collections.abc import Callable

import numpy as np

from roadseg.export.graphs.graph import AFFINE, PAD, Graph, Node
from roadseg.export.graphs.kernels import CONVOLUTIONS, bypass, channels_of, scale_inputs
from roadseg.export.graphs.sizes import CHANNELS

# What gives s f(x) for s x, whatever s (MatMul: of the places of each channel); and for s above 0.
LINEAR = {"AveragePool", "GlobalAveragePool", "Resize", "Expand", PAD, "MatMul"}
HOMOGENEOUS = {"Relu", "LeakyRelu", "MaxPool"}
# The least slope below zero whose inverse is used.
LEAST_SLOPE = 1e-2
Action = Callable[[], None]


def take_on(graph: Graph, outputs: list[str]) -> None:
    """Fold factors into the kernels, and into the other factors, that they reach.

    A sum that stays is of what it was before its factor. A factor stays where any of its ways ends
    elsewhere: at an output, at the sum of two maps, at a function that it does not pass.
    """
    for node in [node for node in graph.nodes if node.kind == AFFINE]:
        scale, shift = node.attributes["scale"], node.attributes["shift"]
        if np.all(scale == 1) or not np.all(scale):
            continue
        actions = _Walk(graph, outputs).actions(node.output, scale)
        if actions is None:
            continue
        for action in actions:
            action()
        if np.any(shift):
            node.attributes = {"scale": np.ones_like(scale), "shift": shift / scale}
        else:
            bypass(graph, node)


class _Walk:
    """From one value to all kernels behind it."""

    def __init__(self, graph: Graph, outputs: list[str]) -> None:
        self.graph, self.outputs = graph, set(outputs)
        self.channels = channels_of(graph)
        self.turned: set[Node] = set()
        self.takers: dict[str, list[Node]] = {}
        for node in graph.nodes:
            for name in dict.fromkeys(node.inputs):
                self.takers.setdefault(name, []).append(node)

    def actions(self, name: str, scale: np.ndarray) -> list[Action] | None:
        """Return what multiplies all that is made of a value by `scale`; None if that cannot be."""
        if name in self.outputs or self.channels.get(name) != len(scale):
            return None
        found: list[Action] = []
        for node in self.takers.get(name, []):
            more = self._through(node, name, scale)
            if more is None:
                return None
            found += more
        return found

    def _through(self, node: Node, name: str, scale: np.ndarray) -> list[Action] | None:
        if node.kind in CONVOLUTIONS:
            return [lambda: scale_inputs(self.graph, node, scale)]
        if node.kind == AFFINE:
            return [lambda: _scale_affine(node, scale)]
        if node.kind == "Shape":
            return []
        if node.kind == "PRelu":
            return self._through_prelu(node, scale)
        if node.kind in LINEAR or (node.kind in HOMOGENEOUS and np.all(scale > 0)):
            return self.actions(node.output, scale)
        if node.kind == "Concat" and node.attributes["axis"] == CHANNELS:
            return self._through_concat(node, name, scale)
        if node.kind == "Mul" and node.inputs.count(name) == 1:
            # A map of one channel may weigh all of another.
            whole = self.channels.get(node.output, len(scale))
            return self.actions(node.output, np.broadcast_to(scale, whole))
        return None

    def _through_prelu(self, node: Node, scale: np.ndarray) -> list[Action] | None:
        """Pass, channels of a factor below zero with the inverse slope.

        With slope a, f(s x) is then a s times what slope 1/a makes of x.
        """
        slopes = self.graph.constants[node.inputs[1]].astype(np.float64).reshape(-1)
        slopes, below = np.broadcast_to(slopes, scale.shape), scale < 0
        if not np.any(below):
            return self.actions(node.output, scale)
        if node in self.turned or np.any(np.abs(slopes[below]) < LEAST_SLOPE):
            return None
        self.turned.add(node)
        found = self.actions(node.output, np.where(below, scale * slopes, scale))
        if found is None:
            return None
        turned = np.divide(1, slopes, out=slopes.copy(), where=below)
        return [lambda: _set_slopes(self.graph, node, turned), *found]

    def _through_concat(self, node: Node, name: str, scale: np.ndarray) -> list[Action] | None:
        if not all(part in self.channels for part in node.inputs):
            return None
        parts = [scale if part == name else np.ones(self.channels[part]) for part in node.inputs]
        return self.actions(node.output, np.concatenate(parts))


def _scale_affine(node: Node, scale: np.ndarray) -> None:
    node.attributes = {**node.attributes, "scale": node.attributes["scale"] * scale}


def _set_slopes(graph: Graph, node: Node, slopes: np.ndarray) -> None:
    graph.scope = node.output.rpartition("/")[0]
    node.inputs[1] = graph.constant(slopes.reshape(-1, 1, 1))
