"""The two ends of an ONNX graph: uint8 images to maps of RGB, and logits to what is asked for.

Of several cameras there are as many images, and outputs whose names begin with the camera's.
"""

from typing import Any

import numpy as np

from roadseg.export.fixed_size import Size, image_shape
from roadseg.export.graphs.graph import Graph, Node, Value
from roadseg.export.graphs.sizes import FLOAT, INT32
from roadseg.export.interface import Interface
from roadseg.export.views import Views, parts, prefixed
from roadseg.ops.nv12 import BLACK, FROM_U, FROM_V, FROM_Y, OFFSET

UINT8 = 2
"""ONNX's number of a type."""
Described = tuple[str, int, list[Any]]
"""Name, number of the type, and sides, by name where they are open."""


def write_images(graph: Graph, size: Size | None, interface: Interface) -> Views:
    """Write what makes maps of RGB, 0..255, of each input; return them."""
    return interface.views_of([_image(graph, name, size, interface) for name in interface.inputs])


def _image(graph: Graph, name: str, size: Size | None, interface: Interface) -> Value:
    graph.scope = name
    if interface.is_nv12:
        return Value(_rgb_of_nv12(graph, name), image_shape(size))
    # While pixels are bytes: as floats, four times as much would be moved.
    turned = graph.node("Transpose", [name], perm=(0, 3, 1, 2))
    return Value(graph.node("Cast", [turned], to=FLOAT), image_shape(size))


def _rgb_of_nv12(graph: Graph, image: str) -> str:
    """Write `ops.nv12.rgb_of`."""
    upper, lower, colours = graph.node("Split", [image], 3, axis=1, num_outputs=3)
    rows = graph.node("Concat", [upper, lower], axis=1)
    y = graph.node("Cast", [graph.node("Unsqueeze", [rows, graph.integers(1)])], to=FLOAT)
    pairs = graph.node("Reshape", [colours, graph.integers(0, 0, -1, 2)])
    turned = graph.node("Transpose", [pairs], perm=(0, 3, 1, 2))
    found = graph.node("Cast", [turned], to=FLOAT)
    u, v = graph.node("Split", [found], 2, axis=1, num_outputs=2)
    # Not by a convolution, which files of 8 bits would round.
    tint = graph.node("Add", [_levels(graph, u, FROM_U), _levels(graph, v, FROM_V)])
    scales = graph.constant((1, 1, 2, 2))
    tint = graph.node(
        "Resize",
        [tint, "", scales],
        mode="nearest",
        nearest_mode="floor",
        coordinate_transformation_mode="asymmetric",
    )
    y = graph.node("Max", [y, graph.constant(BLACK)])
    offset = graph.constant(np.reshape(OFFSET, (1, 3, 1, 1)))
    light = graph.node("Add", [_levels(graph, y, FROM_Y), offset])
    rgb = graph.node("Add", [light, tint])
    return str(graph.node("Clip", [rgb, graph.constant(0), graph.constant(255)]))


def _levels(graph: Graph, plane: str, factors: tuple[float, ...]) -> str:
    """Return (batch, 3, h, w) of a plane (batch, 1, h, w) times a factor for R, G and B each."""
    return str(graph.node("Mul", [plane, graph.constant(np.reshape(factors, (1, 3, 1, 1)))]))


def write_outputs(
    graph: Graph, logits: Views, size: Size | None, interface: Interface
) -> list[Described]:
    """Write what makes the outputs that `interface` names of the logits; return their kinds."""
    return [
        described
        for view, of_view in parts(logits)
        for described in _outputs_of(graph, of_view, view, size, interface)
    ]


def _outputs_of(
    graph: Graph, logits: Value, view: str, size: Size | None, interface: Interface
) -> list[Described]:
    """Write the outputs of one image; return their kinds. view: of which camera, "" of one."""
    batch, height, width, _ = described_sides(size, view)
    graph.scope = prefixed(view, "outputs")
    maps, classes = [batch, height, width], [batch, height, width, logits.channels]
    shares = ""
    if {"probabilities", "confidence"} & set(interface.outputs):
        shares = graph.node("Softmax", [logits.name], axis=1)

    def labels() -> Described:
        best = graph.node("ArgMax", [logits.name], axis=1, keepdims=0)
        name = prefixed(view, "labels")
        graph.nodes.append(Node("Cast", [best], [name], {"to": INT32}))
        return name, INT32, maps

    def turned(source: str, kind: str) -> Described:
        name = prefixed(view, kind)
        graph.nodes.append(Node("Transpose", [source], [name], {"perm": (0, 2, 3, 1)}))
        return name, FLOAT, classes

    def confidence() -> Described:
        inputs, name = [shares, graph.integers(1)], prefixed(view, "confidence")
        graph.nodes.append(Node("ReduceMax", inputs, [name], {"keepdims": 0}))
        return name, FLOAT, maps

    made = interface.asked(
        {
            "labels": labels,
            "logits": lambda: turned(logits.name, "logits"),
            "probabilities": lambda: turned(shares, "probabilities"),
            "confidence": confidence,
        }
    )
    return list(made.values())


def described_inputs(size: Size | None, interface: Interface) -> list[Described]:
    """Return the kinds of the inputs; images of several cameras may be of unlike sizes."""
    described = []
    for name in interface.inputs:
        view = name if interface.views else ""
        batch, height, width, channels = sides_by_name(view)
        names: tuple[str, ...] = (batch, height, width, channels)
        if interface.is_nv12:
            names = (batch, prefixed(view, "rows"), width)
        sides = zip(interface.shape(size), names, strict=True)
        described.append((name, UINT8, [side or open_side for side, open_side in sides]))
    return described


def described_sides(size: Size | None, view: str = "") -> list[Any]:
    """Return the shape of RGB images of a camera, axes that are open by name."""
    return [side or name for side, name in zip(image_shape(size), sides_by_name(view), strict=True)]


def sides_by_name(view: str) -> tuple[str, str, str, str]:
    """Return what the open axes of a camera's images are called."""
    return "batch", prefixed(view, "height"), prefixed(view, "width"), ""
