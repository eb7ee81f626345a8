"""Parts of a network that a stage leaves as they are: weights, and by default statistics too."""

import difflib

import keras

from roadseg.errors import RoadsegError
from roadseg.models.registry import find
from roadseg.recipe.fields import flag
from roadseg.recipe.recipe import Recipe


def freeze(recipe: Recipe, model: keras.Model) -> None:
    """Fix the parts of `model` that recipe.fix names; call it before the optimiser is made.

    Batch normalisations among them normalise by their running values and leave these alone, as in
    evaluation; with recipe.moving_statistics they normalise by the batch and go on following it,
    as the original's do, which sets the whole network to training.
    Raises RoadsegError for a part that the network has not, and where nothing is left to train.
    """
    prefixes = layer_prefixes(recipe, recipe.start.frozen, "start.frozen")
    if not prefixes:
        return
    for layer in model._flatten_layers(include_self=False):
        if isinstance(layer, keras.Model) or not layer.name.startswith(prefixes):
            continue
        if recipe.start.update_frozen_statistics and isinstance(
            layer, keras.layers.BatchNormalization
        ):
            layer.gamma.trainable = layer.beta.trainable = False
        else:
            layer.trainable = False
    if not model.trainable_variables:
        raise RoadsegError(
            f"--start.frozen {' '.join(recipe.start.frozen)}: nothing is left to train; fix less"
        )


def layer_prefixes(recipe: Recipe, parts: tuple[str, ...], field: str) -> tuple[str, ...]:
    """Return how the names of the layers of `parts` begin, as the table of networks has it.

    Raises RoadsegError naming `field` of the recipe for a part that the network has not.
    """
    known = find(recipe.model).parts if parts else {}
    for part in parts:
        if part not in known:
            there = ", ".join(difflib.get_close_matches(part, known, n=1) or known) or "none"
            raise RoadsegError(
                f"{flag(field)} {part}: no such part in {recipe.model}; there: {there}"
            )
    return tuple(prefix for part in parts for prefix in known[part])
