"""LiteRT in 8-bit integers (uint8 image in, labels out) and with weights in half precision.

8-bit sums of LiteRT are kept in 32 bits on every processor: weights have all their 8 bits.
"""

import copy
import os
import tempfile
from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.command_line.quiet import without_native_notices
from roadseg.export.converters import labels_function, save_function
from roadseg.export.interface import LABELS_OF_RGB, Interface
from roadseg.export.litert import run_litert
from roadseg.export.per_pixel import pixel_outputs
from roadseg.export.precision.graph import Operation, kernels_of, network_operations
from roadseg.export.saved_model import class_logits, is_sampled
from roadseg.export.traced import traced
from roadseg.export.views import Views, batched, by_name, each

if TYPE_CHECKING:
    import keras

Size = tuple[int, int]
CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED")
LOOKUPS = ("GATHER", "GATHER_ND")
# Of what is joined: a map whose values are so many times smaller keeps a scale of its own.
LESS_THAN = 2


class LiteRTQuantiser:
    """A network whose ranges were measured once, to be written with any of its layers in 8 bits."""

    groups = 10
    weight_bits = 8
    way = "extremes of all images"
    ways = (way,)

    def __init__(
        self,
        model: "keras.Model",
        size: Size,
        images: Sequence[Views],
        interface: Interface = LABELS_OF_RGB,
    ) -> None:
        """Measure the ranges of `model` on uint8 images, all of `size` and as it takes them."""
        import tensorflow as tf

        sampled = is_sampled(model)
        kind = np.uint8 if sampled else np.float32
        make = labels_function if sampled else _from_float
        function = make(model, size, interface)
        with tempfile.TemporaryDirectory() as saved:
            save_function(function, Path(saved))
            converter = tf.lite.TFLiteConverter.from_saved_model(saved)
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            # One at a time: all of them as floats would be a gigabyte at 1024x2048.
            shown = (
                by_name(each(lambda x: x.astype(kind), batched(image)), interface.inputs)
                for image in images
            )
            first = next(shown)
            converter.representative_dataset = lambda: iter([first])
            # As its own debugger does it: ranges are measured once, and used for every choice.
            converter._experimental_calibrate_only = True
            self._calibrated = _with_joins_apart(
                _with_ranges(converter.convert(), chain([first], shown))
            )
        self._input_type = tf.float32 if sampled else tf.uint8
        operations, outputs = _graph(self._calibrated)
        inside = network_operations(operations, outputs, CONVOLUTIONS, lookups=LOOKUPS)
        self._outside = {op.name for op in operations} - {op.name for op in inside}
        self.layers = [op.name for op in inside]
        self.convolutions = [op.name for op in inside if op.kind in CONVOLUTIONS]
        self.kernels = kernels_of(inside)

    def write(self, path: Path, floats: Collection[str] = ()) -> None:
        """Write the network to `path`, the layers `floats` as they are, all others in 8 bits."""
        # Not public; the converter would measure ranges again for every choice.
        from tensorflow.lite.python.convert import mlir_quantize

        with without_native_notices():  # a line about its own options, for every file
            content = mlir_quantize(
                self._calibrated,
                input_data_type=self._input_type,
                denylisted_nodes=sorted({*self._outside, *floats}),
            )
        path.write_bytes(_without_detours(content))

    run = staticmethod(run_litert)


def _from_float(model: "keras.Model", size: Size, interface: Interface) -> Any:
    """Return `model` from float images of `size` to its outputs, as the quantiser wants it."""
    import tensorflow as tf

    def best(logits: Any) -> Any:
        # Not by `best_class`: LiteRT has an argmax of 8-bit values, and no top_k of them.
        return tf.argmax(logits, -1, output_type=tf.int32)

    def outputs(image: Views) -> dict[str, Any]:
        return pixel_outputs(interface, lambda: class_logits(model, image), best=best)

    made = traced(outputs, interface, size, tf.float32)
    # Kept with the function, whose graph refers to them only weakly.
    made.weights = model.variables
    return made


def _with_ranges(content: bytes, shown: Iterable[dict[str, np.ndarray]]) -> bytes:
    """Return a calibrated LiteRT model with the ranges that its values have on the images `shown`.

    The converter's own (TensorFlow 2.21) are wrong where an operation writes over its input, as
    additions and multiplications do: the input then has the range of both.
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    # Loops and branches run in graphs of their own, whose values cannot be read: theirs stay.
    tensors = model.subgraphs[0].tensors
    interpreter = Interpreter(
        model_content=content,
        num_threads=os.cpu_count(),
        experimental_preserve_all_tensors=True,
        # A delegate computes without showing what is between its first and last operation.
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    run = interpreter.get_signature_runner()
    ranges = {
        index: (np.inf, -np.inf)
        for index, tensor in enumerate(tensors)
        if tensor.quantization is not None and tensor.quantization.min is not None
    }
    for images in shown:
        run(**images)
        for index, (low, high) in ranges.items():
            values = interpreter.get_tensor(index)
            if values.size:
                ranges[index] = (min(low, float(values.min())), max(high, float(values.max())))
    for index, (low, high) in ranges.items():
        if np.isfinite(low) and np.isfinite(high):
            tensors[index].quantization.min = np.array([low], np.float32)
            tensors[index].quantization.max = np.array([high], np.float32)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _with_joins_apart(content: bytes) -> bytes:
    """Return a calibrated model in which maps of small values keep their own scale up to a join.

    What is joined (CONCATENATION) has one scale, which the quantiser hands on to what it joins, and
    from there through poolings and paddings as far as it can: beside an image of 0 to 255, or
    behind a pooling that is joined with larger values, a map of 0 to 5 would have five steps. So a
    leaky ReLU of slope 1, which changes nothing and has scales of its own, stands before the join.
    """
    from tensorflow.lite.python import schema_py_generated as schema
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    kinds, graph = schema.BuiltinOperator, model.subgraphs[0]
    joins = [
        n for n, code in enumerate(model.operatorCodes) if code.builtinCode == kinds.CONCATENATION
    ]
    unchanging = schema.OperatorCodeT()
    unchanging.builtinCode = unchanging.deprecatedBuiltinCode = kinds.LEAKY_RELU
    unchanging.version = 2  # of 8-bit values too
    model.operatorCodes.append(unchanging)

    def apart(index: int, name: bytes) -> Any:
        """Return the operation that makes of tensor `index` a last, equal one."""
        tensor = copy.deepcopy(graph.tensors[index])
        tensor.name, tensor.buffer = name, 0
        graph.tensors.append(tensor)
        made = schema.OperatorT()
        made.opcodeIndex = len(model.operatorCodes) - 1
        made.builtinOptionsType = schema.BuiltinOptions.LeakyReluOptions
        made.builtinOptions = schema.LeakyReluOptionsT()
        made.builtinOptions.alpha = 1.0
        made.inputs, made.outputs = [index], [len(graph.tensors) - 1]
        return made

    operators = []
    for op in graph.operators:
        joined = graph.tensors[op.outputs[0]]
        for number, index in enumerate(op.inputs if op.opcodeIndex in joins else ()):
            if 0 < LESS_THAN * _largest(graph.tensors[index]) < _largest(joined):
                made = apart(int(index), joined.name + f"/apart{number}".encode())
                operators.append(made)
                op.inputs[number] = made.outputs[0]
        operators.append(op)
    graph.operators = operators
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _largest(tensor: Any) -> float:
    """Return the largest absolute value that a tensor had; 0 where that is not known."""
    ranges = tensor.quantization
    if ranges is None or ranges.min is None:
        return 0.0
    return max(abs(float(ranges.min[0])), abs(float(ranges.max[0])))


def _without_detours(content: bytes) -> bytes:
    """Return a LiteRT model without values that are quantised and at once made floats again.

    The quantiser does so in layers that are to stay in float as well: after a softmax, whose range
    it knows (a density in 8 bits samples elsewhere), and where values are joined.
    """
    from tensorflow.lite.python.schema_py_generated import BuiltinOperator as kinds
    from tensorflow.lite.python.schema_py_generated import TensorType
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    for graph in model.subgraphs:
        kind_of = [model.operatorCodes[op.opcodeIndex].builtinCode for op in graph.operators]
        source: dict[int, int] = {}
        for op, kind in zip(graph.operators, kind_of, strict=True):
            given, made = op.inputs[0] if len(op.inputs) else -1, op.outputs
            if kind == kinds.QUANTIZE and graph.tensors[given].type == TensorType.FLOAT32:
                source[made[0]] = given
            elif kind == kinds.QUANTIZE and given in source:  # from one scale to another
                source[made[0]] = source[given]
        same = {
            op.outputs[0]: source[op.inputs[0]]
            for op, kind in zip(graph.operators, kind_of, strict=True)
            if kind == kinds.DEQUANTIZE and op.inputs[0] in source
        }
        for op in graph.operators:
            op.inputs = [same.get(index, index) for index in op.inputs]
        kept, used = [], set(graph.outputs)
        for op, kind in reversed(list(zip(graph.operators, kind_of, strict=True))):
            if kind not in (kinds.QUANTIZE, kinds.DEQUANTIZE) or op.outputs[0] in used:
                kept.append(op)
                used.update(op.inputs)
        graph.operators = kept[::-1]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _graph(content: bytes) -> tuple[list[Operation], dict[str, str]]:
    """Return the operations of a LiteRT model, and the tensor of each output by name."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content)
    names = {detail["index"]: detail["name"] for detail in interpreter.get_tensor_details()}
    details = interpreter._get_ops_details()
    made = {int(index) for detail in details for index in detail["outputs"]}
    operations = [
        Operation(
            name=names[int(detail["outputs"][0])],
            kind=detail["op_name"],
            inputs=tuple(names[int(i)] for i in detail["inputs"] if int(i) in made),
            outputs=tuple(names[int(i)] for i in detail["outputs"]),
            # Of each kind of convolution the second input.
            kernel=names[int(detail["inputs"][1])] if detail["op_name"] in CONVOLUTIONS else "",
        )
        for detail in details
        if len(detail["outputs"]) and detail["op_name"] != "DELEGATE"
    ]
    signature = interpreter._get_full_signature_list()["serving_default"]
    return operations, {name: names[index] for name, index in signature["outputs"].items()}


def write_half(
    model: "keras.Model", size: Size | None, path: Path, interface: Interface = LABELS_OF_RGB
) -> None:
    """Write `model` to `path` with weights in half precision; processors compute in single."""
    import tensorflow as tf

    function = labels_function(model, size, interface)
    with tempfile.TemporaryDirectory() as saved:
        save_function(function, Path(saved))
        converter = tf.lite.TFLiteConverter.from_saved_model(saved)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        path.write_bytes(converter.convert())
