import keras
import numpy as np
import pytest
from keras import ops

from roadseg.backbones.mobilenet_v2 import (
    BLOCKS,
    Reached,
    effective_stride,
    make_divisible,
    mobilenet_v2,
    scaled_channels,
)
from roadseg.models.nus_sampler import nus_sampler
from tests.models.every_network import images

# nus.md, section 6: stride/rate of blocks _1 .. _16 at output strides 16 and 8.
TABLE = {
    16: [(2, 1), (1, 1), (2, 1), (1, 1), (1, 1), (2, 1)] + [(1, 1)] * 7 + [(1, 2)] * 3,
    8: [(2, 1), (1, 1), (2, 1), (1, 1), (1, 1), (1, 1)] + [(1, 2)] * 7 + [(1, 4)] * 3,
}


@pytest.mark.parametrize("output_stride", [8, 16])
def test_strides_and_dilations_are_those_of_the_table(output_stride):
    reached, found = Reached(stride=2), []
    for _, nominal in BLOCKS:
        stride, dilation, reached = effective_stride(nominal, reached, output_stride)
        found.append((stride, dilation))
    assert found[1:] == TABLE[output_stride]


def test_channels_follow_the_multiplier():
    assert [scaled_channels(c, 0.25) for c in (32, 16, 24, 320)] == [8, 4, 6, 80]
    assert [scaled_channels(c, 1.0) for c in (32, 16, 24, 320)] == [32, 16, 24, 320]
    assert make_divisible(36, 8, 8) == 40  # 6 channels, expanded
    assert make_divisible(19, 8, 8) == 24  # 16 would be more than 10 % below


@pytest.mark.parametrize("output_stride", [4, 8, 16, 32])
@pytest.mark.parametrize("multiplier", [0.35, 1.0])
def test_features_have_the_output_stride(output_stride, multiplier):
    image = keras.Input((67, 93, 3))
    features = mobilenet_v2(image, output_stride, multiplier)
    sides = [-(-side // output_stride) for side in (67, 93)]
    assert features.shape == (None, *sides, scaled_channels(320, multiplier))


def test_output_strides_share_their_weights_and_names():
    paths = []
    for output_stride in (8, 16):
        image = keras.Input((None, None, 3))
        model = keras.Model(image, mobilenet_v2(image, output_stride))
        paths.append([(v.path, tuple(v.shape)) for v in model.weights])
    assert paths[0] == paths[1]


def test_initial_kernels_have_the_published_spread_and_differ_between_layers():
    image = keras.Input((None, None, 3))
    model = keras.Model(image, mobilenet_v2(image))
    kernels = [
        ops.convert_to_numpy(v)
        for name in ("backbone.expanded_conv_14.expand", "backbone.expanded_conv_15.expand")
        for v in model.get_layer(name).weights
    ]
    for kernel in kernels:
        # Cutting a normal at two deviations leaves 0.88 of its own.
        np.testing.assert_allclose(kernel.std(), 0.09 * 0.8796, rtol=0.01)
        assert np.abs(kernel).max() <= 0.18
    assert (kernels[0] != kernels[1]).any()


def test_an_untrained_auxiliary_network_starts_near_the_uniform_grid():
    model = nus_sampler(input_size=(64, 96))
    mean = ops.convert_to_numpy(model.get_layer("mean_locations").weights[0])
    assert mean.shape == (1, 8, 12, 2)
    np.testing.assert_allclose(mean[0, :, 0, 0], np.linspace(0, 1, 8), atol=1e-7)
    np.testing.assert_allclose(mean[0, 3, :, 1], np.linspace(0, 1, 12), atol=1e-7)
    grid = ops.convert_to_numpy(model(images((64, 96)), training=False))
    shifts = keras.Model(model.input, model.get_layer("shifts").output)(images((64, 96)))
    np.testing.assert_allclose(grid, mean + ops.convert_to_numpy(shifts), atol=1e-6)


def test_a_saved_auxiliary_network_gives_the_same_grid(tmp_path):
    model = nus_sampler()
    model.save(tmp_path / "auxiliary.keras")
    loaded = keras.saving.load_model(tmp_path / "auxiliary.keras")
    np.testing.assert_array_equal(
        ops.convert_to_numpy(model(images((64, 64)))),
        ops.convert_to_numpy(loaded(images((64, 64)))),
    )
