"""LiteRT in 8-bit integers (uint8 image in, labels out) and with weights in half precision.

8-bit sums of LiteRT are kept in 32 bits on every processor: weights have all their 8 bits.
"""

import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

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


class LiteRTQuantiser:
    """A network whose ranges were measured once, to be written with any of its layers in 8 bits."""

    groups = 10
    weight_bits = 8

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
            converter.representative_dataset = lambda: (
                by_name(each(lambda x: x.astype(kind), batched(image)), interface.inputs)
                for image in images
            )
            # As its own debugger does it: ranges are measured once, and used for every choice.
            converter._experimental_calibrate_only = True
            self._calibrated = converter.convert()
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


def _without_detours(content: bytes) -> bytes:
    """Return a LiteRT model without values that are quantised and at once made floats again.

    The quantiser does so after a softmax, whose range it knows, in layers that are to stay in
    float as well: a density in 8 bits samples elsewhere.
    """
    from tensorflow.lite.python.schema_py_generated import BuiltinOperator as kinds
    from tensorflow.lite.python.schema_py_generated import TensorType
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    for graph in model.subgraphs:
        kind_of = [model.operatorCodes[op.opcodeIndex].builtinCode for op in graph.operators]
        source = {
            op.outputs[0]: op.inputs[0]
            for op, kind in zip(graph.operators, kind_of, strict=True)
            if kind == kinds.QUANTIZE and graph.tensors[op.inputs[0]].type == TensorType.FLOAT32
        }
        same = {
            op.outputs[0]: source[op.inputs[0]]
            for op, kind in zip(graph.operators, kind_of, strict=True)
            if kind == kinds.DEQUANTIZE and op.inputs[0] in source
        }
        for op in graph.operators:
            op.inputs = [same.get(index, index) for index in op.inputs]
        used = {index for op in graph.operators for index in op.inputs} | set(graph.outputs)
        graph.operators = [
            op
            for op, kind in zip(graph.operators, kind_of, strict=True)
            if kind not in (kinds.QUANTIZE, kinds.DEQUANTIZE) or op.outputs[0] in used
        ]
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
