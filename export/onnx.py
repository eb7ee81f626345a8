"""ONNX: uint8 images to labels, for ONNX Runtime and what else reads the format.

Graphs are made from the layers of a network, see `graphs`; by tf2onnx, many times as large, where
a layer is not known there. Needs the extra `[onnx]`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadseg.export.converters import check_outputs, labels_function, refused
from roadseg.export.extras import need
from roadseg.export.interface import LABELS_OF_RGB, Interface
from roadseg.export.onnx_check import has_static_shapes
from roadseg.export.trial_images import Size
from roadseg.export.views import Views, by_name

if TYPE_CHECKING:
    import keras

FILE, OPSET = "model.onnx", 18


def write_onnx(
    model: "keras.Model",
    folder: Path,
    size: Size | None = None,
    interface: Interface = LABELS_OF_RGB,
) -> None:
    """Write `model` to `folder`/model.onnx, then run it by ONNX Runtime and compare.

    Input `image` (batch, height, width, 3) uint8, RGB, any size; output `labels` (batch, height,
    width) int32, or what `interface` names, of each camera if it names several; and what
    `labels_function` adds for a model that samples.
    size: height and width of the one image that it takes then; None for any images of any size.
    Raises RoadsegError without the extra, and where the format cannot hold `model` or gives other
    labels.
    """
    need("onnx")
    path = folder / FILE
    with refused("onnx", folder):
        write_graph(model, path, size, interface)
    has_static_shapes(path, folder)
    check_outputs(model, run_onnx(path), folder, size, interface)


def write_graph(
    model: "keras.Model",
    path: Path,
    size: Size | None,
    interface: Interface = LABELS_OF_RGB,
    keep_ranges: bool = False,
) -> None:
    """Write `model` from its layers or, where one is not known, by tf2onnx, which is said.

    keep_ranges: as of `labels_graph`.
    """
    import onnx

    from roadseg.export.graphs.network import graph_if_known

    graph = graph_if_known(model, size, interface, keep_ranges, "by tf2onnx")
    if graph is None:
        convert(labels_function(model, size, interface), path)
    else:
        onnx.save(graph, str(path))


def convert(function: Any, path: Path) -> None:
    """Write a TensorFlow function with an input signature as ONNX."""
    import tf2onnx

    tf2onnx.convert.from_function(
        function, function.input_signature, opset=OPSET, output_path=str(path)
    )


def run_onnx(path: Path) -> Any:
    """Return a function from images to the outputs, by name, of the model at `path`."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path))
    inputs = [one.name for one in session.get_inputs()]
    names = [output.name for output in session.get_outputs()]

    def run(images: Views) -> dict[str, Any]:
        return dict(zip(names, session.run(names, by_name(images, inputs)), strict=True))

    return run
