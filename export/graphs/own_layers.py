"""What ONNX has for the layers of this project: sizes, resizes, poolings, gates and warps."""

from typing import Any

import keras
import numpy as np

from roadseg.export.graphs.graph import PAD, Graph, Value
from roadseg.export.graphs.keras_layers import Writer, passed, written_as
from roadseg.export.graphs.sizes import (
    CHANNELS,
    DOUBLE,
    FLOAT,
    INT64,
    average_bins,
    resize,
    scaled,
    side_of,
    sides_of,
    size_of,
)
from roadseg.layers import gates, normalisation, pooling, scaled_map
from roadseg.layers import resize as resizes
from roadseg.layers.flow_alignment import Blend, ChannelMeanAndMaximum, ChannelSlice
from roadseg.layers.flow_warp import FlowWarp
from roadseg.layers.weighted_fusion import EPSILON, WeightedFusion
from roadseg.models.legal_sizes import CutToSize, PadToMultiple


def normalised(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `Normalise`: a factor and a sum of each channel, then the reversal of channels."""
    (x,) = inputs
    reverse, factor, _ = layer._scale()
    factor = np.asarray(factor, np.float64)[:: -1 if reverse else 1]
    colour = np.asarray(normalisation.mean_colour(layer.normalisation))
    found = graph.affine(x.name, factor, -colour * factor, x.channels)
    if not reverse:
        return found
    order = graph.integers(*reversed(range(x.channels)))
    return graph.node("Gather", [found, order], axis=CHANNELS)


def padded_to_multiple(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `PadToMultiple`: less the colour, zeros around it, and the colour again."""
    (x,) = inputs
    colour = np.asarray(layer.colour)
    found = graph.affine(x.name, 1, -colour, x.channels)
    if x.known:
        after = layer.compute_output_shape(x.shape)
        below, right = (big - side for big, side in zip(after[1:3], sides_of(x), strict=True))
        if (below, right) == (0, 0):
            return x.name
        found = graph.node(PAD, [found], pads=(0, 0, below, right))
    else:
        missing = graph.node("Neg", [size_of(graph, x)])
        missing = graph.node("Mod", [missing, graph.integers(layer.multiple)])
        if layer.or_one_less:
            many = graph.node("Greater", [missing, graph.integers(1)])
            missing = graph.node("Mul", [missing, graph.node("Cast", [many], to=INT64)])
        pads = graph.node("Concat", [graph.integers(*[0] * 6), missing], axis=0)
        found = graph.node("Pad", [found, pads, graph.constant(0)])
    return graph.affine(found, 1, colour, x.channels)


def cut_to_size(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `CutToSize`."""
    x, like = inputs
    if x.known and sides_of(x) == sides_of(like):
        return x.name
    ends = [graph.integers(0, 0), size_of(graph, like), graph.integers(2, 3)]
    return graph.node("Slice", [x.name, *ends])


def resized_like(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `ResizeLike`."""
    x, like = inputs
    return resize(graph, x, sides_of(like), size_of(graph, like), layer.align_corners)


def repeated_like(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `RepeatLike`."""
    x, like = inputs
    return resize(graph, x, sides_of(like), size_of(graph, like), False, nearest=True)


def resized_by(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `ResizeBy`."""
    (x,) = inputs
    sides = layer.compute_output_shape(x.shape)[1:3]
    size = "" if x.known else scaled(graph, size_of(graph, x), layer.up, layer.down)
    return resize(graph, x, sides, size, layer.align_corners)


def resized_to_multiple(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `ResizeToMultiple`."""
    (x,) = inputs
    sides, size = layer.compute_output_shape(x.shape)[1:3], ""
    if not x.known:
        count = scaled(graph, size_of(graph, x), 1, layer.multiple, layer.multiple - 1)
        size = graph.node("Mul", [count, graph.integers(layer.multiple, layer.multiple)])
    return resize(graph, x, sides, size, True)


def scaled_to(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `ScaledMap`."""
    (x,) = inputs
    sides, size = layer.compute_output_shape(x.shape)[1:3], ""
    if not x.known:
        rounded = layer.down - 1
        size = scaled(graph, size_of(graph, x), layer.up, layer.down, rounded, layer.least)
    if layer.up > layer.down:
        return resize(graph, x, sides, size, True)
    return average_bins(graph, x, sides, _scalars(graph, x, size))


def averaged_like(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `AverageLike`."""
    x, like = inputs
    return average_bins(graph, x, sides_of(like), _scalars(graph, x, size_of(graph, like)))


def _scalars(graph: Graph, x: Value, size: str) -> tuple[str, str]:
    """Return both sides of a size that is not known as scalars."""
    axes = [graph.constant(axis, np.int64) for axis in (0, 1)]
    if x.known:
        return "", ""
    return graph.node("Gather", [size, axes[0]]), graph.node("Gather", [size, axes[1]])


def adaptive_average(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `AdaptiveAveragePooling`."""
    return average_bins(graph, inputs[0], layer.size, ("", ""))


def proportionate_average(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `ProportionateAveragePooling`."""
    (x,) = inputs
    counts, columns = layer.compute_output_shape(x.shape)[1:3], ""
    if counts[1] is None:
        # Rounded half to even, as the layer does, which Round of ONNX is as well.
        sides = [graph.node("Cast", [side_of(graph, x, axis)], to=DOUBLE) for axis in (0, 1)]
        rows = graph.constant(layer.rows, np.float64)
        share = graph.node("Div", [graph.node("Mul", [sides[1], rows]), sides[0]])
        columns = graph.node("Cast", [graph.node("Round", [share])], to=INT64)
        columns = graph.node("Max", [columns, graph.constant(1, np.int64)])
    return average_bins(graph, x, counts, ("", columns))


def max_pooled(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `MaxPooling`; zeros around values of which none is below zero decide nothing."""
    return _pooled(graph, "MaxPool", inputs[0].name, 3, 2, ceil_mode=int(layer.ceil_mode))


def average_pooled(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `AveragePooling`."""
    return _pooled(graph, "AveragePool", inputs[0].name, 3, 2, count_include_pad=1)


def spatial_aware(graph: Graph, layer: Any, inputs: list[Value]) -> list[str]:
    """Write `SpatialAwarePooling`: one pooling for each map."""
    found = [inputs[0].name]
    for level in range(1, layer.levels + 1):
        if layer.pool == "max":
            found.append(_pooled(graph, "MaxPool", found[-1], 5 if level == 1 else 3, 2))
            continue
        stride, counted = 2**level, int(layer.count_padding)
        pooled = _pooled(
            graph, "AveragePool", found[0], 2 * stride + 1, stride, count_include_pad=counted
        )
        found.append(pooled)
    return found[1:]


def _pooled(graph: Graph, kind: str, x: str, side: int, stride: int, **attributes: int) -> str:
    options: dict[str, Any] = {name: value for name, value in attributes.items() if value}
    options |= {"kernel_shape": (side, side), "strides": (stride, stride)}
    return graph.node(kind, [x], pads=(side // 2,) * 4, **options)


def shuffled(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `ChannelShuffle`."""
    (x,) = inputs
    order = np.arange(x.channels).reshape(layer.groups, -1).T.reshape(-1)
    return graph.node("Gather", [x.name, graph.integers(*order)], axis=CHANNELS)


def weighted_sum(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `WeightedFusion`, whose shares do not change any more."""
    kept = np.maximum(keras.ops.convert_to_numpy(layer.parameter).astype(np.float64), 0)
    shares = kept / (kept.sum() + EPSILON)
    parts = [
        graph.affine(x.name, share, 0, x.channels) for x, share in zip(inputs, shares, strict=True)
    ]
    return graph.node("Add" if len(parts) == 2 else "Sum", parts)


def similarity(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `Similarity`."""
    product = graph.node("Mul", [x.name for x in inputs])
    return graph.node("ReduceSum", [product, graph.integers(CHANNELS)], keepdims=1)


def _share_of(graph: Graph, first: str, second: str, share: str) -> str:
    """Return share * first + (1 - share) * second."""
    more = graph.node("Mul", [share, graph.node("Sub", [first, second])])
    return graph.node("Add", [second, more])


def gated_blend(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `GatedBlend`."""
    first, second, gate = (x.name for x in inputs)
    return _share_of(graph, first, second, graph.node("Sigmoid", [gate]))


def blend(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `Blend`."""
    first, second, share = (x.name for x in inputs)
    return _share_of(graph, first, second, share)


def exchange(graph: Graph, layer: Any, inputs: list[Value]) -> list[str]:
    """Write `Exchange`."""
    first, second, gate = (x.name for x in inputs)
    share = graph.node("Sigmoid", [gate])
    kept = graph.node("Sub", [second, graph.node("Mul", [share, second])])
    given = graph.node("Mul", [share, first])
    return [graph.node("Add", [first, kept]), graph.node("Add", [second, given])]


def channel_slice(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `ChannelSlice`."""
    ends = [graph.integers(place) for place in (layer.first, layer.end, CHANNELS)]
    return graph.node("Slice", [inputs[0].name, *ends])


def mean_and_maximum(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `ChannelMeanAndMaximum`."""
    axes = graph.integers(CHANNELS)
    found = [
        graph.node(kind, [x.name, axes], keepdims=1)
        for kind in ("ReduceMean", "ReduceMax")
        for x in inputs
    ]
    return graph.node("Concat", found, axis=CHANNELS)


def flow_warp(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `FlowWarp`: where each pixel looks is its place from -1 to 1 plus its flow."""
    images, flow = inputs
    if flow.known:
        height, width = sides_of(flow)
        moved = graph.affine(flow.name, (1 / (width or 1), 1 / (height or 1)), 0, 2)
        steps = (np.linspace(-1, 1, side or 1) for side in (width, height))
        places = np.meshgrid(*steps)
        place = graph.constant(np.stack(places)[None])
    else:
        size = size_of(graph, flow)
        # Corners from -1 to 1; enlarged with aligned corners, they are the place of every pixel.
        corners = graph.constant(np.stack(np.meshgrid((-1, 1), (-1, 1)))[None])
        known = Value(corners, (1, 2, 2, 2))
        place = resize(graph, known, (None, None), size, True)
        order = graph.constant([[[[1]], [[0]]]], np.int64)
        sides = graph.node("Gather", [graph.node("Cast", [size], to=FLOAT), order])
        moved = graph.node("Div", [flow.name, sides])
    where = graph.node("Transpose", [graph.node("Add", [moved, place])], perm=(0, 2, 3, 1))
    return graph.node(
        "GridSample",
        [images.name, where],
        mode="bilinear",
        padding_mode="zeros",
        align_corners=int(layer.align_corners),
    )


WRITERS: dict[type, Writer] = {
    **written_as((normalisation.SizeMultiple, normalisation.SizeRange), passed),
    normalisation.Normalise: normalised,
    PadToMultiple: padded_to_multiple,
    CutToSize: cut_to_size,
    resizes.ResizeLike: resized_like,
    resizes.RepeatLike: repeated_like,
    resizes.ResizeBy: resized_by,
    resizes.ResizeToMultiple: resized_to_multiple,
    scaled_map.ScaledMap: scaled_to,
    scaled_map.AverageLike: averaged_like,
    scaled_map.ChannelShuffle: shuffled,
    pooling.AdaptiveAveragePooling: adaptive_average,
    pooling.ProportionateAveragePooling: proportionate_average,
    pooling.MaxPooling: max_pooled,
    pooling.AveragePooling: average_pooled,
    pooling.SpatialAwarePooling: spatial_aware,
    WeightedFusion: weighted_sum,
    gates.Similarity: similarity,
    gates.GatedBlend: gated_blend,
    gates.Exchange: exchange,
    Blend: blend,
    ChannelSlice: channel_slice,
    ChannelMeanAndMaximum: mean_and_maximum,
    FlowWarp: flow_warp,
}
