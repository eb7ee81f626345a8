"""Writes an untrained network in every format that can be written here, to be timed.

`python -m roadseg.export.untrained fast_scnn --size 512 1024 --to DIR` writes DIR/saved_model, and
DIR/model.onnx, model.tflite and model.xml as far as their converters are installed: one normalised
image (1, height, width, 3), float32, to logits at the network's own scale, as originals are timed.
"""

import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from roadseg.command_line.arguments import parse
from roadseg.command_line.quiet import quiet_tensorflow
from roadseg.errors import RoadsegError

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


def main(argv: Sequence[str]) -> int:
    """Write what can be written, and failed.json: why a format could not be, by its name.

    Returns the exit status: 2, with one line on standard error, for a network that cannot be built.
    """
    arguments = parse(Arguments, argv, command="", example=EXAMPLE)
    quiet_tensorflow()
    try:
        function = logits_function(
            arguments.network, arguments.num_classes, arguments.size, json.loads(arguments.options)
        )
    except (RoadsegError, ValueError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    arguments.to.mkdir(parents=True, exist_ok=True)
    failed = {}
    for name, convert in converters().items():
        try:
            convert(function, arguments.to)
        except Exception as error:  # a converter's own fault: the others are still of use
            failed[name] = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"
    (arguments.to / FAILED).write_text(json.dumps(failed), encoding="utf-8")
    return 0


def logits_function(
    network: str, num_classes: int, size: tuple[int, int], options: dict[str, Any]
) -> Any:
    """Return a new network as a TensorFlow function of one normalised image of fixed size.

    The result gives the logits before they are enlarged to the image, or a dict of every head's.
    """
    import keras
    import tensorflow as tf

    from roadseg.layers.heads import own_scale
    from roadseg.models import registry

    keras.utils.set_random_seed(0)
    shape = (*size, 3)
    model = own_scale(
        registry.create(
            network, num_classes, input_shape=shape, include_preprocessing=False, **options
        )
    )

    @tf.function(input_signature=[tf.TensorSpec((1, *shape), tf.float32, name="image")])
    def logits(image: Any) -> dict[str, Any]:
        outputs = model(image, training=False)
        return outputs if isinstance(outputs, dict) else {"logits": outputs}

    # Kept with the function, whose graph refers to them only weakly.
    logits.weights = model.variables
    return logits


def converters() -> dict[str, Callable[[Any, Path], None]]:
    """Return what writes a function to a folder, by format, for the formats installed here."""
    from roadseg.export import litert, onnx, openvino
    from roadseg.export.converters import save_function
    from roadseg.export.extras import missing

    found: dict[str, Callable[[Any, Path], None]] = {
        "saved_model": lambda function, folder: save_function(function, folder / "saved_model")
    }
    for name, module in (("onnx", onnx), ("litert", litert), ("openvino", openvino)):
        if not missing(name):
            found[name] = _writer(module)
    return found


def _writer(module: Any) -> Callable[[Any, Path], None]:
    return lambda function, folder: module.convert(function, folder / module.FILE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
