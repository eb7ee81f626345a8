import keras
import numpy as np
import pytest
from keras import ops

from roadseg.backbones.resnet import DEEP_STEM, PLAIN_STEM, SEQUENTIAL_STEM, resnet, resnet_stage
from roadseg.layers.conv_bn import BatchNorm
from roadseg.layers.convolution import normal_fan_out
from roadseg.layers.introspection import count_parameters


def backbone(depth: int, size: tuple[int | None, int | None] = (64, 96), **options) -> keras.Model:
    """Return the network from images to the four stages."""
    images = keras.Input((*size, 3))
    return keras.Model(images, [stage.features for stage in resnet(images, depth, **options)])


def sizes_of(model: keras.Model) -> list[tuple[int, int]]:
    return [tuple(stage.shape[1:3]) for stage in model.outputs]


@pytest.mark.parametrize(
    ("depth", "stem", "parameters"),
    [
        (18, PLAIN_STEM, 11_176_512),
        (18, DEEP_STEM, 11_324_992),
        (18, SEQUENTIAL_STEM, 11_324_992),
        (50, DEEP_STEM, 23_631_808),
        (101, DEEP_STEM, 42_623_936),
    ],
)
def test_parameter_counts_are_the_published_ones(depth, stem, parameters):
    assert count_parameters(backbone(depth, stem=stem)) == parameters


@pytest.mark.parametrize("depth", [18, 50])
def test_the_stages_stand_at_a_quarter_to_a_32nd_rounded_up(depth):
    assert sizes_of(backbone(depth)) == [(16, 24), (8, 12), (4, 6), (2, 3)]
    assert sizes_of(backbone(depth, (67, 93))) == [(17, 24), (9, 12), (5, 6), (3, 3)]


def test_sizes_unknown_when_built_come_out_the_same():
    known, unknown = backbone(18, (67, 93), width=2), backbone(18, (None, None), width=2)
    unknown.set_weights(known.get_weights())
    image = np.random.default_rng(0).normal(size=(1, 67, 93, 3)).astype("float32")
    for one, other in zip(known(image), unknown(image), strict=True):
        np.testing.assert_array_equal(one, other)


def test_ceil_mode_and_dilations_in_place_of_strides_give_pspnets_maps():
    options = {"strides": (1, 2, 1, 1), "dilations": (1, 1, 2, 4), "ceil_mode": True}
    model = backbone(50, (1024, 2048), stem=DEEP_STEM, **options)
    assert sizes_of(model) == [(257, 513), (129, 257), (129, 257), (129, 257)]
    rates = {
        name: model.get_layer(f"{name}.conv2").dilation_rate for name in ("layer1.0", "layer2.3")
    }
    assert rates == {"layer1.0": (1, 1), "layer2.3": (1, 1)}
    assert all(model.get_layer(f"layer3.{i}.conv2").dilation_rate == (2, 2) for i in range(6))
    assert all(model.get_layer(f"layer4.{i}.conv2").dilation_rate == (4, 4) for i in range(3))


def test_a_basic_block_dilates_its_second_convolution_alone():
    model = backbone(18, dilations=(1, 1, 2, 4), width=2)
    rates = [model.get_layer(f"layer4.{i}.conv{j}").dilation_rate for i in (0, 1) for j in (1, 2)]
    assert rates == [(1, 1), (4, 4), (1, 1), (4, 4)]


@pytest.mark.parametrize("size", [(12, 16), (11, 13)])
@pytest.mark.parametrize("dilation", [2, 4])
def test_stride_and_dilation_together_pick_every_second_dilated_value(size, dilation):
    x = keras.Input((*size, 4))
    last = resnet_stage(x, 50, 1, width=4, stride=2, dilation=dilation).features
    model = keras.Model(x, last)
    inner = [model.get_layer(f"layer1.0.{name}").output for name in ("bn1.relu", "conv2")]
    image = np.random.default_rng(0).normal(size=(1, *size, 4)).astype("float32")
    before, after = keras.Model(x, inner)(image)
    kernel = model.get_layer("layer1.0.conv2").kernel
    dense = ops.conv(before, kernel, padding="same", dilation_rate=dilation)
    assert model.output_shape[1:3] == (-(-size[0] // 2), -(-size[1] // 2))
    np.testing.assert_allclose(after, dense[:, ::2, ::2], atol=1e-6)


def test_what_comes_before_the_last_relu_is_given_too():
    x = keras.Input((9, 12, 4))
    model = keras.Model(x, tuple(resnet_stage(x, 18, 2, width=4, stride=2)))
    features, before_relu = model(np.random.default_rng(0).normal(size=(1, 9, 12, 4)))
    assert float(ops.min(before_relu)) < 0
    np.testing.assert_array_equal(features, np.maximum(before_relu, 0))


@pytest.mark.parametrize(
    ("stem", "names"),
    [
        (PLAIN_STEM, ["conv1"]),
        (DEEP_STEM, ["conv1", "conv2", "conv3"]),
        (SEQUENTIAL_STEM, ["conv1.0", "conv1.3", "conv1.6"]),
    ],
)
def test_layers_bear_the_originals_names_behind_the_prefix(stem, names):
    model = backbone(18, prefix="backbone.", stem=stem)
    found = [layer.name for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert all(name.startswith("backbone.") for name in found)
    blocks = [f"layer{s}.{b}.conv{c}" for s in (1, 2, 3, 4) for b in (0, 1) for c in (1, 2)]
    # A plain stem of 64 channels fits the first stage; a deep one of 128 is projected.
    projected = (2, 3, 4) if stem == PLAIN_STEM else (1, 2, 3, 4)
    expected = names + blocks + [f"layer{s}.0.downsample.0" for s in projected]
    assert sorted(found) == sorted(f"backbone.{name}" for name in expected)


def test_norm_and_initial_values_reach_every_layer_and_no_two_start_alike():
    model = backbone(18, norm=BatchNorm(0.5, 1e-2), initializer=normal_fan_out())
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert {(layer.momentum, layer.epsilon) for layer in norms} == {(0.5, 1e-2)}
    first, second = (model.get_layer(f"layer4.1.conv{i}").kernel for i in (1, 2))
    assert float(ops.std(first)) == pytest.approx((2 / (9 * 512)) ** 0.5, rel=1e-2)
    assert float(ops.max(ops.abs(first - second))) > 0


def test_other_depths_and_dilations_between_rows_are_refused():
    with pytest.raises(ValueError, match="depth=34; there are ResNets of 18, 50, 101"):
        backbone(34)
    with pytest.raises(ValueError, match="layer3.0: dilation 3 is no multiple of the stride 2"):
        backbone(50, dilations=(1, 1, 3, 1))
