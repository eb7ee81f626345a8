"""The way back from samples to pixels in nodes of ONNX: `sampling.two_pass`, for labels alone.

No pixel sees a class logit. Down a pixel column, logits are known at each grid row and linear
between two of them, so the best class changes at a few places, which are computed; each change is
written down where it happens, and the running sum down the column is the label of every pixel.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from roadseg.export.graphs.graph import Graph
from roadseg.export.graphs.sizes import FLOAT, INT32, INT64

TINY = 1e-20
"""Below every length and every difference that counts: by it, a share of nothing is 0."""


@dataclass(frozen=True)
class Side:
    """Rows or columns of an image: their number, if known; the names of it, a scalar, and of the
    last one, a vector, both int64.
    """

    length: int | None
    name: str
    last: str


@dataclass(frozen=True)
class Samples:
    """What was found, and where.

    logits: the name of (batch, h, w, classes). places: of (batch, h, w, 2), (row, column), in
    pixels. size: (h, w). batch: of the number of images, a vector of one, int64.
    """

    logits: str
    places: str
    size: tuple[int, int]
    batch: str


def labels(graph: Graph, samples: Samples, rows: Side, columns: Side) -> str:
    """Return the best class of each pixel, (batch, rows, columns, 1) int32.

    As `two_pass.labels` has it but for rounding, and but for pixel columns where more than three
    classes are best between two grid rows: of these, the first, the last, and the one that is best
    where the first and the last are equal.
    """
    graph.scope = "along_rows"
    row_px, values = _along_rows(graph, samples, columns)
    graph.scope = "down_columns"
    best = graph.node("ArgMax", [values], axis=3, keepdims=1)
    h = samples.size[0]
    first, last = _ends(graph, best, h)
    ends = _ends(graph, values, h)
    equal = _blended(graph, ends, _crossing(graph, ends, first, last))
    middle = graph.node("ArgMax", [equal], axis=3, keepdims=1)
    early = _crossing(graph, ends, first, middle)
    # Not before the former by rounding: the changes would add up to no class.
    late = graph.node("Max", [early, _crossing(graph, ends, middle, last)])
    places = _change_rows(graph, row_px, (early, late), h, rows)
    changes = [graph.node("Sub", pair) for pair in ((middle, first), (last, middle))]
    change = graph.node("Cast", [graph.node("Concat", changes, axis=1)], to=INT32)
    top = graph.node("Slice", [best, *map(graph.integers, (0, 1, 1))])
    top = graph.node("Cast", [top], to=INT32)
    return _running_sum(graph, top, places, change, rows, 1)


def _along_rows(graph: Graph, samples: Samples, columns: Side) -> tuple[str, str]:
    """Return each grid row at every pixel column: (batch, h, columns, 1), where it is in pixels,
    and (batch, h, columns, classes), the logits there. See `two_pass.along_rows`.
    """
    h, w = samples.size
    column_px = graph.node("Split", [samples.places, graph.integers(1, 1)], 2, axis=3)[1]
    starts = _first_pixels(graph, _least_from(graph, column_px, w), columns)
    first, starts, _ = graph.node("Split", [starts, graph.integers(1, w - 2, 1)], 3, axis=2)
    counted = _joined(graph, [samples.batch, graph.integers(h, w - 2, 1)])
    ones = graph.node("ConstantOfShape", [counted], value=_tensor(1))
    # Not made of a shape: OpenVINO would write all its zeros to the file.
    nothing = graph.node("Mul", [first, graph.constant(0, np.int64)])
    start = _running_sum(graph, nothing, starts, ones, columns, 2)
    end = graph.node("Add", [start, graph.constant(1, np.int64)])
    where, logits = (
        [graph.node("GatherND", [table, at], batch_dims=2) for at in (start, end)]
        for table in (samples.places, samples.logits)
    )
    # Backwards from the end, which is what counts of a segment without length.
    row_back, back = graph.node(
        "Split", [graph.node("Sub", where), graph.integers(1, 1)], 2, axis=3
    )
    row, column = graph.node("Split", [where[1], graph.integers(1, 1)], 2, axis=3)
    back = graph.node("Min", [back, graph.constant(-TINY)])
    share = graph.node("Div", [graph.node("Sub", [_pixels(graph, columns), column]), back])
    share = graph.node("Clip", [share, graph.constant(0), graph.constant(1)])
    row = graph.node("Add", [row, graph.node("Mul", [share, row_back])])
    more = graph.node("Mul", [share, graph.node("Sub", logits)])
    return row, graph.node("Add", [logits[1], more])


def _change_rows(graph: Graph, row_px: str, shares: tuple[str, str], count: int, rows: Side) -> str:
    """Return the first pixel of each change, (batch, 2 * segments, columns, 1) int64.

    shares: where in its segment each of two changes is, 0..1, (batch, segments, columns, 1).
    """
    # Pooling goes along the third axis.
    turned = graph.node("Transpose", [row_px], perm=(0, 3, 1, 2))
    least = _least_from(graph, turned, count)
    least = graph.node("Transpose", [least], perm=(0, 2, 3, 1))
    # Where a column folds, segments hold from the least of all rows that are still to come.
    first, last = _ends(graph, least, count)
    share = graph.node("Concat", list(shares), axis=3)
    place = _blended(graph, _ends(graph, row_px, count), share)
    place = graph.node("Max", [graph.node("Min", [place, last]), first])
    pixels = _first_pixels(graph, place, rows)
    parts = graph.node("Split", [pixels, graph.integers(1, 1)], 2, axis=3)
    return str(graph.node("Concat", parts, axis=1))


def _ends(graph: Graph, x: str, count: int) -> tuple[str, str]:
    """Return what is above and what is below each segment between the rows of `x`, along axis 1."""
    # Not by slices: OpenVINO 2026.4 leaves out one before GatherElements, and then refuses it.
    upper, _ = graph.node("Split", [x, graph.integers(count - 1, 1)], 2, axis=1)
    _, lower = graph.node("Split", [x, graph.integers(1, count - 1)], 2, axis=1)
    return upper, lower


def _blended(graph: Graph, ends: tuple[str, str], share: str) -> str:
    """Return upper + share * (lower - upper)."""
    upper, lower = ends
    more = graph.node("Mul", [share, graph.node("Sub", [lower, upper])])
    return str(graph.node("Add", [upper, more]))


def _crossing(graph: Graph, ends: tuple[str, str], first: str, second: str) -> str:
    """Return where on its segment `second` overtakes `first`, 0..1, if it does.

    first, second: classes, (batch, segments, columns, 1); first is not behind at the upper end, and
    second not at the lower one. Of a class with itself: 0.
    """
    upper, lower = (
        [
            graph.once(
                ("of class", end, cls),
                lambda end=end, cls=cls: graph.node("GatherElements", [end, cls], axis=3),
            )
            for cls in (first, second)
        ]
        for end in ends
    )
    ahead = graph.node("Sub", upper)
    total = graph.node("Add", [ahead, graph.node("Sub", lower[::-1])])
    return str(graph.node("Div", [ahead, graph.node("Max", [total, graph.constant(TINY)])]))


def _least_from(graph: Graph, lines: str, count: int) -> str:
    """Return the least of the points from each on to the last of its line, along axis 2 of 4."""
    # Maxima of what is turned round, in two steps: of `near` neighbours, and of every `near`-th,
    # which a reshape brings side by side: OpenVINO pools with dilations many times slower.
    near = int(np.ceil(np.sqrt(count)))
    far = -(-count // near)
    rows = 2 * far - 1
    pads = graph.integers(0, 0, 0, 0, 0, 0, rows * near + near - 1 - count, 0)
    turned = graph.node("Pad", [graph.node("Neg", [lines]), pads], mode="edge")
    turned = graph.node("MaxPool", [turned], kernel_shape=(near, 1))
    turned = graph.node("Reshape", [turned, graph.integers(0, 0, rows, -1)])
    turned = graph.node("MaxPool", [turned], kernel_shape=(far, 1))
    turned = graph.node("Reshape", [turned, graph.integers(0, 0, far * near, -1)])
    if far * near > count:
        turned = graph.node("Slice", [turned, *map(graph.integers, (0, count, 2))])
    return str(graph.node("Neg", [turned]))


def _first_pixels(graph: Graph, position_px: str, side: Side) -> str:
    """Return the first pixel that is not before each position, int64."""
    place = graph.node("Cast", [graph.node("Ceil", [position_px])], to=INT64)
    # Positions lie within the image, but for rounding.
    return str(graph.node("Min", [place, side.last]))


def _pixels(graph: Graph, side: Side) -> str:
    """Return the numbers of all pixels of a side, (side, 1) float32."""
    if side.length is not None:
        return graph.constant(np.arange(side.length)[:, None])
    ends = [graph.constant(number, np.int64) for number in (0, 1)]
    found = graph.node("Cast", [graph.node("Range", [ends[0], side.name, ends[1]])], to=FLOAT)
    return str(graph.node("Unsqueeze", [found, graph.integers(1)]))


def _running_sum(graph: Graph, first: str, places: str, values: str, side: Side, axis: int) -> str:
    """Return, for each place of a side along an axis, `first` and what lies at or before it."""
    before, after = (graph.integers(*[0] * count) for count in (4 + axis, 3 - axis))
    pads = _joined(graph, [before, side.last, after])
    found = graph.node("Pad", [first, pads])
    found = graph.node("ScatterElements", [found, places, values], axis=axis, reduction="add")
    return str(graph.node("CumSum", [found, graph.constant(axis, np.int64)]))


def _tensor(value: int) -> Any:
    from onnx import numpy_helper

    return numpy_helper.from_array(np.array([value]))


def _joined(graph: Graph, parts: list[str]) -> str:
    """Return vectors of integers one after the other: a constant if all are."""
    if all(name in graph.constants for name in parts):
        return graph.integers(*np.concatenate([graph.constants[name] for name in parts]))
    return str(graph.node("Concat", parts, axis=0))
