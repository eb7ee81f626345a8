"""Takes normalisations back through joined channels and sums of maps, into the convolutions there.

A factor goes back where all that is joined or added up comes from convolutions. A sum goes back
where their biases can add up to it, whatever else is added: in a pyramid of convolutions whose
partial sums are joined, each bias makes up for what the ones before it have added already.
"""

import numpy as np

from roadseg.export.graphs.graph import AFFINE, Graph, Node
from roadseg.export.graphs.kernels import (
    CONVOLUTIONS,
    bypass,
    channels_of,
    filters_of,
    scale_outputs,
)
from roadseg.export.graphs.sizes import CHANNELS

SUMS = ("Add", "Sum")
# A sum over its factor: beyond, the factor is next to nothing, and so is what it multiplies.
LARGEST = 1e3


def take_back(graph: Graph, outputs: list[str], factors_stay: bool = False) -> None:
    """Fold normalisations, or their sums alone, into convolutions before joined or summed maps.

    factors_stay: leave a sum where its factor has to stay, so that values keep their ranges.
    """
    for node in [node for node in graph.nodes if node.kind == AFFINE]:
        tree = _Tree(graph, outputs, node)
        scale, shift = node.attributes["scale"], node.attributes["shift"]
        before = node.inputs[0]
        if tree.joins(before) and tree.takes_factors(before) and node.output not in outputs:
            tree.multiply(before, scale, shift)
            bypass(graph, node)
        elif not factors_stay and np.any(shift) and np.all(scale):
            wanted = shift / scale
            if np.abs(wanted).max() <= LARGEST and tree.satisfy(wanted):
                tree.add()
                node.attributes = {"scale": scale, "shift": np.zeros_like(shift)}


class _Tree:
    """The sums and joined channels before one normalisation, down to convolutions and others."""

    def __init__(self, graph: Graph, outputs: list[str], root: Node) -> None:
        self.graph, self.outputs, self.root = graph, set(outputs), root
        self.makers = {name: node for node in graph.nodes for name in node.outputs}
        self.order = {node: place for place, node in enumerate(graph.nodes)}
        self.channels = channels_of(graph)
        self.added: dict[str, np.ndarray] = {}
        """By the name of a convolution's value: what its bias gets more."""
        self.inside = {root}
        self.takers: dict[str, list[Node]] = {}
        for node in graph.nodes:
            for name in node.inputs:
                self.takers.setdefault(name, []).append(node)
        self._enter(root.inputs[0])

    def _enter(self, name: str) -> None:
        if self.joins(name) and self.makers[name] not in self.inside:
            self.inside.add(self.makers[name])
            for part in self.makers[name].inputs:
                self._enter(part)

    def joins(self, name: str) -> bool:
        """Return whether a value is made of others of known channels, joined or summed."""
        maker = self.makers.get(name)
        if maker is None or not all(part in self.channels for part in maker.inputs):
            return False
        if maker.kind in SUMS:
            return len({self.channels[part] for part in maker.inputs}) == 1
        return maker.kind == "Concat" and maker.attributes["axis"] == CHANNELS

    def takes_factors(self, name: str) -> bool:
        """Return whether all that a value is made of comes from convolutions, used for it alone."""
        if len(self.takers[name]) > 1 or name in self.outputs:
            return False
        maker = self.makers.get(name)
        if maker is not None and maker.kind in CONVOLUTIONS:
            return True
        return maker is not None and self.joins(name) and all(map(self.takes_factors, maker.inputs))

    def multiply(self, name: str, scale: np.ndarray, shift: np.ndarray) -> None:
        """Let the convolutions that a value is made of multiply it, and add to it."""
        maker = self.makers[name]
        if maker.kind in CONVOLUTIONS:
            scale_outputs(self.graph, maker, scale, shift)
        elif maker.kind in SUMS:
            for number, part in enumerate(maker.inputs):
                self.multiply(part, scale, np.zeros_like(shift) if number else shift)
        else:
            scales, shifts = self._split(maker, scale), self._split(maker, shift)
            for part, one, other in zip(maker.inputs, scales, shifts, strict=True):
                self.multiply(part, one, other)

    def satisfy(self, wanted: np.ndarray) -> bool:
        """Choose biases so that what is normalised gets `wanted` (channels,) more.

        Returns whether there are such biases.
        """
        before = self.root.inputs[0]
        # Again at the end: summands may have convolutions in common.
        return self._satisfy(before, wanted) and np.allclose(self._gained(before), wanted)

    def _satisfy(self, name: str, wanted: np.ndarray) -> bool:
        """Choose biases for one value; what was chosen before stays as it is."""
        maker = self.makers.get(name)
        if maker is None:
            return False
        if maker.kind in CONVOLUTIONS:
            if name in self.added or not self._is_closed(name):
                return bool(name in self.added and np.array_equal(self.added[name], wanted))
            self.added[name] = wanted
            return True
        if not self.joins(name):
            return False
        if maker.kind in SUMS:
            return any(
                self._by_summand(maker, number, wanted) for number in range(len(maker.inputs))
            )
        # As they are made: the sum of some convolutions before the sum of these and another.
        parts = zip(maker.inputs, self._split(maker, wanted), strict=True)
        ordered = sorted(parts, key=lambda part: self._place(part[0]))
        return all(self._satisfy(part, share) for part, share in ordered)

    def _by_summand(self, maker: Node, number: int, wanted: np.ndarray) -> bool:
        """Let one of the summands make up for what the others add."""
        before = dict(self.added)
        others = [part for place, part in enumerate(maker.inputs) if place != number]
        rest = wanted - sum(self._gained(part) for part in others)
        if self._satisfy(maker.inputs[number], rest):
            # None of them may change any more.
            for part in self._leaves(maker.output):
                self.added.setdefault(part, np.zeros(self.channels[part]))
            return True
        self.added = before
        return False

    def add(self) -> None:
        """Give the convolutions the biases that were chosen."""
        for name, more in self.added.items():
            if np.any(more):
                node = self.makers[name]
                scale_outputs(self.graph, node, np.ones(filters_of(self.graph, node)), more)

    def _gained(self, name: str) -> np.ndarray:
        """Return what a value gets more by the biases that are chosen so far."""
        if name in self.added:
            return self.added[name]
        if not self.joins(name):
            return np.zeros(self.channels[name])
        maker = self.makers[name]
        parts = [self._gained(part) for part in maker.inputs]
        return np.sum(parts, axis=0) if maker.kind in SUMS else np.concatenate(parts)

    def _leaves(self, name: str) -> list[str]:
        """Return the convolutions' values that a value is made of."""
        if self.joins(name):
            return [leaf for part in self.makers[name].inputs for leaf in self._leaves(part)]
        maker = self.makers.get(name)
        return [name] if maker is not None and maker.kind in CONVOLUTIONS else []

    def _is_closed(self, name: str) -> bool:
        """Return whether a value, and what is made of it, goes to the normalisation alone."""
        if name in self.outputs:
            return False
        return all(
            node is self.root or (node in self.inside and self._is_closed(node.output))
            for node in self.takers.get(name, [])
        )

    def _split(self, maker: Node, values: np.ndarray) -> list[np.ndarray]:
        ends = np.cumsum([self.channels[part] for part in maker.inputs])[:-1]
        return np.split(values, ends)

    def _place(self, name: str) -> int:
        maker = self.makers.get(name)
        return -1 if maker is None else self.order[maker]
