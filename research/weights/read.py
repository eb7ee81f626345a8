"""The one door through which weights come in: each kind of source, told by its name."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import keras

from roadseg.errors import RoadsegError
from roadseg.layers.introspection import weights
from roadseg.models import registry, slim_names
from roadseg.models.original import Original
from roadseg.npz import ArrayFile
from roadseg.recipe.recipe import SAMPLER_OF, Recipe
from roadseg.weights import keras_imagenet, pytorch, slim
from roadseg.weights.forms import form_of
from roadseg.weights.match import Match, match
from roadseg.weights.rules import Part, Rules, rules_of_part
from roadseg.weights.safetensors import read_safetensors
from roadseg.weights.wrapping import plain_names

NUS_SAMPLER = Original(slim_names.sampler_reference_name)


def original_of(name: str) -> Original:
    """Return the naming of the registered network `name`; raise RoadsegError for no such one."""
    return registry.find(name).original


def load_initial_weights(
    model: keras.Model,
    source: str,
    recipe: Recipe,
    class_dependent: Callable[[], set[str]] | None = None,
) -> Match | None:
    """Set the weights of `model`, the network of `recipe`, from `source`, and print what was set.

    source: 'none', 'imagenet' (trained at the size nearest to recipe.sampling_size), or what
        `read_weights` takes. The head may be absent; what is there has to fit, unless
        recipe.start.part asks for a part.
    class_dependent: gives the paths of weights that depend on the number of classes, which the
        source may have in another shape, or lack; see `Rules`.
    Raises RoadsegError for a source that is absent, damaged or another network's.
    """
    if source in ("", "none"):
        return None
    original = NUS_SAMPLER if recipe.model in SAMPLER_OF else original_of(recipe.model)
    arrays, place, names = _read(model, source, original, recipe.sampling.size)
    rules = rules_of_part(model, names, recipe.start.part, class_dependent, place)
    found = match(model, arrays, place, rules).apply()
    what = "" if recipe.start.part == "all" else f"{recipe.start.part}: "
    print(f"initial weights from {source}: {what}{found}")
    return found


def read_weights(
    model: keras.Model,
    source: str,
    original: Original,
    size: tuple[int, int] = (224, 224),
    *,
    head: bool = True,
    class_dependent: Callable[[], set[str]] | None = None,
) -> Match:
    """Set the weights of `model` from `source` and return what was set.

    source: 'imagenet'; `.h5` of Keras's MobileNetV2 without top; a file of PyTorch's or Paddle's,
        `.npz` or `.safetensors` with our names or the original's; `.tgz`, prefix or file of a
        TF-slim checkpoint. The form of a file is told by what it holds, whatever its ending.
    size: (height, width) that tells which of the ImageNet weights is wanted.
    head: whether the source has to have more than the backbone.
    class_dependent: as `Rules` has it; None: the source has the same number of classes.
    Raises RoadsegError for a source that is absent, damaged or another network's.
    """
    arrays, place, names = _read(model, source, original, size)
    lack: Literal["nothing", "head"] = "nothing" if head else "head"
    rules = Rules.of(names, may_lack=lack, class_dependent=class_dependent)
    return match(model, arrays, place, rules).apply()


def read_part(
    model: keras.Model,
    source: str,
    original: Original,
    part: Part,
    class_dependent: Callable[[], set[str]] | None = None,
) -> Match:
    """Set a part of the weights of `model` from `source`, which `read_weights` takes.

    part, class_dependent: as `rules_of_part` has them. Returns what was set.
    Raises RoadsegError as `read_weights` does, and where a backbone is wanted and not whole.
    """
    arrays, place, names = _read(model, source, original, (224, 224))
    rules = rules_of_part(model, names, part, class_dependent, place)
    return match(model, arrays, place, rules).apply()


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


def fits(model: keras.Model, source: str, original: Original, head: bool = True) -> bool:
    """Return whether `read_weights` takes `source` for `model`, whose weights it then sets."""
    try:
        read_weights(model, source, original, head=head)
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
