"""The SavedModel: uint8 images of any size to labels, with TensorFlow alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.export.folded import folded
from roadseg.export.interface import LABELS_OF_RGB, Interface
from roadseg.export.per_pixel import Differences, differences, largest, note, pixel_outputs
from roadseg.export.saved_signatures import save_signatures
from roadseg.export.traced import arrays, traced
from roadseg.export.trial_images import Size, trial_frames
from roadseg.export.views import Views, by_name, each
from roadseg.folders import replace_folder

if TYPE_CHECKING:
    import keras

FILE = ""
"""None: an export is the folder."""
# Untrained networks show rounding most; a trained one stays a hundred times below.
LOCATION_TOLERANCE = 1e-6
TRIAL_SIZES = ((96, 160), (65, 97))


def export_saved_model(model: "keras.Model", folder: Path) -> None:
    """Write `model` to `folder` as `write_saved_model` does, whole or not at all.

    An older export at `folder` is replaced once the new one is complete. Raises RoadsegError where
    the disk is full or not writable.
    """
    replace_folder(folder, lambda aside: write_saved_model(model, aside))


def write_saved_model(
    model: "keras.Model",
    folder: Path,
    size: Size | None = None,
    interface: Interface = LABELS_OF_RGB,
) -> None:
    """Write `model` as a SavedModel to `folder`, then load it again and compare.

    model: RGB 0..255 (batch, height, width, 3) to class logits (batch, height, width, classes), or
        a dictionary with these as "logits"; a `SampledSegmenter` gives sampling locations as well;
        of several cameras, images to logits by the cameras' names.
    Signatures, each from `image` (batch, height, width, 3) uint8, RGB, any size, or from the frames
    that `interface` names, or from one of each of its cameras, whose outputs begin with its name
    (`wide_labels`):
        serving_default: what `interface` names, `labels` (batch, height, width) int32 if it names
            nothing, and `locations` if the model samples;
        logits: `logits` (batch, height, width, classes) float32;
        locations, only if it samples: `locations` (batch, views, h, w, 2) float32, (row, column),
            0..1 of the image, and `grid` (batch * views, h, w, 2), the same within each view.
    size: height and width of the one image that it takes then; None for any images of any size.
    Raises RoadsegError if what was written does not agree with `model`.
    """
    save_signatures(signature_functions(folded(model), size, interface), folder)
    compare(model, folder, trial_frames(model, TRIAL_SIZES, size, interface), interface)


def signature_functions(
    model: "keras.Model", size: Size | None = None, interface: Interface = LABELS_OF_RGB
) -> dict[str, Any]:
    """Return the TensorFlow function of each signature of `model`, for one size or any."""
    parts = (sampled_parts if is_sampled(model) else plain_parts)(model, interface)
    return {name: traced(part, interface, size) for name, part in parts.items()}


def plain_parts(model: "keras.Model", interface: Interface = LABELS_OF_RGB) -> dict[str, Any]:
    """Return what each signature of a network without sampling computes."""
    import tensorflow as tf

    # A function of its own, so that both signatures share one copy of the network.
    @tf.function(autograph=False)
    def shared(image: Views) -> Views:
        return class_logits(model, interface.rgb(image))

    def given(asked: Interface) -> Any:
        return lambda image: pixel_outputs(asked, lambda: shared(image))

    return {"serving_default": given(interface), "logits": given(Interface(("logits",)))}


def sampled_parts(model: Any, interface: Interface = LABELS_OF_RGB) -> dict[str, Any]:
    """Return what each signature of a `SampledSegmenter` computes."""
    import tensorflow as tf

    # Functions of their own, so that all signatures share one copy of each network.
    grid_of = tf.function(model.grid, autograph=False)
    logits_at = tf.function(model.logits_at, autograph=False)

    def serving_default(image: Any) -> dict[str, Any]:
        image = interface.rgb(image)
        views = model.views(image)
        grid = grid_of(views)
        logits = logits_at(views, grid)
        found = unsampled_outputs(model, interface, image, logits, grid)
        return {**found, "locations": model.locations(image, grid)}

    def logits(image: Any) -> dict[str, Any]:
        image = interface.rgb(image)
        views = model.views(image)
        grid = grid_of(views)
        return {"logits": model.unsampled(image, logits_at(views, grid), grid)}

    def locations(image: Any) -> dict[str, Any]:
        image = interface.rgb(image)
        grid = grid_of(model.views(image))
        return {"locations": model.locations(image, grid), "grid": grid}

    return {"serving_default": serving_default, "logits": logits, "locations": locations}


def unsampled_outputs(
    model: Any, interface: Interface, image: Any, logits: Any, grid: Any, portable: bool = False
) -> dict[str, Any]:
    """Return the outputs of `interface` for each pixel of `image`, from logits of samples.

    logits, grid, portable: as of `SampledSegmenter.unsampled`.
    """
    return pixel_outputs(
        interface,
        lambda: model.unsampled(image, logits, grid, portable=portable),
        lambda: model.unsampled(image, logits, grid, argmax=True, portable=portable),
    )


def is_sampled(model: "keras.Model") -> bool:
    """Return whether `model` chooses its own sampling locations."""
    from roadseg.sampling import SampledSegmenter

    return isinstance(model, SampledSegmenter)


def outputs_and_locations(
    model: "keras.Model", image: Any, interface: Interface = LABELS_OF_RGB, grid: Any = None
) -> dict[str, Any]:
    """Return the outputs of `interface`, and `locations` if `model` samples.

    image: as `interface` has it. grid: in place of the model's own choice.
    """
    image = interface.rgb(image)
    if not is_sampled(model):
        return pixel_outputs(interface, lambda: class_logits(model, image))
    views = model.views(image)
    if grid is None:
        grid = model.grid(views)
    found = unsampled_outputs(model, interface, image, model.logits_at(views, grid), grid)
    return {**found, "locations": model.locations(image, grid)}


def class_logits(model: "keras.Model", image: Views) -> Views:
    """Return the class logits of images 0..255, float32; of several cameras by their names."""
    import tensorflow as tf

    from roadseg.layers.heads import main_logits

    logits = model(each(lambda x: tf.cast(x, tf.float32), image), training=False)
    if isinstance(image, dict):
        return {view: tf.cast(logits[view], tf.float32) for view in image}
    return tf.cast(main_logits(logits), tf.float32)


def run_saved_model(folder: Path) -> Any:
    """Return a function from images to the outputs, by name, of the model in `folder`."""
    import tensorflow as tf

    return _run_of(tf.saved_model.load(str(folder)))


def _run_of(loaded: Any) -> Any:
    import tensorflow as tf

    signature = loaded.signatures["serving_default"]
    names = list(signature.structured_input_signature[1])

    def run(images: Views) -> dict[str, Any]:
        # The module is kept: without it the weights of the signature would be gone.
        assert loaded is not None
        return _arrays(signature(**each(tf.constant, by_name(images, names))))

    return run


def compare(
    model: "keras.Model",
    folder: Path,
    images: Sequence[Views],
    interface: Interface = LABELS_OF_RGB,
) -> dict[str, float]:
    """Return how far the SavedModel in `folder` is from `model` on `images`, at worst.

    images: uint8, each as `interface` has it, of any sizes.
    Returns the largest difference of `locations` and, by name, that of each output of `interface`
    (of `labels` the share of others) where both sample at the same locations: a location that
    differs by rounding alone can fall on another pixel, which then is another image to the network.
    Raises RoadsegError above LOCATION_TOLERANCE or what `per_pixel` allows.
    """
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder))
    run, reference = _run_of(loaded), _reference(model, interface)
    worst: Differences = {}
    for image in images:
        if not is_sampled(model):
            expected = arrays(reference, image)
        else:
            given = tf.constant(image)
            grid = loaded.signatures["locations"](image=given)["grid"]
            own = model.sampled(interface.rgb(given))[1].numpy()
            note(worst, {"locations": (largest(grid.numpy(), own), LOCATION_TOLERANCE)})
            expected = _arrays(reference(given, grid))
        note(worst, differences(run(image), expected))
    for name, (away, allowed) in worst.items():
        # Not `>`: NaN is refused as well.
        if not away <= allowed:
            raise RoadsegError(
                f"{folder}: the SavedModel's {name} differ from the Keras model's by "
                f"{away:.2g} (allowed: {allowed:.2g}); is a weight not a number?"
            )
    return {name: away for name, (away, _) in worst.items()}


def _reference(model: "keras.Model", interface: Interface) -> Any:
    """Return the Keras model's outputs of an image, and where it samples of a grid too."""
    import tensorflow as tf

    if not is_sampled(model):
        return traced(lambda image: outputs_and_locations(model, image, interface), interface)
    signature = [
        tf.TensorSpec(interface.shape(None), tf.uint8),
        tf.TensorSpec((None, *model.size, 2), tf.float32),
    ]

    @tf.function(input_signature=signature, autograph=False)
    def outputs(image: Any, grid: Any) -> Any:
        return outputs_and_locations(model, image, interface, grid)

    return outputs


def _arrays(outputs: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in outputs.items()}
