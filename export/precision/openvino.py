"""OpenVINO in 8-bit integers (by NNCF) and with weights in half precision.

Weights have 7 bits, by NNCF's own fix for overflow: see `precision.onnx`.
"""

import atexit
import logging
import shutil
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadseg.export.interface import LABELS_OF_RGB, Interface
from roadseg.export.openvino import run_openvino, save, write_graph
from roadseg.export.precision.graph import Operation, kernels_of, network_operations
from roadseg.export.views import Views, batched, by_name

if TYPE_CHECKING:
    import keras

Size = tuple[int, int]
CONVOLUTIONS = (
    *("Convolution", "GroupConvolution", "ConvolutionBackpropData"),
    *("GroupConvolutionBackpropData", "MatMul"),
)
LOOKUPS = ("GridSample",)


class OpenvinoQuantiser:
    """A network to be written with any of its layers in 8 bits; each time ranges are measured."""

    groups = 5
    weight_bits = 7
    # What images of other light hold lies outside of the mean, which gives finer steps.
    ways = ("mean over the images of the extremes of each", "extremes of all images")

    def __init__(
        self,
        model: "keras.Model",
        size: Size,
        images: Sequence[Views],
        interface: Interface = LABELS_OF_RGB,
    ) -> None:
        """Take `model` and uint8 images, all of `size` and as it takes them."""
        self._images = list(images)
        self._model = _read(model, size, interface)
        operations, outputs = _graph(self._model)
        inside = network_operations(operations, outputs, CONVOLUTIONS, interface.is_nv12, LOOKUPS)
        self._outside = {op.name for op in operations} - {op.name for op in inside}
        self.convolutions = [op.name for op in inside if op.kind in CONVOLUTIONS]
        self.kernels = kernels_of(inside)
        self.layers = self.convolutions
        self.way = self.ways[0]

    def write(self, path: Path, floats: Collection[str] = ()) -> None:
        """Write the network to `path`, the layers `floats` as they are, all others in 8 bits."""
        import nncf
        from nncf.quantization.range_estimator import RangeEstimatorParametersSet as Ranges

        nncf.set_log_level(logging.ERROR)
        ranges = Ranges.MEAN_MINMAX if self.way == self.ways[0] else Ranges.MINMAX
        names = [one.any_name for one in self._model.inputs]
        found = nncf.quantize(
            self._model.clone(),
            nncf.Dataset(self._images, lambda image: by_name(batched(image), names)),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(self._images),
            ignored_scope=nncf.IgnoredScope(
                names=sorted({*self._outside, *floats}), validate=False
            ),
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                overflow_fix=nncf.OverflowFix.ENABLE,
                activations_range_estimator_params=ranges,
            ),
        )
        save(found, path)

    run = staticmethod(run_openvino)


def _graph(model: Any) -> tuple[list[Operation], dict[str, str]]:
    """Return the operations of an OpenVINO model, and the tensor of each output by name."""
    operations = []
    for node in model.get_ordered_ops():
        kind = node.get_type_name()
        if kind in ("Constant", "Parameter", "Result"):
            continue
        sources = [node.input_value(number) for number in range(node.get_input_size())]
        operations.append(
            Operation(
                name=node.get_friendly_name(),
                kind=kind,
                inputs=tuple(
                    _tensor(source)
                    for source in sources
                    if source.get_node().get_type_name() not in ("Constant", "Parameter")
                ),
                outputs=tuple(_tensor(node.output(n)) for n in range(node.get_output_size())),
                kernel=_kernel(sources[1]) if kind in CONVOLUTIONS else "",
            )
        )
    outputs = {}
    for output in model.outputs:
        source = output.get_node().input_value(0)
        for name in output.get_names():
            outputs[name.partition(":")[0]] = _tensor(source)
    return operations, outputs


def _kernel(source: Any) -> str:
    """Return the constant behind the weights of a layer, in groups or not; "" for none."""
    node = source.get_node()
    if node.get_type_name() == "Reshape":
        node = node.input_value(0).get_node()
    return str(node.get_friendly_name()) if node.get_type_name() == "Constant" else ""


def _tensor(output: Any) -> str:
    return f"{output.get_node().get_friendly_name()}:{output.get_index()}"


def write_half(
    model: "keras.Model", size: Size | None, path: Path, interface: Interface = LABELS_OF_RGB
) -> None:
    """Write `model` to `path` with weights in half precision; devices choose theirs."""
    save(_read(model, size, interface), path, half=True)


def _read(model: "keras.Model", size: Size | None, interface: Interface) -> Any:
    """Return `model` as OpenVINO has it, in single precision."""
    import openvino

    # A folder that stays as long as the process: weights are read when they are needed.
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder, "float.xml")
    write_graph(model, path, size, interface, keep_ranges=True)
    return openvino.Core().read_model(str(path))
