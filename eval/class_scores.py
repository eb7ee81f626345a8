"""Networks and SavedModels behind one door: images to class scores at any size asked for."""

import inspect
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from roadseg.errors import RoadsegError

if TYPE_CHECKING:
    import keras

Tensor = Any
Size = tuple[int, int]

DEEPLAB_PADDING = (127.5, 127.5, 127.5)


class ClassScores(Protocol):
    """Images to class scores.

    multiple: the sides of tiles have to be multiples of it. name: of the network, for messages.
    padding: the RGB colour that normalisation brings to 0.
    """

    multiple: int
    padding: Sequence[float]
    name: str

    def __call__(self, images: Tensor, size: Size) -> Tensor:
        """Return scores (batch, *size, classes) float32 of images (batch, h, w, 3) 0..255."""
        ...


class ModelScores:
    """Class scores of a Keras network, of sampling around one, or of one behind padding.

    A network whose last step enlarges its scores (layer `scores`) is asked for the small ones, so
    that they are enlarged once, straight to the size wanted, as the originals do. Behind padding
    that is so for images of a legal size; scores of others are enlarged, cut, and then resized.
    """

    def __init__(self, model: "keras.Model", enlargement: str | None = None) -> None:
        """Take any model from RGB 0..255 to class scores, or to a dict with them as 'scores'.

        enlargement: 'cubic' to enlarge small scores bicubically, as SGCPNet's authors do; else
            they are as the network's own last step does. Cubic raises RoadsegError for a model
            whose scores are not small, and for images that would have to be padded.
        """
        inside = _without_padding(model)
        small, self._align_corners = _before_enlargement(inside)
        self._cubic = enlargement == "cubic"
        if self._cubic and small is inside:
            raise RoadsegError(
                f"{model.name}: gives no small scores that could be enlarged bicubically; add "
                "--enlargement bilinear"
            )
        self._small = _compiled(small)
        self._padded = None if inside is model else _compiled(model)
        self.multiple = 1 if hasattr(model, "sampler") else legal_multiple(inside)
        self.padding: Sequence[float] = zero_colour(inside)
        self.name = inside.name

    def __call__(self, images: Tensor, size: Size) -> Tensor:
        """Return scores (batch, *size, classes); RoadsegError for sides that do not fit."""
        sides = images.shape[1:3]
        padded = any(side % self.multiple for side in sides) and not self._cubic
        if self._padded is not None and padded:
            return resize(self._padded(images), size)
        check_sides(sides, self.multiple, self.name)
        if self._cubic:
            return _compiled_op("cubic")(self._small(images), size)
        return resize(self._small(images), size, self._align_corners)


class SavedModelScores:
    """Class scores of an exported model, which takes bytes: resized images are rounded to them."""

    def __init__(
        self, folder: Path, model: Any, recipe: dict[str, Any], enlargement: str | None = None
    ) -> None:
        """Take the loaded SavedModel and the recipe in its card.

        Raises RoadsegError where the export has no signature for scores, and for another
        enlargement than its own.
        """
        from roadseg.models.registry import find, is_known

        if enlargement == "cubic":
            raise RoadsegError(
                f"{folder}: an export has enlarged its scores already, bilinearly; give the run, "
                "or leave --enlargement cubic out"
            )
        if "scores" not in model.signatures:
            raise RoadsegError(
                f"{folder}: no signature 'scores', which tiles, scales and mirrored images need; "
                "export the run again, or label whole images"
            )
        # A signature's variables go when the loaded model goes.
        self._model, self._signature = model, model.signatures["scores"]
        (self._argument,) = self._signature.structured_input_signature[1]
        name = str(recipe.get("model"))
        network = find(name) if is_known(name) else None
        sampled = recipe.get("sampling.kind", "none") != "none"
        self.multiple = 1 if sampled or network is None else network.multiple
        self.padding = _usual_padding(network, recipe)
        self.name = str(recipe.get("model", folder.name))

    def __call__(self, images: Tensor, size: Size) -> Tensor:
        """Return scores (batch, *size, classes), enlarged once more unless the sizes agree."""
        import tensorflow as tf

        images = tf.cast(tf.round(tf.clip_by_value(images, 0, 255)), tf.uint8)
        scores = next(iter(self._signature(**{self._argument: images}).values()))
        return resize(scores, size)


def legal_multiple(model: "keras.Model") -> int:
    """Return the number of which the sides of an image have to be multiples; 1 for any size."""
    from roadseg.layers.introspection import innermost_layers
    from roadseg.layers.normalisation import LegalSize

    found = (layer for layer in innermost_layers(model) if isinstance(layer, LegalSize))
    return max((layer.multiple for layer in found), default=1)


def check_sides(size: Sequence[int], multiple: int, name: str, option: str = "") -> None:
    """Raise RoadsegError unless both sides are multiples of `multiple`."""
    from roadseg.layers.normalisation import nearest_multiples

    for side in size:
        if side % multiple:
            near = " or ".join(map(str, nearest_multiples(side, multiple)))
            what = option or f"image of {size[0]}x{size[1]}"
            raise RoadsegError(
                f"{what}: {name} takes multiples of {multiple}; nearest to {side}: {near}"
            )


def zero_colour(model: "keras.Model") -> tuple[float, float, float]:
    """Return the RGB colour, 0..255, that the network's own normalisation brings to 0."""
    from roadseg.layers.introspection import innermost_layers
    from roadseg.layers.normalisation import Normalise, mean_colour

    for layer in innermost_layers(model):
        if isinstance(layer, Normalise):
            return mean_colour(layer.normalisation)
    return DEEPLAB_PADDING


def _usual_padding(network: Any, recipe: dict[str, Any]) -> Sequence[float]:
    """Return `zero_colour` of a network of the registry (None: unknown), from a recipe's values."""
    from roadseg.layers.normalisation import mean_colour

    known = {} if network is None else inspect.signature(network.build).parameters
    if "normalisation" not in known:
        return DEEPLAB_PADDING
    options = recipe.get("network.options", {}) | recipe.get("network.evaluation_options", {})
    return mean_colour(options.get("normalisation", known["normalisation"].default))


def _without_padding(model: "keras.Model") -> "keras.Model":
    """Return the network inside padding to legal sizes, or the model itself."""
    import keras

    from roadseg.models.legal_sizes import PadToMultiple

    if not any(isinstance(layer, PadToMultiple) for layer in model.layers):
        return model
    return next(layer for layer in model.layers if isinstance(layer, keras.Model))


def _compiled(model: "keras.Model") -> Callable[[Tensor], Tensor]:
    import tensorflow as tf

    @tf.function(reduce_retracing=True)
    def scores_of(images: Tensor) -> Tensor:
        scores = model(images, training=False)
        return tf.cast(scores["scores"] if isinstance(scores, dict) else scores, tf.float32)

    return scores_of


def _before_enlargement(model: "keras.Model") -> tuple["keras.Model", Any]:
    """Return the network up to what its layer `scores` enlarges, and how corners align there."""
    import keras

    from roadseg.layers.heads import enlargement

    last = enlargement(model)
    if last is None:
        return model, True
    return keras.Model(model.inputs, last.input[0]), last.align_corners


def resize(images: Tensor, size: Size, align_corners: Any = True) -> Tensor:
    """Return `images` (batch, h, w, channels) resized bilinearly to `size`, in a compiled graph."""
    return _compiled_op("bilinear")(images, size, align_corners)


def pool(images: Tensor, size: Size) -> Tensor:
    """Return `images` (batch, h, w, channels) averaged to the bins of `size`, in such a graph."""
    return _compiled_op("pool")(images, size)


@cache
def _compiled_op(name: str) -> Callable[..., Tensor]:
    import tensorflow as tf

    from roadseg.ops.cubic import resize_cubic
    from roadseg.ops.pooling import adaptive_average_pool
    from roadseg.ops.resize import resize_bilinear

    ways = {"bilinear": resize_bilinear, "cubic": resize_cubic, "pool": adaptive_average_pool}
    return tf.function(ways[name])
