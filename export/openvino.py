"""OpenVINO: uint8 images of any size to labels on Intel and AMD CPUs. Needs `[openvino]`."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadseg.export.converters import check_outputs, labels_function, need, refused, save_function
from roadseg.export.trial_images import Size

if TYPE_CHECKING:
    import keras

FILE = "model.xml"


def write_openvino(model: "keras.Model", folder: Path, size: Size | None = None) -> None:
    """Write `model` to `folder`/model.xml and model.bin, then run it by OpenVINO and compare.

    Input `image` (batch, height, width, 3) uint8, RGB, any size; output `labels` (batch, height,
    width) int32, and what `labels_function` adds for a model that samples. Weights stay float32.
    size: height and width of the one image that it takes then; None for any images of any size.
    Raises RoadsegError without the extra, and where the format cannot hold `model` or gives other
    labels.
    """
    need("openvino")
    path = folder / FILE
    with refused("openvino", folder):
        convert(labels_function(model, size), path)
    check_outputs(model, run_openvino(path), folder, size)


def convert(function: Any, path: Path) -> None:
    """Write a TensorFlow function with an input signature for OpenVINO."""
    import openvino

    with tempfile.TemporaryDirectory() as saved:
        save_function(function, Path(saved))
        openvino.save_model(openvino.convert_model(saved), str(path), compress_to_fp16=False)


def run_openvino(path: Path) -> Any:
    """Return a function from images to the outputs, by name, of the model at `path`, in float32."""
    import openvino

    # Processors with bfloat16 would use it, and differ by half a percent.
    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(images: Any) -> Any:
        found = compiled(images)
        return {output.any_name: found[output] for output in compiled.outputs}

    return run
