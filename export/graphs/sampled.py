"""A network behind learned sampling in nodes of ONNX: from bytes to labels and locations."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from roadseg.export.fixed_size import Size, image_shape
from roadseg.export.graphs.graph import Graph, Node, UnsupportedError, Value
from roadseg.export.graphs.samplers import Network, fixed_grid, grid_of
from roadseg.export.graphs.sizes import CHANNELS, FLOAT, INT64, resize
from roadseg.export.graphs.unsample import Samples, Side, labels
from roadseg.sampling.windows import Axis, cover

Outputs = dict[str, list[Any]]


@dataclass(frozen=True)
class _Seen:
    """What is sampled: the whole image, or views of an image of one size, side by side.

    name: (batch, rows, columns, 3) uint8; count: of images or views, None if not known, and its
    name, a vector; axes: of several views.
    """

    name: str
    count: int | None
    batch: str
    rows: Side
    columns: Side
    axes: tuple[Axis, Axis] | None = None

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The shape."""
        return (self.count, self.rows.length, self.columns.length, 3)


def write_sampled(graph: Graph, model: Any, size: Size | None, network: Network) -> Outputs:
    """Write a `SampledSegmenter` from "image" to its outputs; return the shape of each by name.

    size: of the one image it takes; None for any number of any size. Outputs: those that
    `converters.labels_function` names.
    Raises UnsupportedError for what nothing here writes: un-sampling by the mesh, and windows over
    images of unknown size.
    """
    if model.method != "two_pass":
        raise UnsupportedError(f"un-sampling by {model.method}")
    seen = _seen(graph, model, size)
    h, w = model.size
    where = _locations(graph, model, seen, network)
    graph.scope = "samples"
    last = _last_pixel(graph, seen)
    places = graph.node("Mul", [where, last])
    pixels = graph.node("Cast", [graph.node("Round", [places])], to=INT64)
    picked = graph.node("GatherND", [seen.name, pixels], batch_dims=1)
    samples = Value(_as_map(graph, picked), (seen.count, h, w, 3))
    logits = network(model.network, samples)
    graph.scope = "sample_logits"
    full = resize(graph, logits, model.size, "", True)
    graph.nodes.append(Node("Transpose", [full], ["sample_logits"], {"perm": (0, 2, 3, 1)}))
    found = labels(
        graph,
        Samples("sample_logits", places, model.size, seen.batch),
        seen.rows,
        seen.columns,
    )
    graph.scope = "labels"
    _write_labels(graph, found, seen)
    outputs: Outputs = {"labels": list(image_shape(size)[:3])}
    if model.window is not None:
        graph.nodes.append(Node("Identity", [where], ["window_locations"]))
        outputs["window_locations"] = [seen.count, h, w, 2]
    _write_locations(graph, where, seen)
    views = 1 if seen.axes is None else seen.count
    outputs["locations"] = [image_shape(size)[0], views, h, w, 2]
    outputs["sample_logits"] = [seen.count, h, w, logits.channels]
    return outputs


def _seen(graph: Graph, model: Any, size: Size | None) -> _Seen:
    """Return what is sampled."""
    graph.scope = "image"
    if size is None:
        if model.window is not None:
            raise UnsupportedError("windows over images of any size")
        batch = graph.once("batch", lambda: graph.node("Shape", ["image"], start=0, end=1))
        return _Seen("image", None, batch, _open_side(graph, 1), _open_side(graph, 2))
    axes = None if model.window is None else cover(size, model.window)
    if axes is None or axes[0].count * axes[1].count == 1:
        rows, columns = (_side(graph, side) for side in size)
        return _Seen("image", 1, graph.integers(1), rows, columns)
    count = axes[0].count * axes[1].count
    rows, columns = (_side(graph, axis.extent) for axis in axes)
    return _Seen(_cut(graph, axes), count, graph.integers(count), rows, columns, axes)


def _side(graph: Graph, length: int) -> Side:
    return Side(length, graph.constant(length, np.int64), graph.integers(length - 1))


def _open_side(graph: Graph, axis: int) -> Side:
    vector = graph.node("Shape", ["image"], start=axis, end=axis + 1)
    name = graph.node("Squeeze", [vector, graph.integers(0)])
    return Side(None, name, graph.node("Sub", [vector, graph.integers(1)]))


def _last_pixel(graph: Graph, seen: _Seen) -> str:
    """Return the numbers of the last row and column, a vector of floats."""
    rows, columns = seen.rows.length, seen.columns.length
    if rows is not None and columns is not None:
        return graph.constant([rows - 1, columns - 1])
    size = graph.node("Concat", [seen.rows.last, seen.columns.last], axis=0)
    return str(graph.node("Cast", [size], to=FLOAT))


def _as_map(graph: Graph, pixels: str) -> str:
    """Return bytes (batch, height, width, 3) as a network takes them."""
    # While they are bytes: as floats, four times as much would be moved.
    turned = graph.node("Transpose", [pixels], perm=(0, 3, 1, 2))
    return str(graph.node("Cast", [turned], to=FLOAT))


def _locations(graph: Graph, model: Any, seen: _Seen, network: Network) -> str:
    """Return where each view is sampled, (batch, h, w, 2), 0..1."""
    fixed = fixed_grid(model.sampler, model.size)
    if fixed is None:
        image = Value(_as_map(graph, seen.name), seen.shape)
        grid = grid_of(graph, model.sampler, image, model.size, network)
        return str(graph.node("Transpose", [grid], perm=(0, 2, 3, 1)))
    if seen.count is not None:
        return graph.constant(np.repeat(fixed, seen.count, axis=0))
    shape = graph.node("Concat", [seen.batch, graph.integers(*model.size, 2)], axis=0)
    return str(graph.node("Expand", [graph.constant(fixed), shape]))


def _cut(graph: Graph, axes: tuple[Axis, Axis]) -> str:
    """Return the views of the image, (views, height, width, 3): see `windows.cut`."""
    rows, columns = axes
    views = "image"
    for number, axis in enumerate(axes, start=1):
        if axis.count > 1:
            views = graph.node("Gather", [views, _array(graph, axis.pixels())], axis=number)
    shape = graph.integers(rows.count, rows.extent, columns.count, columns.extent, 3)
    views = graph.node("Reshape", [views, shape])
    views = graph.node("Transpose", [views], perm=(0, 2, 1, 3, 4))
    whole = graph.integers(rows.count * columns.count, rows.extent, columns.extent, 3)
    return str(graph.node("Reshape", [views, whole]))


def _array(graph: Graph, values: Any) -> str:
    return graph.constant(keras.ops.convert_to_numpy(values), np.int64)


def _write_labels(graph: Graph, found: str, seen: _Seen) -> None:
    """Write the output `labels` from labels (batch, rows, columns, 1): see `windows.stitch`."""
    if seen.axes is None:
        graph.nodes.append(Node("Squeeze", [found, graph.integers(3)], ["labels"]))
        return
    rows, columns = seen.axes
    shape = graph.integers(rows.count, columns.count, rows.extent, columns.extent)
    found = graph.node("Transpose", [graph.node("Reshape", [found, shape])], perm=(0, 2, 1, 3))
    whole = graph.integers(1, rows.count * rows.extent, columns.count * columns.extent)
    found = graph.node("Reshape", [found, whole])
    found = graph.node("Gather", [found, _array(graph, rows.places())], axis=CHANNELS)
    inputs = [found, _array(graph, columns.places())]
    graph.nodes.append(Node("Gather", inputs, ["labels"], {"axis": 2}))


def _write_locations(graph: Graph, where: str, seen: _Seen) -> None:
    """Write the output `locations` from those within views: see `windows.to_image`."""
    if where in graph.constants and seen.axes is None:
        # As it is: ONNX Runtime warns where it could not leave out a node before an output.
        place = graph.constant(graph.constants[where][:, None])
        graph.nodes.append(Node("Identity", [place], ["locations"]))
        return
    if seen.axes is None:
        graph.nodes.append(Node("Unsqueeze", [where, graph.integers(1)], ["locations"]))
        return
    last = np.array([max(axis.length - 1, 1) for axis in seen.axes])
    extent = np.array([axis.extent - 1 for axis in seen.axes])
    first = (keras.ops.convert_to_numpy(axis.starts()) for axis in seen.axes)
    starts = np.stack(np.meshgrid(*first, indexing="ij"), axis=-1).reshape(-1, 1, 1, 2)
    found = graph.node("Mul", [where, graph.constant(extent / last)])
    found = graph.node("Add", [found, graph.constant(starts / last)])
    graph.nodes.append(Node("Unsqueeze", [found, graph.integers(0)], ["locations"]))
