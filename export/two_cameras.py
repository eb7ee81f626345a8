"""The SavedModel of a network of two cameras: two uint8 images to two label maps."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.export.folded import folded
from roadseg.export.interface import LABELS_OF_RGB, Interface
from roadseg.export.per_pixel import differences, pixel_outputs
from roadseg.export.saved_signatures import save_signatures
from roadseg.export.trial_images import Size, trial_images

if TYPE_CHECKING:
    import keras

    Function = Callable[[Any, Any], dict[str, Any]]

TRIAL_SIZES = ((96, 160), (93, 141))


def write_two_cameras(
    model: "keras.Model",
    folder: Path,
    size: Size | None = None,
    interface: Interface = LABELS_OF_RGB,
) -> None:
    """Write `model` as a SavedModel to `folder`, then load it again and compare.

    model: {"wide": images, "narrow": images}, RGB 0..255, to class logits by the same names.
    Signatures, each from `wide` and `narrow` (batch, height, width, 3) uint8, RGB, or from frames
    of the kind that `interface` names:
        serving_default: what `interface` names, of `wide` and of `narrow`: `wide_labels` and
            `narrow_labels` (batch, height, width) int32 if it names nothing;
        logits: `wide_logits` and `narrow_logits` (batch, height, width, classes) float32.
    size: height and width of the one pair of images that it takes then; None for any.
    Raises RoadsegError if what was written does not agree with `model`.
    """
    save_signatures(signature_functions(folded(model), size, interface), folder)
    images = trial_images(model, TRIAL_SIZES, size)
    reference = signature_functions(model, size, interface)["serving_default"]
    compare(reference, folder, images, interface)


def signature_functions(
    model: "keras.Model", size: Size | None = None, interface: Interface = LABELS_OF_RGB
) -> "dict[str, Function]":
    """Return the TensorFlow function of each signature of `model`, for one size or any."""
    import tensorflow as tf

    from roadseg.models.two_cameras import CAMERAS

    images = [tf.TensorSpec(interface.shape(size), tf.uint8, name=view) for view in CAMERAS]

    # A function of its own, so that both signatures share one copy of the network.
    @tf.function(input_signature=images, autograph=False)
    def class_logits(wide: Any, narrow: Any) -> dict[str, Any]:
        frames = zip(CAMERAS, (wide, narrow), strict=True)
        views = {view: tf.cast(interface.rgb(frame), tf.float32) for view, frame in frames}
        logits = model(views, training=False)
        return {view: tf.cast(logits[view], tf.float32) for view in CAMERAS}

    def given(asked: Interface) -> "Function":
        def outputs(wide: Any, narrow: Any) -> dict[str, Any]:
            logits = class_logits(wide, narrow)
            ways = {view: partial(logits.__getitem__, view) for view in CAMERAS}
            found = {view: pixel_outputs(asked, ways[view]) for view in CAMERAS}
            return {
                f"{view}_{name}": value for view in CAMERAS for name, value in found[view].items()
            }

        return outputs

    return {
        name: tf.function(given(asked), input_signature=images, autograph=False)
        for name, asked in (("serving_default", interface), ("logits", Interface(("logits",))))
    }


def compare(
    reference: "Function",
    folder: Path,
    images: list[np.ndarray],
    interface: Interface = LABELS_OF_RGB,
) -> float:
    """Return the largest share of labels in which the SavedModel in `folder` differs, 0 without.

    reference: gives the right outputs of both cameras. images: (1, height, width, 3) uint8 each;
    the narrow view is shown the wide one's image turned upside down.
    Raises RoadsegError above LABEL_TOLERANCE, and above what other outputs may differ by.
    """
    import tensorflow as tf

    from roadseg.models.two_cameras import CAMERAS

    signature = tf.saved_model.load(str(folder)).signatures["serving_default"]
    worst = 0.0
    for image in images:
        wide, narrow = (tf.constant(interface.frames(x)) for x in (image, image[:, ::-1]))
        expected, found = reference(wide, narrow), signature(wide=wide, narrow=narrow)
        for view in CAMERAS:
            pair = (_of_view(outputs, view) for outputs in (found, expected))
            for name, (away, allowed) in differences(*pair).items():
                worst = max(worst, away) if name == "labels" else worst
                # Not `>`: NaN is refused as well.
                if not away <= allowed:
                    raise RoadsegError(
                        f"{folder}: the SavedModel's {view}_{name} differ from the Keras model's "
                        f"by {away:.2g} (allowed: {allowed:.2g}); is a weight not a number?"
                    )
    return worst


def _of_view(outputs: dict[str, Any], view: str) -> dict[str, np.ndarray]:
    """Return the outputs of one camera as arrays, by their names of one camera."""
    return {
        name.removeprefix(f"{view}_"): value.numpy()
        for name, value in outputs.items()
        if name.startswith(f"{view}_")
    }
