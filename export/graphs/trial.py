"""Runs the graph of an untrained network in every runtime that reads it, and counts its nodes."""

import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy as np

from roadseg.export.fixed_size import Size
from roadseg.layers.heads import main_logits

CONVOLUTIONS = ("Conv", "ConvTranspose")
# What a graph moves values with; none of them may do what a resize does.
MOVES = ("Gather", "GatherND", "Slice")
# What a network does by itself, by the kinds of nodes that do it; sums and products of two maps,
# not of one with a constant. The rest of a graph is what a leaner one could lose.
PARTS = {
    "convolutions": CONVOLUTIONS,
    "activations": ("Clip", "HardSwish", "LeakyRelu", "PRelu", "Relu", "Sigmoid", "Tanh"),
    "sums, products": ("Add", "Mul", "Sub", "Sum"),
    "joins": ("Concat",),
    "poolings, resizes": (
        *("AveragePool", "Expand", "GlobalAveragePool", "GridSample", "MaxPool", "ReduceMax"),
        *("ReduceMean", "ReduceSum", "Resize"),
    ),
    "ends": ("ArgMax", "Cast"),
}
Run = Callable[[np.ndarray], np.ndarray]
Load = Callable[[Path, Size | None], Run]


def make_lively(model: keras.Model, image: np.ndarray, seed: int = 0) -> None:
    """Give an untrained network statistics, offsets and slopes of its own, and labels of all kinds.

    As made, normalisations do nothing and one class wins everywhere, so that no graph could be
    wrong. The last kernel is scaled so that all classes' logits of `image` (1, height, width, 3)
    are equally wide, and its bias, if it has one, puts their means at zero.
    """
    random = np.random.default_rng(seed)
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            ranges = ((0.7, 1.3), (-0.3, 0.3), (-0.3, 0.3), (0.6, 1.5))
            drawn = zip(ranges, layer.weights, strict=True)
            layer.set_weights([random.uniform(*limits, weight.shape) for limits, weight in drawn])
        elif isinstance(layer, keras.layers.PReLU):
            layer.set_weights([random.uniform(-0.2, 0.5, layer.alpha.shape)])
    found = model.predict_on_batch(image.astype(np.float32))
    logits = main_logits(found)
    mean, width = logits.mean(axis=(0, 1, 2)), logits.std(axis=(0, 1, 2)) + 1e-6
    last = _last_convolution(model)
    # The channels that a transposed convolution gives are the third axis of its kernel.
    shape = (-1, 1) if isinstance(last, keras.layers.Conv2DTranspose) else (-1,)
    kernel, *bias = last.get_weights()
    bias = [(values - mean) / width for values in bias]
    last.set_weights([kernel / width.reshape(shape), *bias])


def _last_convolution(model: keras.Model) -> Any:
    """Return the layer that makes the logits, whatever resizes them behind it."""
    tensor = main_logits(model.output)
    layer = tensor._keras_history.operation
    while not hasattr(layer, "kernel"):
        layer = keras.tree.flatten(layer.input)[0]._keras_history.operation
    return layer


def counted(graph: Any) -> dict[str, int]:
    """Return how many nodes of each kind a model of ONNX has."""
    return dict(Counter(node.op_type for node in graph.graph.node))


def parts_of(graph: Any) -> dict[str, int]:
    """Return how many nodes do each of PARTS in a graph of one size, and how many the `rest`.

    The turn of the image's layout is one of the ends.
    """
    constants = {tensor.name for tensor in graph.graph.initializer}
    part_of = {kind: part for part, kinds in PARTS.items() for kind in kinds}
    found = Counter(dict.fromkeys(PARTS, 0))
    averaged: set[str] = set()
    for node in graph.graph.node:
        part = part_of.get(node.op_type, "rest")
        if part == "sums, products" and constants.intersection(node.input):
            part = "rest"
        if node.op_type == "Transpose" and node.input[0] == "image":
            part = "ends"
        if node.op_type == "MatMul":
            # Of an average over bins of unlike sides, which takes two, the second is too many.
            averaged.update(node.output)
            part = "rest" if averaged.intersection(node.input) else "poolings, resizes"
        found[part] += 1
    return {part: found[part] for part in (*PARTS, "rest")}


def convolutions(counts: dict[str, int]) -> int:
    """Return how many of the counted nodes are convolutions."""
    return sum(counts.get(kind, 0) for kind in CONVOLUTIONS)


def convolutions_of(model: keras.Model) -> int:
    """Return how many convolutions one call of a network runs, dense layers of maps among them."""
    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Conv2DTranspose)
    return sum(
        isinstance(node.operation, (*kinds, keras.layers.Dense))
        for nodes in model._nodes_by_depth.values()
        for node in nodes
    )


def runtimes() -> dict[str, Load]:
    """Return by name what loads a file of ONNX and gives a function from images to labels.

    ncnn is among them where it is installed, with pnnx: `pip install ncnn pnnx`.
    """
    found: dict[str, Load]
    found = {"ONNX Runtime": _onnx_runtime, "OpenVINO": _openvino, "OpenCV DNN": _opencv}
    if find_spec("ncnn") and find_spec("pnnx"):
        found["ncnn"] = _ncnn
    return found


def _onnx_runtime(path: Path, size: Size | None) -> Run:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path))
    return lambda image: session.run(None, {"image": image})[0]


def _openvino(path: Path, size: Size | None) -> Run:
    import openvino

    # Processors with bfloat16 would use it otherwise.
    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda image: compiled(image)[0]


def _opencv(path: Path, size: Size | None) -> Run:
    import cv2

    network = cv2.dnn.readNetFromONNX(str(path))

    def run(image: np.ndarray) -> np.ndarray:
        network.setInput(image)
        return network.forward().reshape(image.shape[:3])

    return run


def _ncnn(path: Path, size: Size | None) -> Run:
    """Read a file of one size by pnnx, but for what ncnn has no layers for: bytes and best class.

    The caller then gives floats, colours first, and takes the best class of the logits.
    """
    import onnx

    from roadseg.export.graphs.ncnn_run import labels_apart

    assert size is not None, "pnnx reads graphs of one size"
    cut = without_ends(onnx.load(str(path)), size)

    def run(image: np.ndarray) -> np.ndarray:
        planes = np.ascontiguousarray(image[0].transpose(2, 0, 1), np.float32)
        with tempfile.TemporaryDirectory() as folder:
            onnx.save(cut, f"{folder}/model.onnx")
            shape = f"inputshape=[1,3,{size[0]},{size[1]}]f32"
            pnnx = Path(sys.executable).with_name("pnnx")
            # It also writes files to the folder that it runs in.
            command = [str(pnnx), "model.onnx", shape, "fp16=0"]
            subprocess.run(command, cwd=folder, capture_output=True, check=True)
            return labels_apart(Path(folder), planes)[None]

    return run


def without_ends(graph: Any, size: Size) -> Any:
    """Return a model of ONNX of one size from float planes to logits, (1, channels, height, width).

    Its `image` of bytes and its `labels` are left out, with the nodes that make one of the other.
    """
    import onnx

    first = next(node for node in graph.graph.node if node.op_type == "Cast")
    last = [node for node in graph.graph.node if node.op_type == "ArgMax"][-1]
    planes, logits = first.output[0], last.input[0]
    kept, wanted = [], {logits}
    for node in reversed(graph.graph.node):
        if wanted.intersection(node.output) and node is not first:
            kept.append(node)
            wanted.update(node.input)
    float32 = onnx.TensorProto.FLOAT
    cut = onnx.helper.make_graph(
        kept[::-1],
        graph.graph.name,
        [onnx.helper.make_tensor_value_info(planes, float32, (1, 3, *size))],
        [onnx.helper.make_tensor_value_info(logits, float32, None)],
        [tensor for tensor in graph.graph.initializer if tensor.name in wanted],
    )
    return onnx.helper.make_model(
        cut, opset_imports=graph.opset_import, ir_version=graph.ir_version
    )
