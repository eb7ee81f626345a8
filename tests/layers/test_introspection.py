import keras
import pytest

from roadseg.errors import RoadsegError
from roadseg.layers.conv_bn import BatchNorm, depthwise_bn, synchronise_batch_norm
from roadseg.layers.introspection import count_parameters, weights


def block(name: str) -> keras.Model:
    image = keras.Input((8, 8, 2))
    norm = BatchNorm(momentum=0.9, epsilon=1e-5)
    return keras.Model(image, depthwise_bn(image, name, norm, keras.initializers.GlorotUniform()))


def test_weights_are_found_in_nested_networks_with_their_layers():
    image = keras.Input((8, 8, 2))
    nested = keras.Model(image, block("first")(block("second")(image)))
    found = weights(nested)
    assert len(found) == 2 * 5
    assert isinstance(found["first/kernel"][0], keras.layers.DepthwiseConv2D)
    assert isinstance(found["second.bn/moving_mean"][0], keras.layers.BatchNormalization)
    assert count_parameters(nested) == 2 * (9 * 2 + 2 + 2)


def test_two_weights_of_one_name_are_refused():
    image = keras.Input((8, 8, 2))
    twice = keras.Model(image, block("same")(block("same")(image)))
    with pytest.raises(ValueError, match="two weights are called same"):
        weights(twice)


def test_synchronising_reaches_nested_networks_and_can_be_undone():
    image = keras.Input((8, 8, 2))
    inner = block("inner")
    model = synchronise_batch_norm(keras.Model(image, inner(image)))
    assert inner.get_layer("inner.bn").synchronized
    synchronise_batch_norm(model, synchronised=False)
    assert not inner.get_layer("inner.bn").synchronized


def test_a_stride_and_a_dilation_exclude_each_other():
    image = keras.Input((8, 8, 2))
    with pytest.raises(ValueError, match="stride 2 and dilation 2"):
        norm = BatchNorm(momentum=0.9, epsilon=1e-5)
        depthwise_bn(image, "x", norm, keras.initializers.GlorotUniform(), strides=2, dilation=2)


def test_some_norms_can_be_left_to_their_replica():
    image = keras.Input((8, 8, 2))
    inner, outer = block("backbone.first"), block("head.last")
    synchronise_batch_norm(keras.Model(image, outer(inner(image))), local=("head.*",))
    assert inner.get_layer("backbone.first.bn").synchronized
    assert not outer.get_layer("head.last.bn").synchronized


def test_a_pattern_that_names_no_norm_is_refused():
    with pytest.raises(
        RoadsegError, match=r"--batch-norm.unsynchronised head: no such .*there are inner.bn"
    ):
        synchronise_batch_norm(block("inner"), local=("head",))
