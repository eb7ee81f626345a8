"""What the formats beside SavedModel share: the function they hold, and the check against Keras."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.export.interface import LABELS_OF_RGB, Interface
from roadseg.export.per_pixel import (
    LOGIT_TOLERANCE,
    Differences,
    differences,
    largest,
    pixel_outputs,
)
from roadseg.export.saved_model import class_logits, is_sampled, unsampled_outputs
from roadseg.export.saved_signatures import save_signatures
from roadseg.export.traced import arrays, traced
from roadseg.export.trial_images import Size, trial_frames
from roadseg.export.views import Views

if TYPE_CHECKING:
    import keras

# Of the second, the maps of most networks have sides that no power of two divides.
TRIAL_SIZES = ((96, 160), (72, 136))
# A hundredth of a pixel of 1000; rounding leaves a tenth of that at most.
LOCATION_TOLERANCE = 1e-5

# An output -> what differs of it.
IN_WORDS = {"labels": "a share of the labels"}

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


def labels_function(
    model: "keras.Model", size: Size | None = None, interface: Interface = LABELS_OF_RGB
) -> Any:
    """Return `model` as a TensorFlow function from uint8 images to its outputs.

    size: height and width of the one image that it takes; None for any images of any size.
    interface: what it takes and gives for each pixel; one image, or one of each camera.

    Unless `interface` says otherwise, `labels` (batch, height, width) int32 come first by name. A
    model that samples also gives `locations` (batch, views, h, w, 2), `sample_logits` (batch *
    views, h, w, classes), and, if it looks through windows, where within each one:
    `window_locations` (batch * views, h, w, 2).
    """

    def outputs(image: Views) -> dict[str, Any]:
        rgb = interface.rgb(image)
        if is_sampled(model):
            return _sampled(model, rgb, interface)
        return pixel_outputs(interface, lambda: class_logits(model, rgb))

    made = traced(outputs, interface, size)
    # Kept with the function, whose graph refers to them only weakly.
    made.weights = model.variables
    return made


def _sampled(model: Any, image: Any, interface: Interface) -> dict[str, Any]:
    views = model.views(image)
    grid = model.grid(views)
    logits = model.logits_at(views, grid)
    outputs = {
        **unsampled_outputs(model, interface, image, logits, grid, portable=True),
        "locations": model.locations(image, grid),
        "sample_logits": logits,
    }
    return outputs if model.window is None else {**outputs, "window_locations": grid}


def save_function(function: Any, folder: Path) -> None:
    """Write a function of `labels_function` as a SavedModel, which converters read."""
    save_signatures({"serving_default": function}, folder)


def check_outputs(
    model: "keras.Model",
    run: Callable[[Views], Outputs],
    folder: Path,
    size: Size | None = None,
    interface: Interface = LABELS_OF_RGB,
) -> None:
    """Raise RoadsegError unless `run` gives for two images, or two pairs, what `model` does.

    size: of both; None for two sizes. interface: what `run` takes and gives.
    """
    differences_of = sampled_differences if is_sampled(model) else plain_differences
    for frames in trial_frames(model, TRIAL_SIZES, size, interface):
        found = differences_of(model, run(frames), frames, interface)
        for name, (away, allowed) in found.items():
            # Not `>`: NaN is refused as well.
            if not away <= allowed:
                raise RoadsegError(
                    f"{folder}: {IN_WORDS.get(name, name)} differ from the Keras model's by "
                    f"{away:.2g} (allowed: {allowed:.2g}); export another format"
                )


def plain_differences(
    model: "keras.Model",
    found: Outputs,
    frames: Views,
    interface: Interface = LABELS_OF_RGB,
) -> Differences:
    """Return by name how much of the outputs of a format is other than `model` has it, and may."""
    return differences(found, arrays(labels_function(model, interface=interface), frames))


def sampled_differences(
    model: Any, found: Outputs, frames: np.ndarray, interface: Interface = LABELS_OF_RGB
) -> Differences:
    """Return the same for a model that samples, each step after what the format made of the last.

    Locations that differ by rounding alone fall on another pixel here and there, which is another
    image to the network: what a network makes of that says nothing about the format.
    """
    network, pixels = _steps_of(model, interface, found["sample_logits"].shape[-1])
    views = 1 if model.window is None else found["locations"].shape[1]
    shape = (len(frames) * views, *model.size, 2)
    grid = found.get("window_locations", found["locations"]).reshape(shape)
    own, locations, logits = (x.numpy() for x in network(frames, grid))
    expected = pixels(frames, found["sample_logits"], grid)
    allowed = LOGIT_TOLERANCE * float(np.abs(logits).max())
    return {
        "sampling locations": (largest(grid, own), LOCATION_TOLERANCE),
        "locations in the image": (largest(found["locations"], locations), LOCATION_TOLERANCE),
        "logits of the samples": (largest(found["sample_logits"], logits), allowed),
        **differences(found, {name: value.numpy() for name, value in expected.items()}),
    }


def _steps_of(model: Any, interface: Interface, classes: int) -> tuple[Any, Any]:
    """Return the Keras model's steps: images and grid to its own grid, locations and logits; and
    images, logits and grid to what `interface` names.
    """
    import tensorflow as tf

    image = tf.TensorSpec(interface.shape(None), tf.uint8)
    grid = tf.TensorSpec((None, *model.size, 2), tf.float32)
    logits = tf.TensorSpec((None, *model.size, classes), tf.float32)

    @tf.function(input_signature=[image, grid], autograph=False)
    def network(image: Any, grid: Any) -> tuple[Any, Any, Any]:
        image = interface.rgb(image)
        views = model.views(image)
        return model.grid(views), model.locations(image, grid), model.logits_at(views, grid)

    @tf.function(input_signature=[image, logits, grid], autograph=False)
    def pixels(image: Any, logits: Any, grid: Any) -> dict[str, Any]:
        return unsampled_outputs(model, interface, interface.rgb(image), logits, grid)

    return network, pixels
