"""What options of SFNet, SFNet-Lite and their baseline change, and what they leave."""

import keras
import numpy as np
import pytest

import roadseg
from roadseg.errors import RoadsegError
from roadseg.layers.heads import own_scale
from roadseg.layers.introspection import count_parameters

SIZE = (64, 96)


def network(name: str, **options) -> keras.Model:
    keras.utils.set_random_seed(2)
    return roadseg.create(name, 7, **options)


def image(batch: int = 1) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (batch, *SIZE, 3)).astype("float32")


def logits(model: keras.Model) -> np.ndarray:
    return np.asarray(model(image(), training=False))


def test_without_its_flow_sfnet_is_the_fpn():
    fpn, sfnet = network("fpn_stdc1"), network("sfnet_stdc1")
    ours = {variable.path: variable for variable in sfnet.weights}
    for variable in fpn.weights:
        ours.pop(variable.path).assign(variable)
    assert all(path.startswith("head.fpn_out_align.") for path in ours)
    moved = logits(sfnet)
    for path, variable in ours.items():
        if "flow_make" in path:
            variable.assign(np.zeros(variable.shape))
    still, plain = logits(sfnet), logits(fpn)
    largest = np.abs(plain).max()
    assert np.abs(still - plain).max() < 1e-5 * largest < np.abs(moved - plain).max()


@pytest.mark.parametrize("name", ["sfnet_dfnet_v1", "sfnet_lite_stdc1"])
def test_unaligned_corners_change_the_logits_and_no_weight(name):
    aligned, unaligned = network(name), network(name, align_corners=False)
    unaligned.set_weights(aligned.get_weights())
    difference = np.abs(logits(aligned) - logits(unaligned)).max()
    assert difference > 1e-2 * np.abs(logits(aligned)).max()


@pytest.mark.parametrize(
    ("name", "levels"), [("sfnet_resnet18", (16, 8, 4)), ("sfnet_dfnet_v1", (32, 16))]
)
def test_side_heads_are_listed_from_coarse_to_fine(name, levels):
    model = network(name, auxiliary_heads=True)
    assert list(model.output) == ["logits", *(f"aux{number}" for number in range(len(levels)))]
    found = own_scale(model)(image())
    for number, stride in enumerate(levels):
        assert found[f"aux{number}"].shape[1:3] == (SIZE[0] // stride, SIZE[1] // stride)
    assert found["logits"].shape[1:3] == SIZE


def test_the_skips_of_dfnets_authors_decide_at_an_eighth_with_narrower_maps():
    published, authors = network("sfnet_dfnet_v1"), network("sfnet_dfnet_v1", skips="authors")
    for model, stride in ((published, 16), (authors, 8)):
        last = keras.Model(model.input, model.get_layer("head.conv_last.1").output)(image())
        assert last.shape[1:3] == (SIZE[0] // stride, SIZE[1] // stride)
    # 256 -> 128 and 128 -> 64 channels enter the 1x1 convolutions to 64.
    assert count_parameters(published) - count_parameters(authors) == 64 * (128 + 64)


def test_the_gate_is_an_option_of_sfnet_lite_alone():
    pooled, convolution = (network("sfnet_lite_stdc1", gate=g) for g in ("pooled", "convolution"))
    assert count_parameters(convolution) - count_parameters(pooled) == 9 * (128 - 4)
    with pytest.raises(
        RoadsegError, match="sfnet_lite_stdc1: gate='soft'; there are pooled, convolution"
    ):
        network("sfnet_lite_stdc1", gate="soft")
    with pytest.raises(RoadsegError, match="sfnet_stdc1 has no option 'gate'"):
        network("sfnet_stdc1", gate="pooled")


def test_sfnet_lite_has_no_side_heads():
    with pytest.raises(RoadsegError, match="sfnet_lite_resnet18 has no auxiliary heads"):
        network("sfnet_lite_resnet18", auxiliary_heads=True)
    assert isinstance(network("sfnet_lite_resnet18", auxiliary_heads=False), keras.Model)


def test_words_that_no_option_has_are_refused():
    with pytest.raises(RoadsegError, match="skips='paper'; there are code, authors"):
        network("sfnet_dfnet_v1", skips="paper")
    with pytest.raises(RoadsegError, match="align_corners='half_pixel'"):
        network("sfnet_stdc1", align_corners="half_pixel")
    with pytest.raises(RoadsegError, match="sfnet_resnet18 has no option 'backbone'"):
        network("sfnet_resnet18", backbone="resnet50")
