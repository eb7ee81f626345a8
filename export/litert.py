"""LiteRT (TensorFlow Lite): uint8 images to labels on small devices. Needs the extra `[litert]`."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadseg.export.converters import check_outputs, labels_function, refused, save_function
from roadseg.export.extras import need
from roadseg.export.interface import LABELS_OF_RGB, Interface
from roadseg.export.trial_images import Size
from roadseg.export.views import by_name

if TYPE_CHECKING:
    import keras

FILE = "model.tflite"


def write_litert(
    model: "keras.Model",
    folder: Path,
    size: Size | None = None,
    interface: Interface = LABELS_OF_RGB,
) -> None:
    """Write `model` to `folder`/model.tflite, then run it by LiteRT and compare.

    One input (batch, height, width, 3) uint8, RGB, or one of each camera that `interface` names:
    resize it to the size of the images before allocating. First output: labels (batch, height,
    width) int32, or what `interface` names; see `labels_function`.
    size: height and width of the one image that it takes then; None for any images of any size.
    Raises RoadsegError without the extra, and where the format cannot hold `model` or gives other
    labels.
    """
    need("litert")
    path = folder / FILE
    with refused("litert", folder):
        convert(labels_function(model, size, interface), path)
    check_outputs(model, run_litert(path), folder, size, interface)


def convert(function: Any, path: Path) -> None:
    """Write a TensorFlow function with an input signature for LiteRT."""
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as saved:
        save_function(function, Path(saved))
        content = tf.lite.TFLiteConverter.from_saved_model(saved).convert()
    path.write_bytes(content)


def run_litert(path: Path) -> Any:
    """Return a function from images to the outputs, by name, of the model at `path`."""
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(str(path)).get_signature_runner()
    names = list(runner.get_input_details())
    return lambda images: runner(**by_name(images, names))
