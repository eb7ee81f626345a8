"""The one door through which weights come in: each kind of source, told by its name."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from roadseg.errors import RoadsegError
from roadseg.layers.walk import weights
from roadseg.models import registry, slim_names
from roadseg.npz import ArrayFile
from roadseg.weights import keras_imagenet, pytorch, slim
from roadseg.weights.arrays import Arrays, Assigned, assign
from roadseg.weights.forms import form_of
from roadseg.weights.original import Original
from roadseg.weights.safetensors import read_safetensors
from roadseg.weights.wrapping import plain_names

if TYPE_CHECKING:
    from roadseg.recipe import Recipe


AUXILIARY = Original(slim_names.auxiliary_reference_name)


def original_of(name: str) -> Original:
    """Return the naming of the registered network `name`; raise RoadsegError for no such one."""
    network = registry.find(name)
    return Original(
        network.reference_name,
        network.layout,
        network.trunk,
        network.auxiliary,
        network.unused,
        network.aliases,
    )


def load_initial_weights(model: keras.Model, source: str, recipe: "Recipe") -> Assigned | None:
    """Set the weights of `model`, the network of `recipe`, from `source`, and print what was set.

    source: 'none', 'imagenet' (trained at the size nearest to recipe.sampling_size), or what
        `read_weights` takes. The head may be absent; what is there has to fit.
    Raises RoadsegError for a source that is absent, damaged or another network's.
    """
    if source in ("", "none"):
        return None
    original = AUXILIARY if recipe.task == "sampling" else original_of(recipe.model)
    assigned = read_weights(model, source, original, recipe.sampling_size)
    print(f"initial weights from {source}: {assigned}")
    return assigned


def read_weights(
    model: keras.Model, source: str, original: Original, size: tuple[int, int] = (224, 224)
) -> Assigned:
    """Set the weights of `model` from `source` and return what was set.

    source: 'imagenet'; `.h5` of Keras's MobileNetV2 without top; a file of PyTorch's, `.npz` or
        `.safetensors` with our names or the original's; `.tgz`, prefix or file of a TF-slim
        checkpoint. The form of a file is told by what it holds, whatever its ending.
    size: (height, width) that tells which of the ImageNet weights is wanted.
    Raises RoadsegError for a source that is absent, damaged or another network's.
    """
    path = Path(source).expanduser()
    kind = form_of(path)
    if source == "imagenet" or kind == "keras":
        return _assign_mobilenet(model, source, original, size)
    if kind == "slim":
        return assign(model, _read_slim(path, original), source, original)
    if kind == "pytorch":
        return _assign_named(model, pytorch.read_pytorch(path), source, original)
    if kind == "safetensors":
        return _assign_named(model, read_safetensors(path), source, original)
    if kind == "npz":
        return _assign_named(model, ArrayFile(path), str(path), original)
    raise RoadsegError(
        f"{source}: no weights here; there are 'imagenet', 'none', PyTorch's .pth, .npz, "
        ".safetensors, Keras's .h5, and TF-slim checkpoints (.tgz, or the prefix before .index)"
    )


def fits(model: keras.Model, source: str, original: Original) -> bool:
    """Return whether `read_weights` takes `source` for `model`, whose weights it then sets."""
    try:
        read_weights(model, source, original)
    except RoadsegError:
        return False
    return True


def _assign_named(
    model: keras.Model, arrays: Mapping[str, Any], source: str, original: Original
) -> Assigned:
    """Set `model` from arrays by our names or the original's, whatever stands before these."""
    ours = weights(model)
    if set(arrays) & set(ours):
        own = replace(original, reference_name=str, layout="tensorflow")
        return assign(model, arrays, source, own)
    wanted = {original.reference_name(path) for path in ours}
    return assign(model, plain_names(arrays, wanted, original), source, original)


def _read_slim(path: Path, original: Original) -> Arrays:
    arrays = slim.read_slim(path)
    if original is AUXILIARY and not any(slim_names.AUXILIARY_SCOPE in name for name in arrays):
        return {slim_names.AUXILIARY_SCOPE + name: array for name, array in arrays.items()}
    return arrays


def _assign_mobilenet(
    model: keras.Model, source: str, original: Original, size: tuple[int, int]
) -> Assigned:
    """Set the trunk of a network on MobileNetV2 from the weights that Keras publishes."""
    if original.layout == "pytorch":
        raise RoadsegError(
            f"{source}: Keras's weights are MobileNetV2's, which is not the trunk of {model.name}; "
            "name the .pth or .npz of the trunk that its authors published"
        )
    keras_names = Original(keras_imagenet.keras_name)
    if source != "imagenet":
        arrays = keras_imagenet.read_keras_file(Path(source).expanduser())
        return assign(model, arrays, source, keras_names)
    trained_at = keras_imagenet.nearest_size(*size)
    arrays = keras_imagenet.read_imagenet(trained_at)
    return assign(model, arrays, f"imagenet, {trained_at}", keras_names)
