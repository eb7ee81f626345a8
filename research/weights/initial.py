"""The one door through which weights come in: each kind of source, told by its name."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import keras

from roadseg import checkpoint
from roadseg.errors import RoadsegError
from roadseg.layers.walk import weights
from roadseg.models import registry, slim_names
from roadseg.weights import keras_imagenet, slim
from roadseg.weights.arrays import Arrays, Assigned, assign

if TYPE_CHECKING:
    from roadseg.recipe import Recipe


@dataclass(frozen=True)
class Original:
    """What a network's original calls its weights, and how it lays kernels out."""

    reference_name: Callable[[str], str]
    layout: str = "tensorflow"


AUXILIARY = Original(slim_names.auxiliary_reference_name)


def original_of(name: str) -> Original:
    """Return the naming of the registered network `name`; raise RoadsegError for no such one."""
    network = registry.find(name)
    return Original(network.reference_name, network.layout)


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

    source: 'imagenet'; `.h5` of Keras's MobileNetV2 without top; `.npz` with our names or the
        original's; `.tgz`, prefix or file of a TF-slim checkpoint.
    size: (height, width) that tells which of the ImageNet weights is wanted.
    Raises RoadsegError for a source that is absent, damaged or another network's.
    """
    path = Path(source).expanduser()
    if source == "imagenet":
        trained_at = keras_imagenet.nearest_size(*size)
        arrays = keras_imagenet.read_imagenet(trained_at)
        return assign(model, arrays, f"imagenet, {trained_at}", keras_imagenet.keras_name)
    if slim.is_slim(path):
        scoped = original.reference_name
        arrays = slim.read_slim(path)
        if original is AUXILIARY and not any(slim_names.AUXILIARY_SCOPE in name for name in arrays):
            arrays = {slim_names.AUXILIARY_SCOPE + name: array for name, array in arrays.items()}
        return assign(model, arrays, source, scoped)
    if path.suffix == ".h5":
        arrays = keras_imagenet.read_keras_file(path)
        return assign(model, arrays, source, keras_imagenet.keras_name)
    if path.suffix == ".npz":
        return _assign_npz(model, checkpoint.read_arrays(path), source, original)
    raise RoadsegError(
        f"{source}: no weights here; there are 'imagenet', 'none', .npz, Keras's .h5, and TF-slim "
        "checkpoints (.tgz, or the prefix before .index)"
    )


def _assign_npz(model: keras.Model, arrays: Arrays, source: str, original: Original) -> Assigned:
    if set(arrays) & set(weights(model)):
        return assign(model, arrays, source)
    return assign(model, arrays, source, original.reference_name, original.layout)
