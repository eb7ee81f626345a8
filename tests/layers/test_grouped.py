"""Convolutions in groups, and depthwise ones with stride and dilation, against plain ones."""

import keras
import numpy as np
import pytest
from keras import ops

from roadseg.layers.convolution import conv
from roadseg.layers.grouped import GroupedConv2D
from roadseg.layers.strided_depthwise import StridedDilatedDepthwiseConv2D
from roadseg.models.operation_counts import count_operations


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype("float32")


@pytest.mark.parametrize(
    ("groups", "width", "filters"),
    [(2, 6, 4), (4, 8, 12), (10, 50, 10), (16, 32, 48), (12, 12, 12)],
)
@pytest.mark.parametrize("kernel_size", [1, 3])
def test_each_group_of_filters_sees_its_own_channels(groups, width, filters, kernel_size):
    x = noise(2, 7, 9, width)
    layer = GroupedConv2D(filters, kernel_size, padding="same", groups=groups)
    found = ops.convert_to_numpy(layer(x))
    kernel, bias = (ops.convert_to_numpy(weight) for weight in layer.weights)
    assert kernel.shape == (kernel_size, kernel_size, width // groups, filters)
    parts = [
        ops.conv(x[..., own], kernel[..., those], padding="same")
        for own, those in zip(runs(width, groups), runs(filters, groups), strict=True)
    ]
    expected = np.concatenate([ops.convert_to_numpy(part) for part in parts], -1) + bias
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def runs(channels: int, groups: int) -> list[slice]:
    step = channels // groups
    return [slice(first, first + step) for first in range(0, channels, step)]


def test_its_multiply_adds_are_a_groups_share_and_it_saves(tmp_path):
    images = keras.Input((None, None, 40))
    model = keras.Model(images, conv(images, 20, 3, "grouped", groups=10))
    assert count_operations(model, (8, 8)).macs == 8 * 8 * 9 * 4 * 20
    model.save(tmp_path / "model.keras")
    x = noise(1, 8, 8, 40)
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(ops.convert_to_numpy(loaded(x)), ops.convert_to_numpy(model(x)))


@pytest.mark.parametrize("size", [(12, 16), (13, 15)])
@pytest.mark.parametrize("dilation", [1, 2, 3, 4])
def test_a_stride_takes_every_second_place_of_the_dilated_convolution(size, dilation):
    x = noise(2, *size, 5)
    images = keras.Input((None, None, 5))
    layer = StridedDilatedDepthwiseConv2D(3, stride=2, dilation=dilation, use_bias=False)
    model = keras.Model(images, layer(images))
    dilated = keras.layers.DepthwiseConv2D(
        3, dilation_rate=dilation, padding="same", use_bias=False
    )
    dilated.build(x.shape)
    dilated.kernel.assign(layer.kernel)
    found = ops.convert_to_numpy(model(x))
    expected = ops.convert_to_numpy(dilated(x))[:, ::2, ::2]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert count_operations(model, size).macs == found[0].size * 9
