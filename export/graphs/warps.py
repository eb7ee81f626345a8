"""What ONNX has for the layers of two cameras: warps, flows and cost volumes.

Places are those of GridSample: -1 and 1 are the outer edges of the map that is looked up, or, with
aligned corners, the middles of its outermost pixels.
"""

from typing import Any

import numpy as np

from roadseg.export.graphs.graph import Graph, Value
from roadseg.export.graphs.keras_layers import Writer
from roadseg.export.graphs.sizes import (
    CHANNELS,
    FLOAT,
    batch_of,
    resize,
    scaled,
    side_of,
    sides_of,
    size_of,
)
from roadseg.layers import flow as flows
from roadseg.layers import normalisation
from roadseg.layers.homography import WarpByHomography
from roadseg.ops.homography import LEAST_DEPTH

Length = int | str
"""Of a side, in pixels: known, or the name of a scalar, int64."""
Number = float | str
"""Known, or the name of a float32."""
ROWS, COLUMNS = 0, 1
TO_THE_END = int(np.iinfo(np.int64).max)
_KNOWN = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": np.divide,
    "Max": np.maximum,
}


def denormalised(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `Denormalise`: the reversal of channels, then a factor and a sum of each."""
    (x,) = inputs
    reverse, factor, _ = layer._scale()
    factor = np.asarray(factor, np.float64)[:: -1 if reverse else 1]
    name = x.name
    if reverse:
        order = graph.integers(*reversed(range(x.channels)))
        name = graph.node("Gather", [name, order], axis=CHANNELS)
    colour = normalisation.mean_colour(layer.normalisation)
    return graph.affine(name, 1 / factor, colour, x.channels)


def cost_volume(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `CostVolume`: of each displacement, the mean of a product.

    One of the factors is divided beforehand, since products would outgrow half precision.
    """
    first, second = inputs
    shared = graph.affine(first.name, 1 / first.channels, 0, first.channels)
    margin = 2 * layer.search_range
    pads = (0, 0, layer.search_range, layer.search_range) * 2
    padded = graph.node("Pad", [second.name, graph.integers(*pads), graph.constant(0)])

    def cut(x: str, start: int, axis: int) -> str:
        # Counted from the far side: ends are constants where sizes are not.
        end = start - margin or TO_THE_END
        return str(graph.node("Slice", [x, *map(graph.integers, (start, end, axis))]))

    costs = []
    for top in range(margin + 1):
        rows = cut(padded, top, 2) if margin else padded
        for left in range(margin + 1):
            moved = cut(rows, left, 3) if margin else rows
            product = graph.node("Mul", [shared, moved])
            costs.append(graph.node("ReduceSum", [product, graph.integers(CHANNELS)], keepdims=1))
    return graph.node("Concat", costs, axis=CHANNELS)


def no_flow(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `NoFlow`."""
    (like,) = inputs
    if like.known and like.shape[0] is not None:
        return graph.constant(np.zeros((like.shape[0], 2, *sides_of(like))))
    shape = [batch_of(graph, like), graph.integers(2), size_of(graph, like)]
    shape = graph.node("Concat", shape, axis=0)
    return graph.node("Expand", [graph.constant(0), shape])


def resized_flow(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `ResizeFlow`: the values grow as the sides do."""
    flow, like = inputs
    factors = [
        _calculated(graph, "Div", *(_number(graph, _length(graph, x, axis)) for x in (like, flow)))
        for axis in (ROWS, COLUMNS)
    ]
    x, y = factors if layer.swapped else factors[::-1]
    found = resize(graph, flow, sides_of(like), size_of(graph, like), layer.align_corners)
    if isinstance(x, float) and isinstance(y, float):
        return graph.affine(found, (x, y), 0, 2)
    parts = [
        graph.node("Reshape", [_name(graph, part), graph.integers(1, 1, 1, 1)]) for part in (x, y)
    ]
    return graph.node("Mul", [found, graph.node("Concat", parts, axis=CHANNELS)])


def enlarged_flow(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `EnlargeFlow`."""
    (flow,) = inputs
    sides = layer.compute_output_shape(flow.shape)[1:3]
    size = "" if flow.known else scaled(graph, size_of(graph, flow), layer.factor, 1)
    found = resize(graph, flow, sides, size, layer.align_corners)
    return graph.affine(found, layer.factor, 0, 2)


def warped_by_flow(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `WarpByFlow`: the place of each pixel, and as much of its flow as a pixel is of it.

    From edge to edge whatever the corners: from middle to middle, a map of one pixel has no length.
    """
    maps, flow = inputs
    moves = graph.node("Split", [flow.name], 2, axis=CHANNELS, num_outputs=2)
    places = []
    for axis, move in ((COLUMNS, moves[0]), (ROWS, moves[1])):
        side, count = (_number(graph, _length(graph, x, axis)) for x in (maps, flow))
        pixel = _calculated(graph, "Div", 2.0, side)
        rim = _calculated(graph, "Sub", side, 1.0 if layer.align_corners else 0.0)
        step = _calculated(graph, "Div", _at_least_1(graph, rim), _steps(graph, count))
        step = _calculated(graph, "Mul", step, pixel)
        half = _calculated(graph, "Mul", pixel, 0.5 if layer.align_corners else 0.0)
        even = _even(graph, _length(graph, flow, axis), step, _calculated(graph, "Sub", half, 1.0))
        even = _along(graph, even, axis, (1, 1))
        move = _arithmetic(graph, "Mul", move, _calculated(graph, "Mul", step, float(layer.sign)))
        places.append(graph.node("Add", [move, even]))
    where = graph.node("Concat", places, axis=CHANNELS)
    where = graph.node("Transpose", [where], perm=(0, 2, 3, 1))
    return _looked_up(graph, maps, where, False)


def warped_by_homography(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `WarpByHomography`; stretched rows are those of `with_stretched_rows`."""
    (maps,) = inputs
    lengths = _lengths_of_view(graph, layer, maps)
    rows, columns = (_number(graph, length) for length in lengths)
    aspect = _calculated(graph, "Div", columns, rows)
    y, x = (
        _along(
            graph,
            _even(graph, length, _calculated(graph, "Div", 2.0, _steps(graph, count)), -1.0),
            axis,
        )
        for axis, length, count in ((ROWS, lengths[0], rows), (COLUMNS, lengths[1], columns))
    )
    if layer.stretched is not None:
        (height, width), _ = layer.stretched
        y = _stretched(graph, y, _calculated(graph, "Div", width / height, aspect))
    across, down, depth = (_of_row(graph, row, x, y) for row in layer.matrix)
    far = graph.node("Greater", [graph.node("Abs", [depth]), graph.constant(LEAST_DEPTH)])
    depth = graph.node("Where", [far, depth, graph.constant(1)])
    across, down = (graph.node("Div", [line, depth]) for line in (across, down))
    if layer.stretched is not None:
        _, (height, width) = layer.stretched
        down = _stretched(graph, down, _calculated(graph, "Mul", aspect, height / width))
    parts = [graph.node("Unsqueeze", [line, graph.integers(0, 3)]) for line in (across, down)]
    where = graph.node("Concat", parts, axis=3)
    if maps.shape[0] != 1:
        shape = graph.node("Concat", [batch_of(graph, maps), graph.integers(1, 1, 1)], axis=0)
        where = graph.node("Expand", [where, shape])
    return _looked_up(graph, maps, where, layer.align_corners)


def _looked_up(graph: Graph, maps: Value, where: str, align_corners: bool) -> str:
    return str(
        graph.node(
            "GridSample",
            [maps.name, where],
            mode="bilinear",
            padding_mode="zeros",
            align_corners=int(align_corners),
        )
    )


def _lengths_of_view(graph: Graph, layer: Any, maps: Value) -> tuple[Length, Length]:
    """Return the rows and columns of what a homography shows."""
    if layer.size is not None:
        return layer.size[0], layer.size[1]
    rows, columns = (_length(graph, maps, axis) for axis in (ROWS, COLUMNS))
    if isinstance(rows, int):
        return layer._rows(rows), columns
    if layer.rows_short:
        rows = graph.node("Sub", [rows, graph.constant(layer.rows_short, np.int64)])
        rows = graph.node("Max", [rows, graph.constant(1, np.int64)])
    return rows, columns


def _of_row(graph: Graph, row: list[float], x: str, y: str) -> str:
    """Return (rows, columns) of row[0] x + row[1] y + row[2]. x, y: (1, columns), (rows, 1)."""
    moved = _arithmetic(graph, "Add", _arithmetic(graph, "Mul", y, row[1]), row[2])
    return str(graph.node("Add", [_arithmetic(graph, "Mul", x, row[0]), moved]))


def _stretched(graph: Graph, y: str, factor: Number) -> str:
    """Return rows `factor` times as far from the upper edge, which is at -1."""
    y = _arithmetic(graph, "Mul", y, factor)
    return _arithmetic(graph, "Add", y, _calculated(graph, "Sub", factor, 1.0))


def _even(graph: Graph, length: Length, step: Number, first: Number) -> str:
    """Return as many numbers as `length` says, a step apart: a vector, float32."""
    if isinstance(length, int) and isinstance(step, float) and isinstance(first, float):
        return graph.constant(np.arange(length) * step + first)
    if isinstance(length, int):
        numbers = graph.constant(np.arange(length))
    else:
        ends = [graph.constant(number, np.int64) for number in (0, 1)]
        found = graph.node("Range", [ends[0], length, ends[1]])
        numbers = graph.node("Cast", [found], to=FLOAT)
    return _arithmetic(graph, "Add", _arithmetic(graph, "Mul", numbers, step), first)


def _along(graph: Graph, line: str, axis: int, before: tuple[int, ...] = ()) -> str:
    """Return a vector as rows, (..., rows, 1), or as columns, (..., 1, columns)."""
    shape = (*before, 1, -1) if axis == COLUMNS else (*before, -1, 1)
    if line in graph.constants:
        return graph.constant(graph.constants[line].reshape(shape))
    return str(graph.node("Reshape", [line, graph.integers(*shape)]))


def _length(graph: Graph, x: Value, axis: int) -> Length:
    known = sides_of(x)[axis]
    return side_of(graph, x, axis) if known is None else known


def _number(graph: Graph, length: Length) -> Number:
    if isinstance(length, int):
        return float(length)
    return graph.once(("float", length), lambda: graph.node("Cast", [length], to=FLOAT))


def _steps(graph: Graph, count: Number) -> Number:
    """Return how many steps lie between so many points, 1 at least."""
    return _at_least_1(graph, _calculated(graph, "Sub", count, 1.0))


def _at_least_1(graph: Graph, number: Number) -> Number:
    return _calculated(graph, "Max", number, 1.0)


def _calculated(graph: Graph, kind: str, first: Number, second: Number) -> Number:
    """Return the result of ONNX's operation `kind`, at once where both numbers are known."""
    if isinstance(first, float) and isinstance(second, float):
        return float(_KNOWN[kind](first, second))
    return str(graph.node(kind, [_name(graph, first), _name(graph, second)]))


def _arithmetic(graph: Graph, kind: str, x: str, number: Number) -> str:
    return str(graph.node(kind, [x, _name(graph, number)]))


def _name(graph: Graph, number: Number) -> str:
    return number if isinstance(number, str) else graph.constant(number)


WRITERS: dict[type, Writer] = {
    normalisation.Denormalise: denormalised,
    flows.CostVolume: cost_volume,
    flows.NoFlow: no_flow,
    flows.ResizeFlow: resized_flow,
    flows.EnlargeFlow: enlarged_flow,
    flows.WarpByFlow: warped_by_flow,
    WarpByHomography: warped_by_homography,
}
