"""Weights as PyTorch originals publish them: their names, their axis order, drawn values."""

import keras
import numpy as np

import roadseg
from roadseg.layers.introspection import weights
from roadseg.models.original import Original
from roadseg.models.registry import MODELS
from roadseg.weights.match import Match, match
from roadseg.weights.rules import Rules

Arrays = dict[str, np.ndarray]
OURS = Original()


def published(model: keras.Model, network: str, seed: int = 0) -> Arrays:
    """Return drawn values for every weight, by the original's names, in PyTorch's axis order."""
    rng = np.random.default_rng(seed)
    names = MODELS[network].original.reference_name
    arrays = {}
    for path, (layer, variable) in weights(model).items():
        spread = 1 / np.sqrt(np.prod(variable.shape[:-1])) if len(variable.shape) > 1 else 0.1
        values = rng.standard_normal(variable.shape, np.float32) * np.float32(spread)
        # SGCPNet's weights of fusion (`parameter`) count for nothing below 0.
        if path.endswith(("gamma", "moving_variance", "parameter")):
            values = 1 + np.abs(values)
        arrays[names(path)] = in_pytorch(values, layer, variable.name)
    return arrays


def in_pytorch(values: np.ndarray, layer: keras.layers.Layer, kind: str) -> np.ndarray:
    """Return the values of a weight in PyTorch's axis order."""
    if kind == "kernel" and isinstance(layer, keras.layers.DepthwiseConv2D):
        height, width, channels, multiplier = values.shape
        return values.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)
    if kind == "kernel" and isinstance(layer, keras.layers.Dense):
        return values.T
    if kind == "kernel":
        return values.transpose(3, 2, 0, 1)
    return values.reshape(-1)


def network(name: str, classes: int = 6, seed: int = 1, **options) -> keras.Model:
    """Return a new network, for images of any size, with initial values of its own."""
    keras.utils.set_random_seed(seed)
    return roadseg.create(name, classes, **{**MODELS[name].any_size_options, **options})


def values(model: keras.Model) -> Arrays:
    """Return a copy of every weight by its path."""
    found = weights(model)
    return {path: keras.ops.convert_to_numpy(found[path][1]).copy() for path in found}


def assign(model: keras.Model, arrays: Arrays, source: str, original: Original = OURS) -> Match:
    """Set the weights of `model` from arrays that may lack the head; return what was set."""
    return match(model, arrays, source, Rules.of(original, may_lack="head")).apply()
