"""What tests of every registered network share: names, sizes, networks, images, gradients."""

from collections.abc import Callable, Container, Sequence
from functools import lru_cache
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import roadseg
from roadseg.layers.introspection import innermost_layers
from roadseg.losses.cross_entropy import cross_entropy
from roadseg.models.registry import MODELS
from roadseg.tasks.task import takes_auxiliary_heads
from tests.support import weights_of_zeros

CLASSES = 19
NAMES = roadseg.list_models("segmentation")
# The fewest networks that between them hold every class of layers, and the classes for which each
# is among them. A test of every network refuses classes that are missing here.
REPRESENTATIVES = {
    "dabnet": {"DilatedDepthwiseConv2D", "MaxPooling2D"},
    "deeplabv3_mobilenet_v2": {"Dropout", "GlobalAveragePooling2D", "Identity", "Rescaling"},
    "espnet": {"Conv2DTranspose"},
    "espnetv2": {
        *("Activation", "AdaptiveAveragePooling", "Add", "AverageLike", "AveragePooling"),
        *("BatchNormalization", "ChannelShuffle", "Concatenate", "Conv2D", "DepthwiseConv2D"),
        *("Functional", "GroupedConv2D", "InputLayer", "SizeMultiple", "Multiply", "Normalise"),
        *("PReLU", "ResizeBy", "ResizeLike", "ScaledMap", "StridedDilatedDepthwiseConv2D"),
        "ZeroPadding2D",
    },
    "mobilenet_v3_small": {"Dense"},
    "pidnet_s": {"Exchange", "GatedBlend", "Similarity", "SpatialAwarePooling"},
    "sfnet_lite_resnet18": {
        *("Blend", "ChannelMeanAndMaximum", "ChannelSlice", "DilatedConv2D", "FlowWarp"),
        *("MaxPooling", "SpatialDropout2D"),
    },
    "sgcpnet": {"RepeatLike", "WeightedFusion"},
    "swiftnet": {"ProportionateAveragePooling"},
}

# Classes of layers with running statistics, and networks of three kinds that hold them: what two
# replicas may do otherwise than one. A test of every network refuses classes that are missing.
WITH_STATISTICS = {"BatchNormalization"}
ON_REPLICAS = ("fast_scnn", "sgcpnet", "semshare_tight")


def others_slow(names: Sequence[str], ours: Container[str]) -> list[Any]:
    """Return parameters of a test: names that are not in `ours` are for `make test-all`."""
    slow = pytest.mark.slow
    return [name if name in ours else pytest.param(name, marks=slow) for name in names]


# Of the scope of a module, so that the tests of a network follow each other and share its build.
every_network = pytest.mark.parametrize("name", NAMES, scope="module")
every_class_of_layers = pytest.mark.parametrize(
    "name", others_slow(NAMES, REPRESENTATIVES), scope="module"
)


def sizes(name: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return an even size and one as odd as the network takes, both legal."""
    multiple = MODELS[name].size_multiple
    if multiple == 1:
        return (64, 96), (67, 93)
    rows = -(-64 // multiple) * multiple
    return (rows, rows + multiple), (rows + multiple, -(-48 // multiple) * multiple)


def options(name: str, auxiliary_heads: bool = False) -> dict[str, Any]:
    """Return what a small image asks for, and the heads of training if there are any."""
    heads = auxiliary_heads and takes_auxiliary_heads(name)
    return {**MODELS[name].any_size_options, **({"auxiliary_heads": True} if heads else {})}


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
    """Return the same with heads, if it has any; tests may give it other weights."""
    return network(name, auxiliary_heads=True)


@lru_cache(maxsize=1)
def empty_network(name: str) -> keras.Model:
    """Return the same with kernels of zeros, for tests that look at no value."""
    with weights_of_zeros():
        return network(name, auxiliary_heads=True)


def layer_classes(model: keras.Model) -> set[str]:
    """Return the names of the classes of all layers, those inside others too."""
    return {type(layer).__name__ for layer in model._flatten_layers()}


def classes_with_statistics(model: keras.Model) -> set[str]:
    """Return the classes of those layers that keep running statistics."""
    layers = innermost_layers(model)
    return {type(x).__name__ for x in layers if x._non_trainable_variables}


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


def logits_of(outputs: Any) -> Any:
    """Return the main output of networks that give several."""
    return outputs["logits"] if isinstance(outputs, dict) else outputs


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
    for logits in maps:
        labels = np.random.default_rng(1).integers(0, CLASSES, tuple(logits.shape[:3]))
        if logits.shape[-1] == 1:
            odd = ops.cast(labels[..., None] % 2, logits.dtype)
            total += ops.mean(ops.binary_crossentropy(odd, logits, from_logits=True))
        else:
            total += cross_entropy(logits, labels)[0] / labels.size
    return total
