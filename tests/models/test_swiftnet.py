import keras
import numpy as np
import pytest
from keras import ops

import roadseg
from tests.models.every_network import images


@pytest.fixture(scope="module")
def as_the_code():
    return roadseg.create("swiftnet", 19)


@pytest.fixture(scope="module")
def as_the_paper():
    options = {"pre_activation_skips": True, "align_corners": "half_pixel"}
    return roadseg.create("swiftnet", 19, features=128, **options)


def source(tensor: keras.KerasTensor) -> str:
    return tensor._keras_history.operation.name


def layers(model: keras.Model, kind: type) -> list[keras.layers.Layer]:
    return [layer for layer in model.layers if isinstance(layer, kind)]


def test_the_code_s_logits_are_as_wide_as_the_ladder_and_have_no_class_layer(as_the_code):
    names = [layer.name for layer in as_the_code.layers]
    assert "logits.conv" not in names
    assert source(as_the_code.get_layer("output.logits").input[0]) == "upsample.2.blend_conv.conv"
    widths = [as_the_code.get_layer(f"spp.spp.spp{number}.conv").filters for number in range(3)]
    assert widths == [6, 6, 6]


def test_the_authors_class_layer_normalises_first_and_has_a_bias(as_the_paper):
    assert as_the_paper.get_layer("logits.conv").use_bias
    assert source(as_the_paper.get_layer("logits.norm").input) == "upsample.2.blend_conv.conv"


def test_skips_are_taken_after_the_relu_unless_asked_otherwise(as_the_code, as_the_paper):
    users = [f"upsample.{number}.bottleneck.norm" for number in range(3)] + ["spp.spp.spp_bn.norm"]
    for model, end in ((as_the_code, "relu"), (as_the_paper, "sum")):
        found = [source(model.get_layer(user).input) for user in users]
        assert found == [f"layer{stage}.1.{end}" for stage in (3, 2, 1, 4)]


def test_pre_activation_skips_hand_on_negative_values(as_the_paper):
    skip = as_the_paper.get_layer("upsample.2.bottleneck.norm").input
    values = keras.Model(as_the_paper.input, skip)(images((64, 64)), training=False)
    assert ops.convert_to_numpy(values).min() < 0


def test_every_resize_follows_the_convention_asked_for(as_the_code, as_the_paper):
    from roadseg.layers.resize import ResizeLike

    for model, convention in ((as_the_code, True), (as_the_paper, "half_pixel")):
        resizes = layers(model, ResizeLike)
        assert len(resizes) == 3 + 3 + 1
        assert all(layer.align_corners == convention for layer in resizes)


def test_running_statistics_follow_slowly_inside_the_pyramid_alone(as_the_code):
    norms = layers(as_the_code, keras.layers.BatchNormalization)
    assert all(layer.epsilon == 1e-5 for layer in norms)
    slow = {layer.name for layer in norms if layer.momentum == 0.995}
    inside = {layer.name for layer in norms if layer.name.startswith("spp.")}
    assert slow == inside and len(inside) == 5
    assert {layer.momentum for layer in norms if layer.name not in inside} == {0.9}


def test_initial_kernels_spread_by_their_fan_out(as_the_paper):
    for name in ("layer3.1.conv2", "upsample.1.blend_conv.conv"):
        kernel = ops.convert_to_numpy(as_the_paper.get_layer(name).kernel)
        deviation = np.sqrt(2 / (9 * kernel.shape[3]))
        np.testing.assert_allclose(kernel.std(), deviation, rtol=0.02)


def test_the_grid_of_the_pyramid_follows_the_aspect_of_the_map():
    wide = roadseg.create("swiftnet", 4, input_shape=(128, 320, 3))
    shapes = [wide.get_layer(f"spp.spp.pool{number}").output.shape[1:3] for number in range(3)]
    assert shapes == [(8, 20), (4, 10), (2, 5)]
