"""The forms in which a network is timed: a compiled graph, and a SavedModel of it."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.files import plain_path

if TYPE_CHECKING:
    import keras

    from roadseg.runs.run_folder import RunFolder

Labelling = Callable[[Any], Any]
"""Takes a uint8 tensor (batch, height, width, 3) and returns labels (batch, height, width)."""


def labelling_function(model: "keras.Model") -> Any:
    """Return `model`, any network to class logits, as a graph from uint8 images to labels."""
    import tensorflow as tf

    from roadseg.inference.forward import labels_of, outputs_of

    outputs = outputs_of(model)

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8)])
    def labels(images: Any) -> Any:
        return labels_of(outputs, tf.cast(images, tf.float32))

    return labels


@contextmanager
def as_saved_model(function: Any, model: "keras.Model") -> Iterator[Labelling]:
    """Write what `labelling_function` returned to a temporary folder, and give it loaded."""
    import tensorflow as tf

    module = tf.Module()
    # As an export: variables alone, and no gradients, which are most of what there is to trace.
    module.weights = [variable.value for variable in model.variables]
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    signature = function.get_concrete_function()
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=signature, options=options)
        yield load_saved_model(Path(folder))


def load_saved_model(folder: Path) -> Labelling:
    """Return the labelling function of a SavedModel; RoadsegError if it has no such signature."""
    import tensorflow as tf

    with plain_path(folder) as plain:
        model = tf.saved_model.load(str(plain))
    signature = model.signatures.get("serving_default")
    arguments = {} if signature is None else signature.structured_input_signature[1]
    if len(arguments) != 1:
        raise RoadsegError(
            f"{folder}: no signature 'serving_default' from images to labels; export the run again"
        )
    (name,) = arguments

    def labels(images: Any) -> Any:
        outputs = signature(**{name: images})
        return outputs["labels"] if "labels" in outputs else next(iter(outputs.values()))

    # A signature's variables go when the loaded model goes.
    labels.model = model  # type: ignore[attr-defined]
    return labels


def timing_images(size: tuple[int, int], batch: int = 1, run: "RunFolder | None" = None) -> Any:
    """Return uint8 images (batch, *size, 3) to time a network on.

    With a run whose records are there, its first image, resized: interpolation takes longer where
    class boundaries are many, and noise shows none that are like those of streets. Else noise.
    """
    import cv2
    import tensorflow as tf

    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    try:
        image = cv2.resize(_first_image(run), size[::-1]) if run is not None else image
    except RoadsegError:
        pass
    return tf.constant(np.repeat(image[None], batch, axis=0))


def _first_image(run: "RunFolder") -> np.ndarray:
    from roadseg.data_conversion.read.records import open_records
    from roadseg.eval.frames import read_frames

    records = open_records(run.recipe.records, run.recipe.split)
    return next(read_frames(records, limit=1)).image
