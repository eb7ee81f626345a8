"""The one door through which weights come in: each kind of source, told by its name."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from roadseg.errors import RoadsegError
from roadseg.layers.introspection import weights
from roadseg.models import registry, slim_names
from roadseg.models.original import Original
from roadseg.npz import ArrayFile
from roadseg.recipe.recipe import DENSITY_MODELS, Recipe
from roadseg.weights import keras_imagenet, pytorch, slim
from roadseg.weights.forms import form_of
from roadseg.weights.match import Assigned, assign
from roadseg.weights.parts import Part, PartAssigned, assign_part
from roadseg.weights.safetensors import read_safetensors
from roadseg.weights.wrapping import plain_names

NUS_SAMPLER = Original(slim_names.sampler_reference_name)
SAMPLERS = ("nus_sampler", *DENSITY_MODELS)


def original_of(name: str) -> Original:
    """Return the naming of the registered network `name`; raise RoadsegError for no such one."""
    return registry.find(name).original


def load_initial_weights(
    model: keras.Model,
    source: str,
    recipe: Recipe,
    of_classes: Callable[[], set[str]] = set,
) -> Assigned | PartAssigned | None:
    """Set the weights of `model`, the network of `recipe`, from `source`, and print what was set.

    source: 'none', 'imagenet' (trained at the size nearest to recipe.sampling_size), or what
        `read_weights` takes. The head may be absent; what is there has to fit, unless
        recipe.initial_weights_part asks for a part.
    of_classes: gives the paths of weights that depend on the number of classes; see `assign_part`.
    Raises RoadsegError for a source that is absent, damaged or another network's.
    """
    if source in ("", "none"):
        return None
    original = NUS_SAMPLER if recipe.model in SAMPLERS else original_of(recipe.model)
    part = recipe.start.part
    found = _read(model, source, original, recipe.sampling.size)
    assigned: Assigned | PartAssigned
    if part == "all":
        assigned = assign(model, *found)
    else:
        assigned = assign_part(model, *found, part, of_classes)
    print(f"initial weights from {source}: {assigned}")
    return assigned


def read_weights(
    model: keras.Model, source: str, original: Original, size: tuple[int, int] = (224, 224)
) -> Assigned:
    """Set the weights of `model` from `source` and return what was set.

    source: 'imagenet'; `.h5` of Keras's MobileNetV2 without top; a file of PyTorch's or Paddle's,
        `.npz` or `.safetensors` with our names or the original's; `.tgz`, prefix or file of a
        TF-slim checkpoint. The form of a file is told by what it holds, whatever its ending.
    size: (height, width) that tells which of the ImageNet weights is wanted.
    Raises RoadsegError for a source that is absent, damaged or another network's.
    """
    return assign(model, *_read(model, source, original, size))


def read_part(
    model: keras.Model,
    source: str,
    original: Original,
    part: Part,
    size: tuple[int, int] = (224, 224),
) -> PartAssigned:
    """Set a part of the weights of `model` from `source`; see `assign_part` and `read_weights`."""
    return assign_part(model, *_read(model, source, original, size), part)


def _read(
    model: keras.Model, source: str, original: Original, size: tuple[int, int]
) -> tuple[Mapping[str, Any], str, Original]:
    """Return the arrays of `source`, where they are from, and whose names and layout they have."""
    path = Path(source).expanduser()
    kind = form_of(path)
    if source == "imagenet" or kind == "keras":
        return _read_mobilenet(model, source, original, size)
    if kind == "slim":
        return _scoped(slim.read_slim(path), original), source, original
    if kind == "pytorch":
        return _named(model, pytorch.read_pytorch(path), source, original)
    if kind == "paddle":
        return _named(model, pytorch.read_paddle(path), source, original)
    if kind == "safetensors":
        return _named(model, read_safetensors(path), source, original)
    if kind == "npz":
        return _named(model, ArrayFile(path), str(path), original)
    raise RoadsegError(
        f"{source}: no weights here; there are 'imagenet', 'none', PyTorch's .pth, Paddle's "
        ".params, .npz, .safetensors, Keras's .h5, and TF-slim checkpoints (.tgz, or the prefix "
        "before .index)"
    )


def fits(model: keras.Model, source: str, original: Original) -> bool:
    """Return whether `read_weights` takes `source` for `model`, whose weights it then sets."""
    try:
        read_weights(model, source, original)
    except RoadsegError:
        return False
    return True


def _named(
    model: keras.Model, arrays: Mapping[str, Any], source: str, original: Original
) -> tuple[Mapping[str, Any], str, Original]:
    """Return arrays that bear our names or the original's, whatever stands before these."""
    ours = weights(model)
    if set(arrays) & set(ours):
        return arrays, source, replace(original, reference_name=str, layout="tensorflow")
    wanted = {original.reference_name(path) for path in ours}
    return _scoped(plain_names(arrays, wanted, original), original), source, original


def _scoped(arrays: Mapping[str, Any], original: Original) -> Mapping[str, Any]:
    """Return `arrays` by the names they have inside the auxiliary network, if they are for it."""
    if original is NUS_SAMPLER and not any(slim_names.SAMPLER_SCOPE in name for name in arrays):
        return {slim_names.SAMPLER_SCOPE + name: array for name, array in arrays.items()}
    return arrays


def _read_mobilenet(
    model: keras.Model, source: str, original: Original, size: tuple[int, int]
) -> tuple[Mapping[str, Any], str, Original]:
    """Return the arrays that Keras publishes for a network on MobileNetV2, as `_read` does."""
    if original.layout == "pytorch":
        raise RoadsegError(
            f"{source}: Keras's weights are MobileNetV2's, which is not the backbone of "
            f"{model.name}; name the .pth or .npz of the backbone that its authors published"
        )
    keras_names = Original(keras_imagenet.keras_name)
    if source != "imagenet":
        arrays = keras_imagenet.read_keras_file(Path(source).expanduser())
        return arrays, source, keras_names
    trained_at = keras_imagenet.nearest_size(*size)
    return keras_imagenet.read_imagenet(trained_at), f"imagenet, {trained_at}", keras_names
