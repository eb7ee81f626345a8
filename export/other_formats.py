"""What the formats beside SavedModel share: the function they hold, and the check against Keras."""

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.export.saved_model import is_sampled, labels_and_locations
from roadseg.export.saved_signatures import save_signatures
from roadseg.export.trial_images import trial_images

if TYPE_CHECKING:
    import keras

# Format and extra -> the packages that write it and run it.
EXTRAS = {
    "onnx": ("tf2onnx", "onnxruntime"),
    "litert": ("ai_edge_litert",),
    "openvino": ("openvino",),
}
LABEL_TOLERANCE = 1e-3
# A location that rounds to another pixel shows the network another image.
SAMPLED_LABEL_TOLERANCE = 0.1


def missing(name: str) -> list[str]:
    """Return the packages that the format `name` needs and that are not installed."""
    return [module for module in EXTRAS.get(name, ()) if importlib.util.find_spec(module) is None]


def need(name: str) -> None:
    """Raise RoadsegError, naming the extra to install, unless the format can be written here."""
    absent = missing(name)
    if absent:
        raise RoadsegError(
            f"--format {name}: {', '.join(absent)} not installed; pip install 'roadseg[{name}]'"
        )


@contextmanager
def refused(name: str, folder: Path) -> Iterator[None]:
    """Turn a converter's refusal into a RoadsegError of one line; a full disk stays what it is."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = next((line for line in lines if "error:" in line), lines[0] if lines else "")
        raise RoadsegError(
            f"{folder}: this network cannot be written as {name} "
            f"({type(error).__name__}: {reason[:160]}); export another format"
        ) from error


def labels_function(model: "keras.Model") -> Any:
    """Return `model` as a TensorFlow function from uint8 images of any size to labels."""
    import tensorflow as tf

    image = tf.TensorSpec((None, None, None, 3), tf.uint8, name="image")

    @tf.function(input_signature=[image])
    def labels(image: Any) -> dict[str, Any]:
        return labels_and_locations(model, image)

    # Kept with the function, whose graph refers to them only weakly.
    labels.weights = model.variables
    return labels


def save_function(function: Any, folder: Path) -> None:
    """Write a function of `labels_function` as a SavedModel, which converters read."""
    save_signatures({"serving_default": function}, function.weights, folder)


def check_labels(
    model: "keras.Model", run: Callable[[np.ndarray], np.ndarray], folder: Path
) -> None:
    """Raise RoadsegError unless `run` labels two images, of two sizes, as `model` does."""
    reference = labels_function(model)
    bound = SAMPLED_LABEL_TOLERANCE if is_sampled(model) else LABEL_TOLERANCE
    for image in trial_images(model, ((96, 160), (64, 128))):
        expected = reference(image)["labels"].numpy()
        found = run(image)
        if found.shape != expected.shape:
            raise RoadsegError(f"{folder}: labels of shape {found.shape}, not {expected.shape}")
        wrong = float(np.mean(found != expected))
        if not wrong <= bound:
            raise RoadsegError(
                f"{folder}: {wrong:.2%} of the labels differ from the Keras model's (allowed: "
                f"{bound:.2%}); export another format"
            )
