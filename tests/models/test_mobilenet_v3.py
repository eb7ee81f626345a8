"""MobileNetV3 with the light ASPP head: its maps, and the least size that its windows ask for."""

import keras
import numpy as np
import pytest

import roadseg
from roadseg.backbones.mobilenet_v3 import fine_stages
from roadseg.errors import RoadsegError
from roadseg.layers.light_aspp import WindowPooling

MAPS = {
    "mobilenet_v3_large": {"layer2": (4, 24), "layer3": (8, 40), "layer4": (16, 112)},
    "mobilenet_v3_small": {"layer2": (4, 16), "layer3": (8, 24), "layer4": (16, 48)},
}


@pytest.mark.parametrize("name", MAPS)
def test_maps_lie_at_a_4th_an_8th_and_a_16th_which_the_last_stage_keeps(name):
    model = roadseg.create(name, 6, input_shape=(1216, 1920, 3))
    for stage, (stride, channels) in MAPS[name].items():
        tap = model.get_layer(f"pretrained.{stage}.0.conv.0").input
        assert tap.shape[1:] == (1216 // stride, 1920 // stride, channels)
    assert model.get_layer("pretrained.layer4.0.conv.3").dilation_rate == (2, 2)
    assert model.get_layer("head.project").output.shape[1:] == (76, 120, 6)
    assert model.get_layer("head.lr_aspp.b1.0").output.shape[1:3] == (2, 4)


@pytest.mark.parametrize("size", [(768, 1024), (1024, 768)])
def test_an_image_that_holds_no_window_is_refused_with_the_least_size(size):
    with pytest.raises(RoadsegError, match="768 or less: .*769 x 769 or more.*pooling='whole'"):
        roadseg.create("mobilenet_v3_small", 6, input_shape=(*size, 3))


def test_769_is_the_least_side():
    model = roadseg.create("mobilenet_v3_small", 6, input_shape=(769, 769, 3))
    assert model.output.shape[1:3] == (769, 769)


def test_windows_lie_16_rows_and_20_columns_apart():
    x = np.zeros((1, 65, 69, 1), "float32")
    x[0, 16, 20] = 49 * 49
    pooled = keras.ops.convert_to_numpy(WindowPooling()(x))
    np.testing.assert_allclose(pooled[0, :, :, 0], [[1, 1], [1, 1]], rtol=1e-5)
    x[0, 16, 20], x[0, 15, 19] = 0, 49 * 49
    pooled = keras.ops.convert_to_numpy(WindowPooling()(x))
    np.testing.assert_allclose(pooled[0, :, :, 0], [[1, 0], [0, 0]], atol=1e-5)


def test_another_pooling_or_backbone_is_refused():
    with pytest.raises(RoadsegError, match="pooling='none'; there are windows, whole"):
        roadseg.create("mobilenet_v3_small", 6, pooling="none")
    with pytest.raises(ValueError, match="variant='tiny'; MobileNetV3 is large or small"):
        fine_stages(keras.Input((64, 64, 3)), "tiny")
