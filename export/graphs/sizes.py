"""Heights and widths of maps: constants where they are known, a few small nodes where not."""

from typing import Any

import numpy as np

from roadseg.export.graphs.graph import BINS, Graph, Node, Value

CHANNELS, SPATIAL = 1, (2, 3)
"""The axis of channels, and those of height and width, in a map of ONNX."""
FLOAT, INT32, INT64, DOUBLE = 1, 6, 7, 11
"""ONNX's numbers of types."""
Sides = tuple[int | None, int | None]


def sides_of(x: Value) -> Sides:
    """Return height and width, None where they are not known."""
    height, width = x.shape[1:3]
    return height, width


def size_of(graph: Graph, x: Value) -> str:
    """Return the name of (height, width), int64."""
    if x.known:
        return graph.integers(*[side or 0 for side in sides_of(x)])
    begin, end = SPATIAL[0], SPATIAL[-1] + 1
    return graph.once(("size", x.name), lambda: graph.node("Shape", [x.name], start=begin, end=end))


def batch_of(graph: Graph, x: Value) -> str:
    """Return the name of the number of images, a vector of one, int64."""
    if x.shape[0] is not None:
        return graph.integers(x.shape[0])
    return graph.once("batch", lambda: graph.node("Shape", [graph.image], start=0, end=1))


def side_of(graph: Graph, x: Value, axis: int) -> str:
    """Return the name of the height (axis 0) or the width (axis 1), a scalar, int64."""
    place = graph.constant(axis, np.int64)
    return graph.once(
        ("side", x.name, axis), lambda: graph.node("Gather", [size_of(graph, x), place])
    )


def scaled(graph: Graph, size: str, up: int, down: int, added: int = 0, least: int = 1) -> str:
    """Return the name of max((size * up + added) // down, least), for sizes not known."""
    steps = (("Mul", up, 1), ("Add", added, 0), ("Div", down, 1), ("Max", least, 0))
    for kind, number, idle in steps:
        # One is the least that anything above zero gives, unless it is divided.
        if number != idle and not (kind == "Max" and number == 1 and down <= up):
            # One for each side: shape inference of ONNX loses what is broadcast.
            size = graph.node(kind, [size, graph.integers(number, number)])
    return size


def resize(
    graph: Graph, x: Value, sides: Sides, size: str, corners: Any, nearest: bool = False
) -> str:
    """Return `x` at another size, by the format's own operation.

    sides: height and width as far as known; size: the name of both where they are not.
    corners: where samples lie, as in `ops.resize`; a nearest one takes the integer part.
    """
    if sides_of(x) == sides and None not in sides:
        return x.name
    if sides_of(x) == (1, 1):
        # One cell is spread, whatever the corners; OpenCV 5.0 enlarges it to noise.
        whole = (x.shape[0], x.channels, *sides)
        known = None not in whole
        shape = graph.integers(*(side or 0 for side in whole)) if known else size
        return graph.node("Expand", [x.name, shape])
    if 1 in sides_of(x) and x.known and None not in sides and not nearest:
        # So is a row or a column: it is spread first.
        spread = [big if side == 1 else side for side, big in zip(sides_of(x), sides, strict=True)]
        name = graph.node("Expand", [x.name, graph.integers(*(side or 0 for side in spread))])
        x = Value(name, (x.shape[0], *spread, x.channels))
    where = {True: "align_corners", False: "asymmetric", "half_pixel": "half_pixel"}[corners]
    options: dict[str, Any] = {"mode": "linear", "coordinate_transformation_mode": where}
    if nearest:
        options |= {"mode": "nearest", "nearest_mode": "floor"}
    height, width = sides
    if x.shape[0] is not None and height is not None and width is not None:
        sizes = graph.integers(x.shape[0], x.channels, height, width)
    else:
        if height is not None and width is not None:
            size = graph.integers(height, width)
        # All four, though the format takes two of named axes: ONNX Runtime forgets the axes where
        # it moves transposes.
        parts = [batch_of(graph, x), graph.integers(x.channels), size]
        key = ("sizes", x.shape[0], x.channels, size)
        sizes = graph.once(key, lambda: graph.node("Concat", parts, axis=0))
    return graph.node("Resize", [x.name, "", "", sizes], **options)


def average_bins(graph: Graph, x: Value, counts: Sides, sizes: tuple[str, str]) -> str:
    """Return `x` averaged over overlapping bins, as `ops.pooling.adaptive_average_pool` does.

    counts: bins of rows and of columns, as far as known. sizes: the names of both, scalars, where
    one is not.
    """
    sides = sides_of(x)
    if counts == (1, 1):
        return graph.node("GlobalAveragePool", [x.name])
    if sides == counts and None not in sides:
        return x.name
    kernels = [_even(side, count) for side, count in zip(sides, counts, strict=True)]
    if kernels[0] and kernels[1]:
        (rows, down), (columns, right) = kernels[0], kernels[1]
        return graph.node(
            "AveragePool", [x.name], kernel_shape=(rows, columns), strides=(down, right)
        )
    pooled = x.name
    for axis in (1, 0):
        if sides[axis] is not None and sides[axis] == counts[axis]:
            continue
        matrix = _matrix(graph, x, axis, counts[axis], sizes[axis])
        pooled = graph.node("MatMul", [pooled, matrix] if axis == 1 else [matrix, pooled])
    return pooled


def edges(side: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first place of each of `count` bins along a side, and the one after its last."""
    index = np.arange(count)
    return index * side // count, ((index + 1) * side + count - 1) // count


def _even(side: int | None, count: int | None) -> tuple[int, int] | None:
    """Return length and stride of the bins where all are alike, as a pooling has them."""
    if side is None or count is None:
        return None
    begin, end = edges(side, count)
    stride = int(begin[1] - begin[0]) if count > 1 else side
    length = int(end[0])
    alike = np.array_equal(begin, np.arange(count) * stride) and np.all(end - begin == length)
    return (length, stride) if alike and stride and (side - length) // stride + 1 == count else None


def _matrix(graph: Graph, x: Value, axis: int, count: int | None, counted: str) -> str:
    """Return the averaging matrix of an axis: (bins, rows), or (columns, bins)."""
    side = sides_of(x)[axis]
    if side is not None and count is not None:
        begin, end = edges(side, count)
        place = np.arange(side)[None]
        inside = (place >= begin[:, None]) & (place < end[:, None])
        matrix = inside / (end - begin)[:, None]
        # Of four axes, which more readers multiply by than two.
        return graph.constant((matrix.T if axis else matrix)[None, None])
    if count is not None:
        return _shared_matrix(graph, x, axis, count)
    return written_bins(graph, side_of(graph, x, axis), counted, axis)


def _shared_matrix(graph: Graph, x: Value, axis: int, count: int) -> str:
    """Return one output of the node that makes all matrices of this map and axis."""
    side = side_of(graph, x, axis)
    output = f"{side}/{count}_bins"
    known = next(
        (node for node in graph.nodes if node.kind == BINS and node.inputs == [side]), None
    )
    if known is None:
        graph.nodes.append(Node(BINS, [side], [output], {"counts": [count], "axis": axis}))
    elif output not in known.outputs:
        known.outputs.append(output)
        known.attributes["counts"].append(count)
    return output


def written_bins(graph: Graph, side: str, count: str | list[int], axis: int) -> str:
    """Return averaging matrices side by side: (bins, rows) for axis 0, (columns, bins) for 1.

    side: the name of a scalar. count: the bins of each, or the name of a scalar of one.
    """
    one, other = graph.constant(1, np.int64), graph.integers(0 if axis else 1)
    place = graph.node("Range", [graph.constant(0, np.int64), side, one])
    place = graph.node("Unsqueeze", [place, graph.integers(1)]) if axis else place
    if isinstance(count, str):
        index = graph.node("Range", [graph.constant(0, np.int64), count, one])
        index = graph.node("Unsqueeze", [index, other])
        after, total = graph.node("Add", [index, one]), count
        less = graph.node("Sub", [count, one])
    else:
        shape = (1, -1) if axis else (-1, 1)
        numbers = np.concatenate([np.arange(bins) for bins in count]).reshape(shape)
        bins = np.concatenate([np.full(bins, bins) for bins in count]).reshape(shape)
        index, after = (graph.constant(numbers + more, np.int64) for more in (0, 1))
        total, less = graph.constant(bins, np.int64), graph.constant(bins - 1, np.int64)
    begin = graph.node("Div", [graph.node("Mul", [index, side]), total])
    # Rounded up without a negative number, whose division rounds to zero.
    end = graph.node("Add", [graph.node("Mul", [after, side]), less])
    end = graph.node("Div", [end, total])
    reached = graph.node("GreaterOrEqual", [place, begin])
    inside = graph.node("And", [reached, graph.node("Less", [place, end])])
    length = graph.node("Cast", [graph.node("Sub", [end, begin])], to=FLOAT)
    return graph.node("Div", [graph.node("Cast", [inside], to=FLOAT), length])
