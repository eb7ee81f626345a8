"""Counts parameters and multiply-adds of any Keras network, from the layers a call really runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

import keras
from keras import ops

from roadseg.layers.flow import CostVolume
from roadseg.layers.introspection import DEPTHWISE, count_parameters, innermost_layers, own_weights

Shape = tuple[int, ...]
Call = tuple[keras.layers.Layer, tuple[Shape, Shape]]
CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
TRANSPOSED = (keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)
SEPARABLE = (keras.layers.SeparableConv1D, keras.layers.SeparableConv2D)


@dataclass(frozen=True)
class Operations:
    """What one image costs; biases, normalisation, activations, pooling, resizes count nothing."""

    parameters: int
    """Trainable values, frozen ones included."""
    macs: int
    """Multiply-adds of convolutions, dense layers and cost volumes, each output position once."""
    macs_nus: int
    """As NUS's notebook counts: convolutions alone, and of a dilated depthwise layer only one of
    the dilation^2 parts that TensorFlow splits its map into, ceil(side / dilation) a side."""
    macs_space_to_batch: int
    """As `macs`, with all those parts: what TensorFlow computes on a CPU. It exceeds `macs` where
    the dilation does not divide a side, since parts are padded to one size."""
    uncounted: tuple[str, ...] = ()
    """Layers with a kernel of a kind that is not counted."""


@dataclass(frozen=True)
class _Cost:
    macs: int = 0
    notebook: int = 0
    space_to_batch: int = 0


def count_operations(model: keras.Model, size: tuple[int, int] | None = None) -> Operations:
    """Return the cost of one image of `size` (height, width) in inference.

    model: any Keras model, nested or subclassed, of image inputs (batch, height, width, channels).
        A layer that is called twice counts twice, one that is not called counts nothing.
    size: may be left out where the model's input has one of its own.
    Nothing is computed: layers tell their sizes, and those with layers inside them are traced;
    where a size is not known that way, a black image is run.
    Raises ValueError when `size` is missing or contradicts the model's own.
    """
    inputs = _inputs(model, size)
    inference = _Inference(model)
    if not all(layer.built for layer in model._flatten_layers()):
        inference.compute_output_spec(inputs)  # Building runs the layers a time of its own.
    ways = [lambda: inference.compute_output_spec(inputs), lambda: inference.call(_black(inputs))]
    if _is_graph_of_layers(model):  # Forty times as fast, which training and tables feel.
        ways.insert(0, lambda: model.compute_output_spec(inputs))
    for way in ways:
        calls = _record(model, way)
        if not any(None in shape for _, shapes in calls for shape in shapes):
            break
    costs = [_cost(layer, *shapes) for layer, shapes in calls]
    return Operations(
        parameters=count_parameters(model),
        macs=sum(cost.macs for cost in costs),
        macs_nus=sum(cost.notebook for cost in costs),
        macs_space_to_batch=sum(cost.space_to_batch for cost in costs),
        uncounted=tuple(
            sorted({layer.name for layer, _ in calls if _has_kernel(layer) and not _kind(layer)})
        ),
    )


class _Inference(keras.Operation):
    """A model's inference; `compute_output_spec` traces it on either backend, computing nothing."""

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        self.model = model

    def call(self, images: Any) -> Any:
        return self.model(images, training=False)


def _inputs(model: keras.Model, size: tuple[int, int] | None) -> Any:
    """Return symbolic images, batch 1, in the structure the model takes."""

    def one(spec: Any) -> keras.KerasTensor:
        own = tuple(spec.shape[1:3])
        chosen = own if size is None else tuple(size)
        if None in chosen or any(a not in (None, b) for a, b in zip(own, chosen, strict=True)):
            raise ValueError(f"size {size} for {model.name}, whose input is {tuple(spec.shape)}")
        return keras.KerasTensor((1, *chosen, spec.shape[3]), dtype=spec.dtype)

    # A sequential model keeps its functional one inside; a subclassed model has none.
    functional = getattr(model, "_functional", None) or model
    structure = getattr(functional, "_inputs_struct", keras.KerasTensor((None, None, None, 3)))
    return keras.tree.map_structure(one, structure)


def _black(inputs: Any) -> Any:
    return keras.tree.map_structure(lambda spec: ops.zeros(spec.shape, spec.dtype), inputs)


def _record(model: keras.Model, run: Callable[[], Any]) -> list[Call]:
    """Return each call of a layer that costs, with the shapes of its (first) input and output."""
    calls: list[Call] = []
    with _recording(model, calls):
        run()
    return calls


@contextmanager
def _recording(model: keras.Model, calls: list[Call]) -> Iterator[None]:
    """Put note-taking methods before those of every layer that costs, and take them off again."""
    put: list[tuple[keras.layers.Layer, str]] = []

    def put_before(layer: keras.layers.Layer, name: str, method: Callable) -> None:
        # Past Keras's own `__setattr__`, which keeps track of what is set.
        object.__setattr__(layer, name, method)
        put.append((layer, name))

    for layer in innermost_layers(model):
        if any(_costs(inside) for inside in layer._flatten_layers(include_self=False)):
            put_before(layer, "compute_output_spec", _Traced(layer).compute_output_spec)
        elif _costs(layer):
            told = _noting_once(layer, layer.compute_output_spec, calls)
            put_before(layer, "compute_output_spec", told)
        if _costs(layer):
            put_before(layer, "call", _noting(layer, layer.call, calls))
    try:
        yield
    finally:
        for layer, name in put:
            # The method of the class shows again.
            del layer.__dict__[name]


class _Traced(keras.Operation):
    """A layer with others inside; its own word on its sizes would say nothing of theirs."""

    def __init__(self, layer: keras.layers.Layer) -> None:
        super().__init__()
        self.call = layer.call


def _noting(layer: keras.layers.Layer, call: Callable, calls: list[Call]) -> Callable:
    def noting(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        outputs = call(inputs, *args, **kwargs)
        first = keras.tree.flatten(inputs)[0]
        calls.append((layer, (tuple(first.shape), tuple(outputs.shape))))
        return outputs

    return noting


def _noting_once(layer: keras.layers.Layer, told: Callable, calls: list[Call]) -> Callable:
    """Note what a layer tells; one that traces its `call` to find out has been noted by that."""
    noted: list[Call] = []
    noting = _noting(layer, told, noted)

    def once(*args: Any, **kwargs: Any) -> Any:
        before = len(calls)
        outputs = noting(*args, **kwargs)
        if len(calls) == before:
            calls.append(noted[-1])
        return outputs

    return once


def _is_graph_of_layers(model: keras.Model) -> bool:
    """Whether a model, and each one inside it, is a graph that asks each layer for its sizes.

    One of a fixed batch is none: Keras answers for it from memory and asks nobody.
    """
    images = keras.Input((1,))
    graphs = (type(keras.Model(images, images)), keras.Sequential)
    models = [layer for layer in model._flatten_layers() if isinstance(layer, keras.Model)]
    return all(
        type(inside) in graphs and all(image.shape[0] is None for image in inside.inputs)
        for inside in models
    )


def _costs(layer: keras.layers.Layer) -> bool:
    return not isinstance(layer, keras.Model) and (_has_kernel(layer) or bool(_kind(layer)))


def _has_kernel(layer: keras.layers.Layer) -> bool:
    # Separable layers have two, depthwise_kernel and pointwise_kernel.
    return any("kernel" in variable.name for variable in own_weights(layer))


def _kind(layer: keras.layers.Layer) -> str:
    kinds: dict[str, tuple[type, ...]] = {
        "depthwise": DEPTHWISE,
        "separable": SEPARABLE,
        "transposed": TRANSPOSED,
        "convolution": CONVOLUTIONS,
        "dense": (keras.layers.Dense,),
        "cost volume": (CostVolume,),
    }
    return next((kind for kind, classes in kinds.items() if isinstance(layer, classes)), "")


def _cost(layer: keras.layers.Layer, inputs: Shape, outputs: Shape) -> _Cost:
    """Return the multiply-adds of one call."""
    kind = _kind(layer)
    if not kind:
        return _Cost()
    if kind == "cost volume":
        return _same(prod(outputs) * inputs[-1], notebook=0)
    kernel = sum(prod(v.shape) for v in own_weights(layer) if "kernel" in v.name)
    if kind == "dense":
        return _same(prod(inputs[:-1]) * kernel, notebook=0)
    batch, *sides = _positions(layer, inputs if kind == "transposed" else outputs)
    macs = batch * prod(sides) * kernel
    if kind != "depthwise" or max(layer.dilation_rate) == 1:
        return _same(macs, notebook=macs)
    part = prod(-(-side // d) for side, d in zip(sides, layer.dilation_rate, strict=True))
    return _Cost(macs, batch * part * kernel, batch * part * prod(layer.dilation_rate) * kernel)


def _same(macs: int, notebook: int) -> _Cost:
    return _Cost(macs, notebook, macs)


def _positions(layer: keras.layers.Layer, shape: Shape) -> tuple[int, ...]:
    """Return batch and spatial sides of `shape`."""
    if layer.data_format == "channels_first":
        return (shape[0], *shape[2:])
    return shape[:-1]
