"""ONNX in 8-bit integers (QDQ, by ONNX Runtime's static quantisation) and in half precision.

Weights have 7 bits: on x86 processors with AVX2 and without VNNI, sums of two products of 8 bits
are cut off at 16 bits, and a file travels to any processor.
"""

import tempfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.export.interface import LABELS_OF_RGB, Interface
from roadseg.export.onnx import run_onnx, write_graph
from roadseg.export.precision.graph import Operation, kernels_of, network_operations, up_to_last
from roadseg.export.precision.half import halved
from roadseg.export.views import Views, batched, by_name

if TYPE_CHECKING:
    import keras

Size = tuple[int, int]
CONVOLUTIONS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
LOOKUPS = ("GridSample",)


class OnnxQuantiser:
    """A network whose ranges were measured once, to be written with any of its layers in 8 bits."""

    groups = 10
    weight_bits = 7
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
        from onnxruntime.quantization.quant_utils import load_model_with_shape_infer
        from onnxruntime.quantization.shape_inference import quant_pre_process

        with tempfile.TemporaryDirectory() as folder:
            path, prepared = Path(folder, "float.onnx"), Path(folder, "prepared.onnx")
            write_graph(model, path, size, interface, keep_ranges=True)
            # The symbolic inference would need SymPy, and sizes are known.
            quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
            _name_nodes(prepared)
            self._prepared = prepared.read_bytes()
            self._ranges = _ranges(prepared, images)
            graph = load_model_with_shape_infer(prepared).graph
        operations, outputs = operations_of(graph)
        inside = network_operations(operations, outputs, CONVOLUTIONS, interface.is_nv12, LOOKUPS)
        # What follows the last layer, the way to pixels, would lose logits that are close.
        used = up_to_last(inside, CONVOLUTIONS)
        self.layers = [op.name for op in used if _in_8_bits(op)]
        self.convolutions = [op.name for op in inside if op.kind in CONVOLUTIONS]
        self.kernels = kernels_of(inside)

    def write(self, path: Path, floats: Collection[str] = ()) -> None:
        """Write the network to `path`, the layers `floats` as they are, all others in 8 bits."""
        from onnxruntime.quantization import QuantType
        from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
        from onnxruntime.quantization.quant_utils import load_model_with_shape_infer

        with tempfile.TemporaryDirectory() as folder:
            prepared = Path(folder, "prepared.onnx")
            prepared.write_bytes(self._prepared)
            quantiser = QDQQuantizer(
                load_model_with_shape_infer(prepared),
                True,  # a range for each channel of the weights
                True,  # of 7 bits
                QuantType.QInt8,
                QuantType.QUInt8,
                self._ranges,
                [name for name in self.layers if name not in set(floats)],
                [],
                [*CONVOLUTIONS, "Add"],
                {},
            )
            quantiser.quantize_model()
            quantiser.model.save_model_to_file(str(path), False)

    run = staticmethod(run_onnx)


def _name_nodes(path: Path) -> None:
    """Give every node of the model at `path` a name, by which it can be chosen."""
    import onnx

    model = onnx.load(str(path))
    for node in model.graph.node:
        node.name = node.name or node.output[0]
    onnx.save(model, str(path))


def _in_8_bits(operation: Operation) -> bool:
    """Return whether it is a layer with weights, or the sum of two maps."""
    return operation.kind in CONVOLUTIONS or (
        operation.kind == "Add" and len(operation.inputs) == 2
    )


def _ranges(path: Path, images: Sequence[Views]) -> Any:
    """Return the range of every tensor of the model at `path`, over all images."""
    from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod
    from onnxruntime.quantization.calibrate import create_calibrator

    class Reader(CalibrationDataReader):
        def __init__(self, names: list[str]) -> None:
            self.found: Iterator[Views] = iter(images)
            self.names = names

        def get_next(self) -> dict[str, np.ndarray] | None:
            image = next(self.found, None)
            return None if image is None else by_name(batched(image), self.names)

    calibrator = create_calibrator(
        path,
        [*CONVOLUTIONS, "Add"],
        augmented_model_path=str(path.with_name("augmented.onnx")),
        calibrate_method=CalibrationMethod.MinMax,
    )
    calibrator.collect_data(Reader([one.name for one in calibrator.model.graph.input]))
    return calibrator.compute_data()


def operations_of(graph: Any) -> tuple[list[Operation], dict[str, str]]:
    """Return the operations of an ONNX graph in order, and the tensor of each output by name."""
    constant = {tensor.name for tensor in graph.initializer}
    for node in graph.node:
        if all(name in constant for name in node.input if name):
            constant.update(node.output)
    operations = [
        Operation(
            name=node.name,
            kind=node.op_type,
            inputs=tuple(name for name in node.input if name and name not in constant),
            outputs=tuple(node.output),
            kernel=_kernel(node, constant),
        )
        for node in graph.node
    ]
    return operations, {output.name: output.name for output in graph.output}


def _kernel(node: Any, constant: Collection[str]) -> str:
    """Return the constant that a node convolves with, "" for none."""
    if node.op_type not in CONVOLUTIONS:
        return ""
    return next((name for name in node.input[:2] if name in constant), "")


def write_half(
    model: "keras.Model", size: Size | None, path: Path, interface: Interface = LABELS_OF_RGB
) -> None:
    """Write `model` to `path`, its layers in half precision; locations and labels stay as they are.

    Where a processor has no kernel in half precision, ONNX Runtime computes in single.
    """
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder, "float.onnx")
        write_graph(model, whole, size, interface, keep_ranges=True)
        _name_nodes(whole)
        found = onnx.load(str(whole))
    operations, outputs = operations_of(found.graph)
    network = network_operations(operations, outputs, CONVOLUTIONS, interface.is_nv12, LOOKUPS)
    inside = {op.name for op in network}
    if len(inside) < len(operations):
        onnx.save(halved(found, inside), str(path))
    else:
        onnx.save(convert_float_to_float16(found, keep_io_types=True), str(path))
