"""What the formats beside SavedModel share: the function they hold, and the check against Keras."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.export.fixed_size import image_shape
from roadseg.export.saved_model import class_logits, is_sampled
from roadseg.export.saved_signatures import save_signatures
from roadseg.export.trial_images import Size, trial_images

if TYPE_CHECKING:
    import keras

# Of the second, the maps of most networks have sides that no power of two divides.
TRIAL_SIZES = ((96, 160), (72, 136))
LABEL_TOLERANCE = 1e-3
# Of the largest logit: ten times what single precision leaves in the deepest network here.
LOGIT_TOLERANCE = 1e-4
# A hundredth of a pixel of 1000; rounding leaves a tenth of that at most.
LOCATION_TOLERANCE = 1e-5

Outputs = dict[str, np.ndarray]


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


def labels_function(model: "keras.Model", size: Size | None = None) -> Any:
    """Return `model` as a TensorFlow function from uint8 images to its outputs.

    size: height and width of the one image that it takes; None for any images of any size.

    `labels` (batch, height, width) int32 come first by name. A model that samples also gives
    `locations` (batch, views, h, w, 2), `sample_logits` (batch * views, h, w, classes), and, if it
    looks through windows, where within each one: `window_locations` (batch * views, h, w, 2).
    """
    import tensorflow as tf

    image = tf.TensorSpec(image_shape(size), tf.uint8, name="image")

    @tf.function(input_signature=[image])
    def labels(image: Any) -> dict[str, Any]:
        return _sampled(model, image) if is_sampled(model) else _plain(model, image)

    # Kept with the function, whose graph refers to them only weakly.
    labels.weights = model.variables
    return labels


def _plain(model: "keras.Model", image: Any) -> dict[str, Any]:
    from roadseg.ops.best_class import best_class

    return {"labels": best_class(class_logits(model, image))}


def _sampled(model: Any, image: Any) -> dict[str, Any]:
    views = model.views(image)
    grid = model.grid(views)
    logits = model.logits_at(views, grid)
    outputs = {
        "labels": model.unsampled(image, logits, grid, argmax=True, portable=True),
        "locations": model.locations(image, grid),
        "sample_logits": logits,
    }
    return outputs if model.window is None else {**outputs, "window_locations": grid}


def save_function(function: Any, folder: Path) -> None:
    """Write a function of `labels_function` as a SavedModel, which converters read."""
    save_signatures({"serving_default": function}, function.weights, folder)


def check_outputs(
    model: "keras.Model",
    run: Callable[[np.ndarray], Outputs],
    folder: Path,
    size: Size | None = None,
) -> None:
    """Raise RoadsegError unless `run` gives for two images what `model` does.

    size: of both; None for two sizes.
    """
    differences = sampled_differences if is_sampled(model) else plain_differences
    for image in trial_images(model, TRIAL_SIZES, size):
        for name, (found, allowed) in differences(model, run(image), image).items():
            # Not `>`: NaN is refused as well.
            if not found <= allowed:
                raise RoadsegError(
                    f"{folder}: {name} differ from the Keras model's by {found:.2g} (allowed: "
                    f"{allowed:.2g}); export another format"
                )


def plain_differences(
    model: "keras.Model", found: Outputs, image: np.ndarray
) -> dict[str, tuple[float, float]]:
    """Return by name how much of the outputs of a format is other than `model` has it, and may."""
    expected = labels_function(model)(image)["labels"].numpy()
    return {"a share of the labels": (_share(found["labels"], expected), LABEL_TOLERANCE)}


def sampled_differences(
    model: Any, found: Outputs, image: np.ndarray
) -> dict[str, tuple[float, float]]:
    """Return the same for a model that samples, each step after what the format made of the last.

    Locations that differ by rounding alone fall on another pixel here and there, which is another
    image to the network: what a network makes of that says nothing about the format.
    """
    reference = _steps_of(model)
    views = 1 if model.window is None else found["locations"].shape[1]
    shape = (len(image) * views, *model.size, 2)
    grid = found.get("window_locations", found["locations"]).reshape(shape)
    own, locations, logits = (x.numpy() for x in reference["network"](image, grid))
    labels = reference["labels"](image, found["sample_logits"], grid).numpy()
    allowed = LOGIT_TOLERANCE * float(np.abs(logits).max())
    return {
        "sampling locations": (_largest(grid, own), LOCATION_TOLERANCE),
        "locations in the image": (_largest(found["locations"], locations), LOCATION_TOLERANCE),
        "logits of the samples": (_largest(found["sample_logits"], logits), allowed),
        "a share of the labels": (_share(found["labels"], labels), LABEL_TOLERANCE),
    }


def _steps_of(model: Any) -> dict[str, Any]:
    """Return the Keras model's steps: images and grid to its own grid, locations and logits; and
    images, logits and grid to labels.
    """
    import tensorflow as tf

    image = tf.TensorSpec((None, None, None, 3), tf.uint8)
    grid = tf.TensorSpec((None, *model.size, 2), tf.float32)
    logits = tf.TensorSpec((None, *model.size, None), tf.float32)

    @tf.function(input_signature=[image, grid])
    def network(image: Any, grid: Any) -> tuple[Any, Any, Any]:
        views = model.views(image)
        return model.grid(views), model.locations(image, grid), model.logits_at(views, grid)

    @tf.function(input_signature=[image, logits, grid])
    def labels(image: Any, logits: Any, grid: Any) -> Any:
        return model.unsampled(image, logits, grid, argmax=True)

    return {"network": network, "labels": labels}


def _share(found: np.ndarray, expected: np.ndarray) -> float:
    """Return the share of different values; all of them where the shapes differ."""
    return float(np.mean(found != expected)) if found.shape == expected.shape else 1.0


def _largest(found: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference; infinity where the shapes differ."""
    if found.shape != expected.shape:
        return float("inf")
    return float(np.abs(found - expected).max(initial=0))
