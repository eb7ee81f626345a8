"""A graph that grows layer by layer: values, nodes and constants, in ONNX's terms.

Maps are (batch, channels, height, width) inside, as every runtime of ONNX has them; the shape that
a `Value` carries is that of Keras, (batch, height, width, channels), None for what is not known.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Shape = tuple[int | None, ...]
AFFINE, PAD, BINS = "Affine", "ZeroPad", "Bins"
"""Nodes that ONNX has not, which `passes` fold into others or write as those of ONNX.

Affine: x times `scale` plus `shift`, arrays of one value a channel.
ZeroPad: zeros around rows and columns, `pads` = (top, left, bottom, right).
Bins: the averaging matrices, each (bins, side), of an axis of unknown side; `counts` are the bins.
"""


class UnsupportedError(Exception):
    """A layer, or an option of one, that no function here writes."""


@dataclass(frozen=True)
class Value:
    """What a layer takes and gives."""

    name: str
    shape: Shape

    @property
    def channels(self) -> int:
        """How many channels it has."""
        (*_, channels) = self.shape
        if channels is None:
            raise UnsupportedError(f"{self.name}: channels not known")
        return channels

    @property
    def known(self) -> bool:
        """Whether height and width are."""
        return None not in self.shape[1:3]


@dataclass(eq=False)
class Node:
    """One operation; an empty name among the inputs is an input left out."""

    kind: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def output(self) -> str:
        """Its first output."""
        return self.outputs[0]


class Graph:
    """Nodes in the order in which they run, and the constants that they take."""

    def __init__(self, image: str = "image") -> None:
        """Begin with nothing but an input, `image`: of several, one that has the batch of all."""
        self.image = image
        self.nodes: list[Node] = []
        self.constants: dict[str, np.ndarray] = {}
        self.scope = "graph"
        self._taken: Counter[str] = Counter()
        self._known: dict[Any, str] = {}

    def name(self, base: str) -> str:
        """Return a name that no other value has, like `base`."""
        self._taken[base] += 1
        return base if self._taken[base] == 1 else f"{base}_{self._taken[base]}"

    def constant(self, array: Any, dtype: Any = np.float32) -> str:
        """Return the name of a constant; equal ones are kept once."""
        values = np.ascontiguousarray(np.asarray(array, dtype))
        key = (values.dtype.str, values.shape, values.tobytes())
        if key not in self._known:
            self._known[key] = self.name(f"{self.scope}/constant")
            self.constants[self._known[key]] = values
        return self._known[key]

    def integers(self, *values: int) -> str:
        """Return the name of a constant vector of integers, as ONNX takes sizes and axes."""
        return self.constant(values, np.int64)

    def node(self, kind: str, inputs: Sequence[str], outputs: int = 1, **attributes: Any) -> Any:
        """Add a node; return its output's name, or a list of as many as asked for."""
        names = [self.name(f"{self.scope}/{kind}") for _ in range(outputs)]
        self.nodes.append(Node(kind, list(inputs), names, attributes))
        return names[0] if outputs == 1 else names

    def affine(self, x: str, scale: Any, shift: Any, channels: int) -> str:
        """Return x times `scale` plus `shift`, numbers or one for each of the channels."""
        whole = [np.broadcast_to(np.asarray(part, np.float64), channels) for part in (scale, shift)]
        return self.node(AFFINE, [x], scale=whole[0], shift=whole[1])

    def once(self, key: Any, make: Any) -> str:
        """Return the name that `make()` gave for `key`, called the first time alone."""
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]
