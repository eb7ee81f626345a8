"""What makes a graph lean: sums and factors folded into convolutions, zeros into their padding.

Each function changes a graph in place and keeps what it computes, but for rounding.
"""

from collections import defaultdict

import numpy as np

from roadseg.export.graphs.graph import AFFINE, BINS, PAD, Graph, Node
from roadseg.export.graphs.kernels import (
    CONVOLUTIONS,
    bias_of,
    bypass,
    scale_outputs,
    set_kernel,
    takers,
    weights_of,
)
from roadseg.export.graphs.onwards import take_on
from roadseg.export.graphs.sizes import CHANNELS, written_bins
from roadseg.export.graphs.upwards import take_back

# Of the largest shift: what is left of a colour that is taken off and put on again.
NOTHING = 1e-12


def make_lean(graph: Graph, outputs: list[str], keep_ranges: bool = False) -> None:
    """Fold what can be folded, leave out what no output needs, and write the rest in ONNX's nodes.

    outputs: names of the values that the graph gives. keep_ranges: keep each normalisation of a
        map where the network has it, unless it is part of a convolution: less exact numbers do
        with channels whose ranges are alike.
    """
    # First: what nobody needs would count as a use and hinder folding.
    drop_unused(graph, outputs)
    fold_backwards(graph, outputs)
    take_back(graph, outputs, keep_ranges)
    fold_forwards(graph, outputs)
    if not keep_ranges:
        take_on(graph, outputs)
    fold_padding(graph, outputs)
    spread_by_arithmetic(graph, outputs)
    drop_unused(graph, outputs)
    written_in_onnx(graph)
    drop_unused(graph, outputs)


def drop_unused(graph: Graph, outputs: list[str]) -> None:
    """Leave out nodes and constants that no output depends on."""
    needed, kept = set(outputs), []
    for node in reversed(graph.nodes):
        if needed.intersection(node.outputs):
            needed.update(node.inputs)
            kept.append(node)
    graph.nodes = kept[::-1]
    graph.constants = {name: x for name, x in graph.constants.items() if name in needed}


def fold_backwards(graph: Graph, outputs: list[str]) -> None:
    """Fold factors and sums into the convolution, or the factors and sums, that they follow."""
    makers = {name: node for node in graph.nodes for name in node.outputs}
    counts = _uses(graph, outputs)
    gone = set()
    for node in graph.nodes:
        maker = makers.get(node.inputs[0]) if node.kind == AFFINE else None
        # Others take the value as it was before.
        if maker is None or counts[maker.output] > 1:
            continue
        if maker.kind in CONVOLUTIONS:
            scale_outputs(graph, maker, node.attributes["scale"], node.attributes["shift"])
        elif maker.kind == AFFINE:
            scale, own = node.attributes["scale"], maker.attributes
            shift = node.attributes["shift"] + scale * own["shift"]
            tiny = NOTHING * np.abs(node.attributes["shift"])
            shift = np.where(np.abs(shift) <= tiny, 0, shift)
            maker.attributes = {"scale": scale * own["scale"], "shift": shift}
        else:
            continue
        # What took the folded node's value takes the convolution's, under the former's name.
        maker.outputs = node.outputs
        makers[node.output] = maker
        gone.add(node)
    graph.nodes = [node for node in graph.nodes if node not in gone]


def fold_forwards(graph: Graph, outputs: list[str]) -> None:
    """Fold factors and reversed channels into all convolutions that they go to, and to no others.

    A sum stays before a convolution that pads by zeros, of what it was before its factor.
    """
    for kind in ("Gather", AFFINE):
        for node in [node for node in graph.nodes if node.kind == kind]:
            taking, padded = _takers_behind_zeros(graph, node.output)
            if node.output in outputs or not all(_is_plain(taker) for taker in taking):
                continue
            if kind == AFFINE:
                _scale_inputs(graph, node, taking, padded)
            elif node.attributes.get("axis") == CHANNELS:
                _permute_inputs(graph, node, taking)


def fold_padding(graph: Graph, outputs: list[str]) -> None:
    """Fold zeros around a map into the padding of the convolutions that take it."""
    # The last first: zeros around zeros go with them.
    for node in [node for node in reversed(graph.nodes) if node.kind == PAD]:
        taking = takers(graph, node.output)
        if node.output in outputs or not all(
            taker.kind == "Conv" and "pads" in taker.attributes for taker in taking
        ):
            continue
        for taker in taking:
            pads = zip(taker.attributes["pads"], node.attributes["pads"], strict=True)
            taker.attributes["pads"] = tuple(own + added for own, added in pads)
            taker.inputs[0] = node.inputs[0]


def spread_by_arithmetic(graph: Graph, outputs: list[str]) -> None:
    """Leave out spreading one cell over a map where a sum or a product with such a map does it.

    But not in a sum with what a convolution gives, at a known size: OpenCV 5.0 takes the two for
    one operation, which takes maps of one size alone, whether the cell was spread before or not; a
    resize it leaves alone.
    """
    makers = {name: node for node in graph.nodes for name in node.outputs}
    spread = {node.output for node in graph.nodes if node.kind == "Expand"}
    # Sorted, so that a network gives the same file each time.
    for node in [makers[name] for name in sorted(spread)]:
        taking = takers(graph, node.output)
        if node.output in outputs or not all(
            taker.kind in ("Add", "Mul") and not spread.issuperset(taker.inputs) for taker in taking
        ):
            continue
        sizes = graph.constants.get(node.inputs[1])
        others = {name for taker in taking if taker.kind == "Add" for name in taker.inputs}
        others.discard(node.output)
        if sizes is not None and any(makers[name].kind == "Conv" for name in others):
            node.kind, node.inputs = "Resize", [node.inputs[0], "", "", node.inputs[1]]
            node.attributes = {"mode": "nearest", "nearest_mode": "floor"}
            node.attributes["coordinate_transformation_mode"] = "asymmetric"
        else:
            bypass(graph, node)
            spread.remove(node.output)


def written_in_onnx(graph: Graph) -> None:
    """Write the nodes that ONNX has not in its own."""
    nodes, graph.nodes = graph.nodes, []
    for node in nodes:
        graph.scope = node.output.rpartition("/")[0] or node.output
        if node.kind == AFFINE:
            _write_affine(graph, node)
        elif node.kind == PAD:
            top, left, bottom, right = node.attributes["pads"]
            pads = graph.integers(0, 0, top, left, 0, 0, bottom, right)
            zero = graph.constant(0)
            graph.nodes.append(Node("Pad", [node.inputs[0], pads, zero], node.outputs))
        elif node.kind == BINS:
            counts, axis = node.attributes["counts"], node.attributes["axis"]
            matrix = written_bins(graph, node.inputs[0], counts, axis)
            inputs = [matrix, graph.integers(*counts)]
            graph.nodes.append(Node("Split", inputs, node.outputs, {"axis": axis}))
        else:
            graph.nodes.append(node)


def _uses(graph: Graph, outputs: list[str]) -> dict[str, int]:
    """Return how often each value is taken."""
    counts: dict[str, int] = defaultdict(int)
    for name in [*outputs, *(name for node in graph.nodes for name in node.inputs)]:
        counts[name] += 1
    return counts


def _takers_behind_zeros(graph: Graph, name: str) -> tuple[list[Node], bool]:
    """Return what takes a value, zeros around it or not, and whether there are any."""
    found, padded = [], False
    for node in takers(graph, name):
        if node.kind != PAD:
            found.append(node)
            continue
        found += _takers_behind_zeros(graph, node.output)[0]
        padded = True
    return found, padded


def _is_plain(node: Node) -> bool:
    """Return whether a node is a convolution of one group, whose inputs can be folded into it."""
    return node.kind == "Conv" and node.attributes["group"] == 1


def _permute_inputs(graph: Graph, gather: Node, convolutions: list[Node]) -> None:
    """Let convolutions take channels in the order in which they lie before `gather`."""
    order = graph.constants[gather.inputs[1]]
    for node in convolutions:
        # argsort of an order is its inverse.
        weights = graph.constants[node.inputs[1]][:, np.argsort(order)]
        node.inputs[1] = graph.constant(weights)
    bypass(graph, gather)


def _scale_inputs(graph: Graph, affine: Node, convolutions: list[Node], padded: bool) -> None:
    """Let convolutions multiply what they take, and add to it where none pads."""
    scale, shift = affine.attributes["scale"], affine.attributes["shift"]
    padded |= any(node.attributes.get("pads") != (0, 0, 0, 0) for node in convolutions)
    # The shift may have to be divided by the factor, see below.
    if not np.all(scale):
        return
    for node in convolutions:
        weights = weights_of(graph, node)
        added = 0 if padded else weights.sum(axis=(2, 3)) @ shift
        set_kernel(graph, node, weights * scale[:, None, None], bias_of(graph, node) + added)
    if padded and np.any(shift):
        affine.attributes = {"scale": np.ones_like(scale), "shift": shift / scale}
    else:
        bypass(graph, affine)


def _write_affine(graph: Graph, node: Node) -> None:
    steps = [
        (kind, part.reshape(1, -1, 1, 1))
        for kind, part, idle in (
            ("Mul", node.attributes["scale"], 1),
            ("Add", node.attributes["shift"], 0),
        )
        if np.any(part != idle)
    ] or [("Identity", None)]
    x = node.inputs[0]
    for number, (kind, part) in enumerate(steps, start=1):
        last = number == len(steps)
        output = node.output if last else graph.name(f"{node.output}/{kind}")
        inputs = [x] if part is None else [x, graph.constant(part)]
        graph.nodes.append(Node(kind, inputs, [output]))
        x = output
