"""The SavedModel: uint8 images of any size to labels, with TensorFlow alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.export.fixed_size import image_shape
from roadseg.export.saved_signatures import save_signatures
from roadseg.export.trial_images import Size, trial_images
from roadseg.folders import replace_folder

if TYPE_CHECKING:
    import keras

# Untrained networks show rounding most; a trained one stays a hundred times below.
LOCATION_TOLERANCE = 1e-6
LABEL_TOLERANCE = 1e-3
TRIAL_SIZES = ((96, 160), (65, 97))


def export_saved_model(model: "keras.Model", folder: Path) -> None:
    """Write `model` to `folder` as `write_saved_model` does, whole or not at all.

    An older export at `folder` is replaced once the new one is complete. Raises RoadsegError where
    the disk is full or not writable.
    """
    replace_folder(folder, lambda aside: write_saved_model(model, aside))


def write_saved_model(model: "keras.Model", folder: Path, size: Size | None = None) -> None:
    """Write `model` as a SavedModel to `folder`, then load it again and compare.

    model: RGB 0..255 (batch, height, width, 3) to class logits (batch, height, width, classes), or
        a dictionary with these as "logits"; a `SampledSegmenter` gives sampling locations as well.
    Signatures, each from `image` (batch, height, width, 3) uint8, RGB, any size:
        serving_default: `labels` (batch, height, width) int32, and `locations` if it samples;
        logits: `logits` (batch, height, width, classes) float32;
        locations, only if it samples: `locations` (batch, views, h, w, 2) float32, (row, column),
            0..1 of the image, and `grid` (batch * views, h, w, 2), the same within each view.
    size: height and width of the one image that it takes then; None for any images of any size.
    Raises RoadsegError if what was written does not agree with `model`.
    """
    save_signatures(signature_functions(model, size), model.variables, folder)
    compare(model, folder, trial_images(model, TRIAL_SIZES, size))


def signature_functions(model: "keras.Model", size: Size | None = None) -> dict[str, Any]:
    """Return the TensorFlow function of each signature of `model`, for one size or any."""
    import tensorflow as tf

    parts = sampled_parts(model) if is_sampled(model) else plain_parts(model)
    image = [tf.TensorSpec(image_shape(size), tf.uint8, name="image")]
    return {name: tf.function(part, input_signature=image) for name, part in parts.items()}


def plain_parts(model: "keras.Model") -> dict[str, Any]:
    """Return what each signature of a network without sampling computes."""
    import tensorflow as tf

    from roadseg.ops.best_class import best_class

    # A function of its own, so that both signatures share one copy of the network.
    @tf.function
    def shared(image: Any) -> Any:
        return class_logits(model, image)

    return {
        "serving_default": lambda image: {"labels": best_class(shared(image))},
        "logits": lambda image: {"logits": shared(image)},
    }


def sampled_parts(model: Any) -> dict[str, Any]:
    """Return what each signature of a `SampledSegmenter` computes."""
    import tensorflow as tf

    # Functions of their own, so that all signatures share one copy of each network.
    grid_of, logits_at = tf.function(model.grid), tf.function(model.logits_at)

    def serving_default(image: Any) -> dict[str, Any]:
        views = model.views(image)
        grid = grid_of(views)
        labels = model.unsampled(image, logits_at(views, grid), grid, argmax=True)
        return {"labels": labels, "locations": model.locations(image, grid)}

    def logits(image: Any) -> dict[str, Any]:
        views = model.views(image)
        grid = grid_of(views)
        return {"logits": model.unsampled(image, logits_at(views, grid), grid)}

    def locations(image: Any) -> dict[str, Any]:
        grid = grid_of(model.views(image))
        return {"locations": model.locations(image, grid), "grid": grid}

    return {"serving_default": serving_default, "logits": logits, "locations": locations}


def is_sampled(model: "keras.Model") -> bool:
    """Return whether `model` chooses its own sampling locations."""
    from roadseg.sampling import SampledSegmenter

    return isinstance(model, SampledSegmenter)


def labels_and_locations(model: "keras.Model", image: Any, grid: Any = None) -> dict[str, Any]:
    """Return `labels` and, if `model` samples, `locations`; `grid` replaces its own choice."""
    from roadseg.ops.best_class import best_class

    if not is_sampled(model):
        return {"labels": best_class(class_logits(model, image))}
    if grid is None:
        grid = model.grid(model.views(image))
    return {"labels": model.labels(image, grid), "locations": model.locations(image, grid)}


def class_logits(model: "keras.Model", image: Any) -> Any:
    """Return the class logits of uint8 images, float32."""
    import tensorflow as tf

    from roadseg.layers.heads import main_logits

    logits = model(tf.cast(image, tf.float32), training=False)
    return tf.cast(main_logits(logits), tf.float32)


def compare(model: "keras.Model", folder: Path, images: Sequence[np.ndarray]) -> dict[str, float]:
    """Return how far the SavedModel in `folder` is from `model` on `images`, at worst.

    images: (batch, height, width, 3) uint8 each, of any sizes.
    Returns the largest difference of `locations`, and the share of different `labels` where both
    sample at the same locations: a location that differs by rounding alone can fall on another
    pixel, which then is another image to the network.
    Raises RoadsegError above LOCATION_TOLERANCE or LABEL_TOLERANCE.
    """
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder))
    reference = _reference(model)
    worst = {"locations": 0.0, "labels": 0.0} if is_sampled(model) else {"labels": 0.0}
    for image in map(tf.constant, images):
        given = [image]
        if is_sampled(model):
            given.append(loaded.signatures["locations"](image=image)["grid"])
            away = np.abs(model.sampled(image)[1].numpy() - given[1].numpy())
            worst["locations"] = max(worst["locations"], float(away.max(initial=0)))
        found = loaded.signatures["serving_default"](image=image)["labels"].numpy()
        other = float(np.mean(reference(*given).numpy() != found))
        worst["labels"] = max(worst["labels"], other)
    for name, bound in (("locations", LOCATION_TOLERANCE), ("labels", LABEL_TOLERANCE)):
        # Not `>`: NaN is refused as well.
        if not worst.get(name, 0) <= bound:
            raise RoadsegError(
                f"{folder}: the SavedModel's {name} differ from the Keras model's by "
                f"{worst[name]:.2g} (allowed: {bound:g}); is a weight not a number?"
            )
    return worst


def _reference(model: "keras.Model") -> Any:
    """Return the Keras model's labels of an image, and where it samples of a grid too."""
    import tensorflow as tf

    signature = [tf.TensorSpec((None, None, None, 3), tf.uint8)]
    if is_sampled(model):
        signature.append(tf.TensorSpec((None, *model.size, 2), tf.float32))

    @tf.function(input_signature=signature)
    def labels(image: Any, grid: Any = None) -> Any:
        return labels_and_locations(model, image, grid)["labels"]

    return labels
