"""Writes an untrained network in every format that can be written here, to be timed.

`python -m roadseg.export.untrained fast_scnn --size 512 1024 --to DIR` writes DIR/saved_model, and
DIR/model.onnx, model.tflite and model.xml as far as their converters are installed: one normalised
image (1, height, width, 3), float32, to logits at the network's own scale, as originals are timed.

With `--labels openvino onnx` it writes DIR/openvino and DIR/onnx as `roadseg export --size` does:
one uint8 image (1, height, width, 3) to the label of each pixel, checked against the network.
"""

import dataclasses
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from roadseg.command_line.arguments import parse
from roadseg.command_line.quiet import quiet_tensorflow
from roadseg.errors import RoadsegError

Size = tuple[int, int]
# Takes a network, the size of its images, and the folder to write to.
Write = Callable[[Any, Size, Path], None]
EXAMPLE = "python -m roadseg.export.untrained fast_scnn --size 512 1024 --to formats"
FAILED = "failed.json"


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Write a network with random weights in every format whose converter is installed."""

    network: Annotated[str, tyro.conf.Positional]
    """One of registry.list_models()."""
    size: tuple[int, int]
    """Height and width, which are fixed in the result."""
    to: Path
    """Folder to write to."""
    num_classes: int = 19
    """Classes."""
    options: str = "{}"
    """Options of the network's builder, as JSON."""
    labels: tuple[str, ...] = ()
    """Formats to write from image to labels, instead of all of them to logits."""


def main(argv: Sequence[str]) -> int:
    """Write what can be written, and failed.json: why a format could not be, by its name.

    Returns the exit status: 2, with one line on standard error, for a network that cannot be built.
    """
    arguments = parse(Arguments, argv, command="", example=EXAMPLE)
    quiet_tensorflow()
    options = json.loads(arguments.options)
    try:
        if arguments.labels:
            write_labels(arguments, options)
            return 0
        model = untrained(arguments.network, arguments.num_classes, arguments.size, options)
    except (RoadsegError, ValueError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    arguments.to.mkdir(parents=True, exist_ok=True)
    failed = {}
    for name, write in writers().items():
        try:
            write(model, arguments.size, arguments.to)
        except Exception as error:  # a converter's own fault: the others are still of use
            failed[name] = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"
    (arguments.to / FAILED).write_text(json.dumps(failed), encoding="utf-8")
    return 0


def untrained(network: str, num_classes: int, size: Size, options: dict[str, Any]) -> Any:
    """Return a new network: normalised images of `size` to the logits before they are enlarged."""
    import keras

    from roadseg.layers.heads import own_scale
    from roadseg.models import registry

    keras.utils.set_random_seed(0)
    return own_scale(
        registry.create(
            network, num_classes, input_shape=(*size, 3), include_preprocessing=False, **options
        )
    )


def write_labels(arguments: Arguments, options: dict[str, Any]) -> None:
    """Write a new network from image to labels in the formats asked for, a folder each.

    Its statistics are those of one image, so that values are of usual sizes all the way.
    Raises RoadsegError for a format that is not installed, cannot hold it or gives other labels.
    """
    import keras

    from roadseg.export.extras import need
    from roadseg.export.formats import find_format
    from roadseg.export.graphs.trial import make_lively
    from roadseg.export.interface import LABELS_OF_RGB
    from roadseg.export.trial_images import trial_images
    from roadseg.models import registry

    for name in arguments.labels:
        need(name)
    keras.utils.set_random_seed(0)
    model = registry.create(arguments.network, arguments.num_classes, **options)
    (image, _) = trial_images(model, (), arguments.size)
    make_lively(model, image)
    for name in arguments.labels:
        folder = arguments.to / name
        folder.mkdir(parents=True)
        find_format(name).write(model, folder, arguments.size, LABELS_OF_RGB)


def logits_function(model: Any, size: Size) -> Any:
    """Return a network as a TensorFlow function of one image, to a dict of every head's logits."""
    import tensorflow as tf

    @tf.function(
        input_signature=[tf.TensorSpec((1, *size, 3), tf.float32, name="image")], autograph=False
    )
    def logits(image: Any) -> dict[str, Any]:
        outputs = model(image, training=False)
        return outputs if isinstance(outputs, dict) else {"logits": outputs}

    # Kept with the function, whose graph refers to them only weakly.
    logits.weights = model.variables
    return logits


def writers() -> dict[str, Write]:
    """Return what writes a network to a folder, by format, for the formats installed here."""
    from roadseg.export.extras import missing

    found = {"saved_model": _saved_model, "onnx": _onnx, "litert": _litert, "openvino": _openvino}
    return {name: write for name, write in found.items() if not missing(name)}


def _saved_model(model: Any, size: Size, folder: Path) -> None:
    from roadseg.export.converters import save_function

    save_function(logits_function(model, size), folder / "saved_model")


def _litert(model: Any, size: Size, folder: Path) -> None:
    from roadseg.export import litert

    litert.convert(logits_function(model, size), folder / litert.FILE)


def _onnx(model: Any, size: Size, folder: Path) -> None:
    from roadseg.export.onnx import FILE

    _write_graph(model, size, folder / FILE)


def _openvino(model: Any, size: Size, folder: Path) -> None:
    from roadseg.export import openvino

    with tempfile.TemporaryDirectory() as aside:
        file = Path(aside, "model.onnx")
        _write_graph(model, size, file)
        openvino.convert_file(file, folder / openvino.FILE)


def _write_graph(model: Any, size: Size, path: Path) -> None:
    """Write a network from its layers, as `roadseg export` does."""
    import onnx

    from roadseg.export.graphs.network import logits_graph

    onnx.save(logits_graph(model, size), str(path))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
