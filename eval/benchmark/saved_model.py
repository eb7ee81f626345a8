"""The forms in which a network is timed: a compiled graph, and a SavedModel of it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.eval.benchmark.race.labels import labels_output
from roadseg.files import plain_path
from roadseg.ops.nv12 import frames_of

if TYPE_CHECKING:
    import keras

    from roadseg.runs.run_folder import RunFolder


def labelling_function(model: "keras.Model") -> Any:
    """Return `model`, any network to class logits, as a graph from uint8 images to labels."""
    import tensorflow as tf

    from roadseg.inference.forward import labels_of, outputs_of

    outputs = outputs_of(model)

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8)], autograph=False)
    def labels(images: Any) -> Any:
        return labels_of(outputs, tf.cast(images, tf.float32))

    return labels


@contextmanager
def as_saved_model(function: Any, model: "keras.Model") -> "Iterator[SavedLabels]":
    """Write what `labelling_function` returned to a temporary folder, and give it loaded."""
    import tensorflow as tf

    module = tf.Module()
    # As an export: variables alone, and no gradients, which are most of what there is to trace.
    module.weights = [variable.value for variable in model.variables]
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    signature = function.get_concrete_function()
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=signature, options=options)
        yield SavedLabels(Path(folder))


class SavedLabels:
    """A SavedModel from images to labels, loaded."""

    def __init__(self, folder: Path) -> None:
        """Load it; RoadsegError if it has no signature from images to labels."""
        import tensorflow as tf

        with plain_path(folder) as plain:
            # A signature's variables go when the loaded model goes.
            self._model = tf.saved_model.load(str(plain))
        self._signature = self._model.signatures.get("serving_default")
        arguments = {}
        if self._signature is not None:
            arguments = self._signature.structured_input_signature[1]
        if len(arguments) != 1:
            raise RoadsegError(
                f"{folder}: no signature 'serving_default' from images to labels; export the run "
                "again"
            )
        ((self._argument, taken),) = arguments.items()
        self.is_nv12 = taken.shape.rank == 3
        names = tuple(self._signature.structured_outputs)
        self._output = names[labels_output(names, folder)]

    def taken(self, images: Any) -> Any:
        """Return uint8 images (batch, height, width, 3) as it takes them.

        Raises RoadsegError for odd sides where it takes NV12.
        """
        import tensorflow as tf

        return tf.constant(frames_of(np.asarray(images)) if self.is_nv12 else images)

    def __call__(self, taken: Any) -> Any:
        """Return labels (batch, height, width) of what `taken` gave."""
        from roadseg.ops.best_class import best_class

        found = self._signature(**{self._argument: taken})[self._output]
        return best_class(found) if len(found.shape) == 4 else found


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
