"""What tests of every registered network share: names, sizes, networks, images, gradients."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import roadseg
from roadseg.losses.cross_entropy import cross_entropy
from roadseg.models.registry import NETWORKS
from roadseg.runs.run_folder import takes_auxiliary_heads
from tests.support import deeper_copies_slow

CLASSES = 19
NAMES = roadseg.list_models("segmentation")
# Of the scope of a module, so that the tests of a network follow each other and share its build.
every_network = pytest.mark.parametrize("name", deeper_copies_slow(NAMES), scope="module")
every_network_and_deeper_copy = pytest.mark.parametrize("name", NAMES, scope="module")


def sizes(name: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return an even size and one as odd as the network takes, both legal."""
    multiple = NETWORKS[name].multiple
    if multiple == 1:
        return (64, 96), (67, 93)
    rows = -(-64 // multiple) * multiple
    return (rows, rows + multiple), (rows + multiple, -(-48 // multiple) * multiple)


def options(name: str, auxiliary_heads: bool = False) -> dict[str, Any]:
    """Return what a small image asks for, and the heads of training if there are any."""
    heads = auxiliary_heads and takes_auxiliary_heads(name)
    return {**NETWORKS[name].small_images, **({"auxiliary_heads": True} if heads else {})}


def network(
    name: str,
    size: tuple[int | None, int | None] = (None, None),
    auxiliary_heads: bool = False,
) -> keras.Model:
    """Return a new network, its random weights always the same."""
    keras.utils.set_random_seed(3)
    shape = (*size, 3)
    return roadseg.create(name, CLASSES, input_shape=shape, **options(name, auxiliary_heads))


@lru_cache(maxsize=1)
def plain_network(name: str) -> keras.Model:
    """Return the network for any size, without heads of training; tests must not change it."""
    return network(name)


@lru_cache(maxsize=1)
def trained_network(name: str) -> keras.Model:
    """Return the same with heads, if it has any; tests may move its batch statistics alone."""
    return network(name, auxiliary_heads=True)


def images(size: tuple[int, int], batch: int = 1) -> np.ndarray:
    """Return noise (batch, height, width, 3), 0..255."""
    return np.random.default_rng(0).uniform(0, 255, (batch, *size, 3)).astype("float32")


def settle(model: keras.Model, batch: np.ndarray) -> None:
    """Give every batch normalisation the statistics of `batch` to run on.

    As drawn, with mean 0 and variance 1, a network whose images are not divided (DABNet) grows
    beyond float16, which none that has seen an image does.
    """
    norms = [
        (layer, layer.momentum)
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    for layer, _ in norms:
        layer.momentum = 0.0
    model(batch, training=True)
    for layer, momentum in norms:
        layer.momentum = momentum


def scores_of(outputs: Any) -> Any:
    """Return the main output of networks that give several."""
    return outputs["scores"] if isinstance(outputs, dict) else outputs


def gradients_of(
    model: keras.Model, size: tuple[int, int], loss: Callable[[Any], Any]
) -> list[np.ndarray]:
    """Return the gradient of `loss(outputs)` in each trainable weight, in training mode."""
    return gradients_on(model, images(size, batch=2), loss)


def gradients_on(model: keras.Model, batch: Any, loss: Callable[[Any], Any]) -> list[np.ndarray]:
    """Return the same on a batch of whatever `model` takes."""
    if keras.backend.backend() == "jax":
        import jax

        def value(trainable, other):
            outputs, _ = model.stateless_call(trainable, other, batch, training=True)
            return loss(outputs)

        # Compiled: op by op it takes nine times as long, and DFANet overflows float16 sooner.
        found = jax.jit(jax.grad(value))(
            [variable.value for variable in model.trainable_variables],
            [variable.value for variable in model.non_trainable_variables],
        )
    else:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = loss(model(batch, training=True))
        found = tape.gradient(value, [v.value for v in model.trainable_variables])
    return [ops.convert_to_numpy(gradient) for gradient in found]


def segmentation_loss(outputs: Any) -> Any:
    """Return the mean cross entropy with random labels, summed over all outputs.

    An output of one channel says yes or no.
    """
    maps = outputs.values() if isinstance(outputs, dict) else [outputs]
    total = 0.0
    for scores in maps:
        labels = np.random.default_rng(1).integers(0, CLASSES, tuple(scores.shape[:3]))
        if scores.shape[-1] == 1:
            odd = ops.cast(labels[..., None] % 2, scores.dtype)
            total += ops.mean(ops.binary_crossentropy(odd, scores, from_logits=True))
        else:
            total += cross_entropy(scores, labels)[0] / labels.size
    return total
