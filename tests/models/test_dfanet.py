import keras
import numpy as np
import pytest
from keras import ops

from roadseg.backbones.xception_a import attention, encoder, xception_a
from roadseg.models.dfanet import dfanet
from tests.models.every_network import images

# Layer: fraction of the input's sides, channels.
MAPS = {
    "backbone.enc2.block.3.sum": (4, 48),
    "backbone.enc3.block.5.sum": (8, 96),
    "backbone.enc4.block.3.sum": (16, 192),
    "fca_1.up": (4, 192),
    "enc2_2.block.3.sum": (8, 48),
    "enc4_2.block.3.sum": (32, 192),
    "fca_2.up": (8, 192),
    "enc2_3.block.3.sum": (16, 48),
    "enc3_4.block.3.sum": (64, 192),
    "conv_out": (4, 19),
    "dsn1.4": (4, 19),
    "dsn2.4": (8, 19),
}


@pytest.fixture(scope="module")
def with_heads():
    return dfanet(19, auxiliary_heads=True)


def test_maps_have_the_scales_and_channels_of_the_code(with_heads):
    layers = {name: with_heads.get_layer(name).output for name in MAPS}
    found = keras.Model(with_heads.input, layers)(images((64, 128)), training=False)
    shapes = {name: tuple(value.shape) for name, value in found.items()}
    assert shapes == {name: (1, 64 // s, 128 // s, c) for name, (s, c) in MAPS.items()}


def test_auxiliary_outputs_come_at_input_size(with_heads):
    outputs = with_heads(images((64, 128)), training=False)
    assert {name: tuple(value.shape) for name, value in outputs.items()} == {
        name: (1, 64, 128, 19) for name in ("logits", "aux1", "aux2")
    }


@pytest.mark.parametrize(("offset", "factor"), [(5.0, 5.0), (-5.0, 0.0)])
def test_the_factor_of_attention_is_unbounded_above_and_zero_below(offset, factor):
    x = keras.Input((4, 6, 192))
    model = keras.Model(x, attention(x, "fca"))
    norm = model.get_layer("fca.conv.1")
    norm.gamma.assign(ops.zeros(192))
    norm.beta.assign(ops.full((192,), offset))
    value = np.random.default_rng(0).normal(size=(2, 4, 6, 192)).astype("float32")
    found = ops.convert_to_numpy(model(value, training=False))
    np.testing.assert_allclose(found, factor * value, rtol=1e-6, atol=1e-6)


def test_attention_weighs_channels_by_the_whole_image():
    keras.utils.set_random_seed(1)
    x = keras.Input((4, 6, 192))
    model = keras.Model(x, attention(x, "fca"))
    value = np.random.default_rng(0).normal(1, 1, size=(1, 4, 6, 192)).astype("float32")
    found = ops.convert_to_numpy(model(value, training=False))
    ratio = found / value
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1, :1], ratio.shape), rtol=1e-4)
    assert 0 < (ratio[0, 0, 0] > 0).sum() < 192


def test_a_block_halves_with_its_last_convolution_and_has_no_rectifier_after_the_sum():
    keras.utils.set_random_seed(1)
    x = keras.Input((32, 48, 8))
    model = keras.Model(x, encoder(x, 48, 2, "enc"))
    strides = [model.get_layer(f"enc.block.0.rep.{n}.conv1").strides[0] for n in (1, 4, 7)]
    assert strides == [1, 1, 2]
    layers = {layer.name for layer in model.layers}
    assert "enc.block.0.skip" in layers and "enc.block.1.skip" not in layers
    value = np.random.default_rng(0).normal(size=(1, 32, 48, 8)).astype("float32")
    assert ops.convert_to_numpy(model(value, training=False)).min() < 0


def test_the_backbone_gives_three_maps_and_the_attended_last():
    x = keras.Input((64, 96, 3))
    shapes = [tuple(value.shape[1:]) for value in xception_a(x)]
    assert shapes == [(16, 24, 48), (8, 12, 96), (4, 6, 192), (4, 6, 192)]
