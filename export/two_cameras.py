"""The SavedModel of a network of two cameras: two uint8 images to two label maps."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.export.fixed_size import image_shape
from roadseg.export.saved_model import LABEL_TOLERANCE
from roadseg.export.saved_signatures import save_signatures
from roadseg.export.trial_images import Size, trial_images

if TYPE_CHECKING:
    import keras

    Function = Callable[[Any, Any], dict[str, Any]]

TRIAL_SIZES = ((96, 160), (93, 141))


def write_two_cameras(model: "keras.Model", folder: Path, size: Size | None = None) -> None:
    """Write `model` as a SavedModel to `folder`, then load it again and compare.

    model: {"wide": images, "narrow": images}, RGB 0..255, to class logits by the same names.
    Signatures, each from `wide` and `narrow` (batch, height, width, 3) uint8, RGB:
        serving_default: `wide_labels` and `narrow_labels` (batch, height, width) int32;
        logits: `wide_logits` and `narrow_logits` (batch, height, width, classes) float32.
    size: height and width of the one pair of images that it takes then; None for any.
    Raises RoadsegError if what was written does not agree with `model`.
    """
    functions = signature_functions(model, size)
    save_signatures(functions, model.variables, folder)
    compare(functions["serving_default"], folder, trial_images(model, TRIAL_SIZES, size))


def signature_functions(model: "keras.Model", size: Size | None = None) -> "dict[str, Function]":
    """Return the TensorFlow function of each signature of `model`, for one size or any."""
    import tensorflow as tf

    from roadseg.models.two_cameras import CAMERAS
    from roadseg.ops.best_class import best_class

    images = [tf.TensorSpec(image_shape(size), tf.uint8, name=view) for view in CAMERAS]

    # A function of its own, so that both signatures share one copy of the network.
    @tf.function(input_signature=images)
    def class_logits(wide: Any, narrow: Any) -> dict[str, Any]:
        views = zip(CAMERAS, (wide, narrow), strict=True)
        logits = model({view: tf.cast(image, tf.float32) for view, image in views}, training=False)
        return {view: tf.cast(logits[view], tf.float32) for view in CAMERAS}

    def labels(wide: Any, narrow: Any) -> dict[str, Any]:
        logits = class_logits(wide, narrow)
        return {f"{view}_labels": best_class(logits[view]) for view in CAMERAS}

    def logits(wide: Any, narrow: Any) -> dict[str, Any]:
        found = class_logits(wide, narrow)
        return {f"{view}_logits": found[view] for view in CAMERAS}

    return {
        name: tf.function(function, input_signature=images)
        for name, function in (("serving_default", labels), ("logits", logits))
    }


def compare(reference: "Function", folder: Path, images: list[np.ndarray]) -> float:
    """Return the largest share of labels in which the SavedModel in `folder` differs.

    reference: gives the right labels of both cameras. images: (1, height, width, 3) uint8 each; the
    narrow view is shown the wide one's image turned upside down.
    Raises RoadsegError above LABEL_TOLERANCE.
    """
    import tensorflow as tf

    signature = tf.saved_model.load(str(folder)).signatures["serving_default"]
    worst = 0.0
    for image in images:
        wide, narrow = tf.constant(image), tf.constant(image[:, ::-1])
        expected, found = reference(wide, narrow), signature(wide=wide, narrow=narrow)
        for name, labels in expected.items():
            worst = max(worst, float(np.mean(found[name].numpy() != labels.numpy())))
    # Not `>`: NaN is refused as well.
    if not worst <= LABEL_TOLERANCE:
        raise RoadsegError(
            f"{folder}: {worst:.2%} of the SavedModel's labels differ from the Keras model's "
            f"(allowed: {LABEL_TOLERANCE:.2%}); is a weight not a number?"
        )
    return worst
