"""Where a model samples, in nodes of ONNX: the grid of each kind of sampler, and its own layers."""

from collections.abc import Callable
from typing import Any

import keras

from roadseg.export.graphs.graph import Graph, UnsupportedError, Value
from roadseg.export.graphs.keras_layers import Writer
from roadseg.export.graphs.sizes import resize, sides_of
from roadseg.export.graphs.solver import known_sides, projected, solved_grid
from roadseg.layers.cell_bias import CellBias
from roadseg.layers.mean_locations import MeanLocations
from roadseg.sampling.density import DensitySampler, PreviousSampler, PriorSampler
from roadseg.sampling.nus import NusSampler
from roadseg.sampling.sampler import UniformSampler

Network = Callable[[Any, Value], Value]
"""Writes a network for a map; what it returns are its logits."""


def fixed_grid(sampler: Any, size: tuple[int, int]) -> Any:
    """Return the grid (1, *size, 2), an array, of a sampler that has one for all images, or None.

    A sampler by the labels of the frame before samples as the first frame of a film is sampled.
    """
    sampler = _first(sampler)
    if not isinstance(sampler, (UniformSampler, PriorSampler)):
        return None
    return keras.ops.convert_to_numpy(sampler.grid(keras.ops.zeros((1, 2, 2, 3)), size))


def grid_of(
    graph: Graph, sampler: Any, images: Value, size: tuple[int, int], network: Network
) -> str:
    """Return where `sampler` samples: (batch, 2, *size), 0..1, channel 0 the row.

    images: RGB 0..255, what is sampled.
    """
    sampler = _first(sampler)
    graph.scope = "sampler"
    if isinstance(sampler, DensitySampler):
        small = _small(graph, images, sampler.input_size, True)
        logits = network(sampler.network, small)
        graph.scope = "equidistribution"
        control = Value(*solved_grid(graph, logits, sampler.equidistribution))
    elif isinstance(sampler, NusSampler):
        small = _small(graph, images, sampler.input_size, sampler.resize == "aligned")
        raw = network(sampler.network, small)
        graph.scope = "sampler"
        control = Value(projected(graph, raw.name, known_sides(raw), 0), raw.shape)
    else:
        raise UnsupportedError(f"sampler '{sampler.kind}'")
    return resize(graph, control, size, "", True)


def _first(sampler: Any) -> Any:
    return sampler.first if isinstance(sampler, PreviousSampler) else sampler


def _small(graph: Graph, images: Value, size: tuple[int, int], corners: bool) -> Value:
    """Return the image that the sampler's own network sees."""
    found = resize(graph, images, size, "", corners)
    return Value(found, (images.shape[0], *size, images.channels))


def cells_of_channel(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `Reshape` of a map of one channel to (rows, columns), which is the same map here."""
    (x,) = inputs
    if x.channels != 1 or tuple(layer.target_shape) != sides_of(x):
        raise UnsupportedError("Reshape of more than one channel")
    return x.name


def cell_bias(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `CellBias`."""
    cells = keras.ops.convert_to_numpy(layer.cells)
    return graph.node("Add", [inputs[0].name, graph.constant(cells[None, None])])


def mean_locations(graph: Graph, layer: Any, inputs: list[Value]) -> str:
    """Write `MeanLocations`."""
    mean = keras.ops.convert_to_numpy(layer.mean_locations)
    return graph.node("Add", [inputs[0].name, graph.constant(mean.transpose(0, 3, 1, 2))])


WRITERS: dict[type, Writer] = {
    keras.layers.Reshape: cells_of_channel,
    CellBias: cell_bias,
    MeanLocations: mean_locations,
}
