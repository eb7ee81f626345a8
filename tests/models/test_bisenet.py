import keras
import numpy as np
import pytest
from keras import ops

import roadseg
from roadseg.backbones.xception39 import xception39
from roadseg.errors import RoadsegError
from roadseg.layers.introspection import count_parameters
from roadseg.models.operation_counts import count_operations
from roadseg.ops.resize import resize_bilinear
from tests.models.every_network import gradients_of, segmentation_loss


def network(size=(None, None), **options) -> keras.Model:
    keras.utils.set_random_seed(2)
    return roadseg.create("bisenet", 19, input_shape=(*size, 3), **options)


def image(size: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (1, *size, 3)).astype("float32")


def values(model: keras.Model, size: tuple[int, int], *names: str) -> list[np.ndarray]:
    """Return what layers give for one image."""
    layers = {name: model.get_layer(name).output for name in names}
    found = keras.Model(model.input, layers)(image(size))
    return [ops.convert_to_numpy(found[name]) for name in names]


def test_heads_for_training_bring_the_count_to_that_of_the_published_training_build():
    assert count_parameters(network(auxiliary_heads=True)) == 13_342_969


def test_the_coarser_head_is_enlarged_to_twice_its_size_and_then_to_the_image():
    model = network(auxiliary_heads=True)
    head, twice, sixteenth = values(
        model, (64, 96), "heads.0.conv_1x1", "heads.0.up", "output.sixteenth"
    )
    assert head.shape == (1, 4, 6, 19)
    np.testing.assert_allclose(twice, resize_bilinear(head, (8, 12)), atol=1e-6)
    np.testing.assert_allclose(sixteenth, resize_bilinear(twice, (64, 96)), atol=1e-6)


def test_global_context_is_one_vector_added_everywhere_at_1_32():
    attended, context, total = values(
        network(), (67, 93), "arms.0.product", "global_context.1.bn.relu", "arms.0.sum"
    )
    assert attended.shape == (1, 3, 3, 128) and context.shape == (1, 1, 1, 128)
    np.testing.assert_allclose(total - attended, np.broadcast_to(context, total.shape), atol=1e-6)


def test_fusion_keeps_its_map_and_adds_a_share_of_each_channel():
    x, fused = values(network(), (64, 96), "ffm.conv_1x1.bn.relu", "ffm.sum")
    share = (fused - x)[x > 0] / x[x > 0]
    assert (0 < share).all() and (share < 1).all()
    (gate,) = values(network(), (64, 96), "ffm.channel_attention.2.sigmoid")
    np.testing.assert_allclose(fused, x * (1 + gate), rtol=1e-5, atol=1e-6)


def separable(channels: int, filters: int) -> int:
    """Count a depthwise 3x3, 1x1 and one normalisation."""
    return 9 * channels + channels * filters + 2 * filters


def test_xception39_has_blocks_4_8_4_of_which_the_first_are_projected():
    images = keras.Input((None, None, 3))
    model = keras.Model(images, xception39(images))
    expected, channels = 27 * 8 + 2 * 8, 8
    for blocks, inside in ((4, 16), (8, 32), (4, 64)):
        expected += separable(channels, 4 * inside)
        for _ in range(blocks):
            expected += separable(channels, inside) + separable(inside, inside)
            expected += separable(inside, 4 * inside)
            channels = 4 * inside
    assert count_parameters(model) == expected
    shapes = [x.shape for x in model(image((67, 93)))]
    assert shapes == [(1, 9, 12, 64), (1, 5, 6, 128), (1, 3, 3, 256)]


def test_the_fast_model_logits_every_pixel_and_trains_every_weight():
    model = network(backbone="xception39", auxiliary_heads=True)
    outputs = model(image((67, 93)))
    assert {key: x.shape for key, x in outputs.items()} == dict.fromkeys(
        ("logits", "sixteenth", "eighth"), (1, 67, 93, 19)
    )
    found = gradients_of(model, (64, 96), segmentation_loss)
    assert all(np.abs(gradient).max() > 0 for gradient in found)


def test_the_fast_model_costs_about_what_the_paper_is_recalled_to_say():
    # 2.9 G at 360x640, which is the paper's figure as recalled, not looked up again.
    fast = count_operations(network(backbone="xception39"), (360, 640)).macs / 1e9
    assert fast == pytest.approx(2.9, rel=0.06)


def test_another_backbone_is_refused():
    with pytest.raises(
        RoadsegError, match="bisenet: backbone='resnet50'; there are resnet18, xception39"
    ):
        network(backbone="resnet50")
