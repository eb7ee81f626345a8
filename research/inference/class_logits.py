"""Networks and SavedModels behind one door: images to class logits at any size asked for."""

import inspect
import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Protocol

import keras
from keras import ops

from roadseg.errors import RoadsegError
from roadseg.inference.exported import ExportedFile
from roadseg.inference.saved_model import SavedModel
from roadseg.layers.heads import main_logits
from roadseg.ops.backend import tensorflow

Tensor = Any
Size = tuple[int, int]

DEEPLAB_PADDING = (127.5, 127.5, 127.5)


class ClassLogits(Protocol):
    """Images to class logits.

    multiple: the sides of tiles have to be multiples of it. name: of the network, for messages.
    padding: the RGB colour that normalisation brings to 0.
    """

    multiple: int
    padding: Sequence[float]
    name: str

    def __call__(self, images: Tensor, size: Size) -> Tensor:
        """Return logits (batch, *size, classes) float32 of images (batch, h, w, 3) 0..255."""
        ...


class ModelLogits:
    """Class logits of a Keras network, of sampling around one, or of one behind padding.

    A network whose last step upsamples its logits (layer `output.logits`) is asked for the small
    ones, so that they are upsampled once, straight to the size wanted, as the originals do. Behind
    padding that is so for images of a legal size; logits of others are upsampled, cut, and then
    resized.
    """

    def __init__(self, model: keras.Model, upsampling: str = "bilinear") -> None:
        """Take any model from RGB 0..255 to class logits, or to a dict with them as 'logits'.

        upsampling: 'bicubic' for small logits, as SGCPNet's authors do; else they are upsampled as
            the network's own last step does. Bicubic raises RoadsegError for a model whose logits
            are not small, and for images that would have to be padded.
        """
        inside = _without_padding(model)
        small, self._align_corners = _before_upsampling(inside)
        self._bicubic = upsampling == "bicubic"
        if self._bicubic and small is inside:
            raise RoadsegError(
                f"{model.name}: gives no small logits that could be upsampled bicubically; add "
                "--upsampling bilinear"
            )
        self._small = _compiled(small)
        self._padded = None if inside is model else _compiled(model)
        # Behind sampling a network sees samples alone, whatever the size of the image.
        self.multiple = 1 if hasattr(model, "sampler") else legal_multiple(inside)
        self.padding: Sequence[float] = zero_colour(inside)
        self.name = inside.name

    def __call__(self, images: Tensor, size: Size) -> Tensor:
        """Return logits (batch, *size, classes); RoadsegError for sides that do not fit."""
        sides = images.shape[1:3]
        padded = any(side % self.multiple for side in sides) and not self._bicubic
        if self._padded is not None and padded:
            return resize(self._padded(images), size)
        check_sides(sides, self.multiple, self.name)
        if self._bicubic:
            return _compiled_op("bicubic")(self._small(images), size)
        return resize(self._small(images), size, self._align_corners)


class SavedModelLogits:
    """Class logits of an exported model, which takes bytes: resized images are rounded to them."""

    def __init__(self, export: SavedModel, upsampling: str = "bilinear") -> None:
        """Take an export that was loaded.

        Raises RoadsegError where the export has no signature for logits, and for another
        upsampling than its own.
        """
        from roadseg.models.registry import find, is_known

        if upsampling == "bicubic":
            raise RoadsegError(
                f"{export.folder}: an export has upsampled its logits already, bilinearly; give "
                "the run, or leave --upsampling bicubic out"
            )
        if "logits" not in export.loaded.signatures:
            raise RoadsegError(
                f"{export.folder}: no signature 'logits', which tiles, scales and flips need; "
                "export the run again, or label whole images"
            )
        # A signature's variables go when the loaded model goes.
        self._export, self._signature = export, export.loaded.signatures["logits"]
        # A loaded signature takes its argument by name.
        (self._argument,) = self._signature.structured_input_signature[1]
        recipe = export.recipe
        name = str(recipe.get("model"))
        network = find(name) if is_known(name) else None
        sampled = recipe.get("sampling.kind", "none") != "none"
        self.multiple = 1 if sampled or network is None else network.size_multiple
        if export.is_nv12:
            self.multiple = math.lcm(self.multiple, 2)
        self.padding = _usual_padding(network, recipe)
        self.name = str(recipe.get("model", export.name))

    def __call__(self, images: Tensor, size: Size) -> Tensor:
        """Return logits (batch, *size, classes), resized once more unless the sizes agree."""
        given = self._export.taken(images)
        logits = next(iter(self._signature(**{self._argument: given}).values()))
        return resize(logits, size)


def class_logits_of(model: Any, upsampling: str = "bilinear") -> ClassLogits:
    """Return the logits of a Keras network or of an export; raises RoadsegError as these do."""
    if isinstance(model, SavedModel):
        return SavedModelLogits(model, upsampling)
    if isinstance(model, ExportedFile):
        raise RoadsegError(
            f"{model.path}: labels whole images; for tiles, scales and flips give the run, or its "
            "export as saved_model"
        )
    return ModelLogits(model, upsampling)


def legal_multiple(model: keras.Model) -> int:
    """Return the number of which the sides of an image have to be multiples; 1 for any size."""
    from roadseg.layers.introspection import innermost_layers
    from roadseg.layers.normalisation import SizeMultiple

    found = (layer for layer in innermost_layers(model) if isinstance(layer, SizeMultiple))
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


def zero_colour(model: keras.Model) -> tuple[float, float, float]:
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


def _without_padding(model: keras.Model) -> keras.Model:
    """Return the network inside padding to legal sizes, or the model itself."""
    from roadseg.models.legal_sizes import PadToMultiple

    if not any(isinstance(layer, PadToMultiple) for layer in model.layers):
        return model
    return next(layer for layer in model.layers if isinstance(layer, keras.Model))


def _compiled(model: keras.Model) -> Callable[[Tensor], Tensor]:
    def logits_of(images: Tensor) -> Tensor:
        logits = model(images, training=False)
        return ops.cast(main_logits(logits), "float32")

    return _in_graph(logits_of)


def _in_graph(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return a function compiled, where Keras runs on TensorFlow."""
    tf = tensorflow()
    # Sizes come in any order: without this, each new one would be traced.
    return function if tf is None else tf.function(function, reduce_retracing=True, autograph=False)


def _before_upsampling(model: keras.Model) -> tuple[keras.Model, Any]:
    """Return the network up to what `output.logits` upsamples, and how corners align there."""
    from roadseg.layers.heads import upsampling

    last = upsampling(model)
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
    from roadseg.ops.cubic import resize_cubic
    from roadseg.ops.pooling import adaptive_average_pool
    from roadseg.ops.resize import resize_bilinear

    ways: dict[str, Callable[..., Tensor]] = {
        "bilinear": resize_bilinear,
        "bicubic": resize_cubic,
        "pool": adaptive_average_pool,
    }
    return _in_graph(ways[name])
