"""OpenVINO: uint8 images to labels on Intel and AMD CPUs, made from the ONNX graph.

Needs `[openvino]`.
"""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadseg.export.converters import check_outputs, labels_function, refused, save_function
from roadseg.export.extras import need
from roadseg.export.interface import LABELS_OF_RGB, Interface
from roadseg.export.trial_images import Size
from roadseg.export.views import Views, by_name

if TYPE_CHECKING:
    import keras

FILE = "model.xml"


def write_openvino(
    model: "keras.Model",
    folder: Path,
    size: Size | None = None,
    interface: Interface = LABELS_OF_RGB,
) -> None:
    """Write `model` to `folder`/model.xml and model.bin, then run it by OpenVINO and compare.

    Input `image` (batch, height, width, 3) uint8, RGB, any size; output `labels` (batch, height,
    width) int32, or what `interface` names, of each camera if it names several; and what
    `labels_function` adds for a model that samples. Weights stay float32.
    size: height and width of the one image that it takes then; None for any images of any size.
    Raises RoadsegError without the extra, and where the format cannot hold `model` or gives other
    labels.
    """
    need("openvino")
    path = folder / FILE
    with refused("openvino", folder):
        write_graph(model, path, size, interface)
    check_outputs(model, run_openvino(path), folder, size, interface)


def write_graph(
    model: "keras.Model",
    path: Path,
    size: Size | None,
    interface: Interface = LABELS_OF_RGB,
    keep_ranges: bool = False,
) -> None:
    """Write `model` from the graph of `graphs` or, where a layer is not known, from TensorFlow.

    keep_ranges: as of `labels_graph`; and the rewrites of `save` are still to be made.
    """
    import onnx

    from roadseg.export.graphs.network import graph_if_known

    graph = graph_if_known(model, size, interface, keep_ranges, "from TensorFlow's operations")
    if graph is None:
        convert(labels_function(model, size, interface), path)
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        onnx.save(graph, str(file))
        convert_file(file, path, as_is=keep_ranges)


def convert(function: Any, path: Path) -> None:
    """Write a TensorFlow function with an input signature for OpenVINO."""
    with tempfile.TemporaryDirectory() as saved:
        save_function(function, Path(saved))
        convert_file(Path(saved), path)


def convert_file(source: Path, path: Path, as_is: bool = False) -> None:
    """Write an ONNX file or a SavedModel for OpenVINO.

    as_is: without the rewrites of `save`, for what is rewritten after.
    """
    import openvino

    model = openvino.convert_model(str(source))
    if as_is:
        openvino.save_model(model, str(path), compress_to_fp16=False)
    else:
        save(model, path)


def save(model: Any, path: Path, half: bool = False) -> None:
    """Write an `openvino.Model`, rewritten for the layouts its kernels like.

    half: store weights in half precision, as OpenVINO does by default.
    """
    import openvino

    from roadseg.export.openvino_layouts import in_fast_layouts

    openvino.save_model(in_fast_layouts(model), str(path), compress_to_fp16=half)


def run_openvino(path: Path) -> Any:
    """Return a function from images to the outputs, by name, of the model at `path`, in float32."""
    import openvino

    # Processors with bfloat16 would use it, and differ by half a percent.
    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    names = [one.any_name for one in compiled.inputs]

    def run(images: Views) -> dict[str, Any]:
        found = compiled(by_name(images, names))
        return {output.any_name: found[output] for output in compiled.outputs}

    return run
