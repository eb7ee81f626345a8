"""Checkpoints of PyTorch originals: every name has its place, and what has none is named."""

import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.layers.introspection import weights
from roadseg.models.registry import MODELS, list_models
from roadseg.weights.match import ForeignWeights
from roadseg.weights.read import original_of, read_weights
from tests.support import deeper_copies_slow
from tests.weights.originals import assign, network, published, values

PYTORCH = [
    name for name in list_models("segmentation") if MODELS[name].original.layout == "pytorch"
]
WITH_HEADS = ["bisenet", "fast_scnn"]  # several heads, and one
NAME = "fast_scnn"


@pytest.fixture(scope="module")
def arrays():
    return published(network(NAME), NAME)


def image(name: str) -> np.ndarray:
    side = max(64, MODELS[name].size_multiple)
    return np.random.default_rng(0).uniform(0, 255, (1, side, side, 3)).astype(np.float32)


@pytest.mark.parametrize("name", deeper_copies_slow(PYTORCH))
def test_weights_by_the_originals_names_give_the_same_logits_again(name):
    model, original = network(name), original_of(name)
    first, other = published(model, name, seed=0), published(model, name, seed=1)
    logits = []
    for found in (first, other, first):
        assigned = assign(model, found, "source", original)
        assert len(assigned.taken) == len(found) == len(weights(model))
        logits.append(np.asarray(model(image(name), training=False)))
    assert np.abs(logits[0] - logits[1]).max() > 1e-3 * np.abs(logits[0]).max()
    np.testing.assert_array_equal(logits[2], logits[0])


@pytest.mark.parametrize("name", WITH_HEADS)
def test_auxiliary_heads_of_the_source_are_left_out_and_named(name):
    model = network(name)
    found = published(network(name, auxiliary_heads=True), name)
    assigned = assign(model, found, "source", original_of(name))
    assert len(assigned.taken) == len(weights(model)) and not assigned.kept
    assert assigned.left
    assert all(left.startswith(MODELS[name].auxiliary_heads) for left in assigned.left)
    assert "; left in the source: " in str(assigned)


@pytest.mark.parametrize("name", WITH_HEADS)
def test_auxiliary_heads_that_the_source_lacks_keep_their_values(name):
    model = network(name, auxiliary_heads=True)
    before = values(model)
    assigned = assign(model, published(network(name), name), "source", original_of(name))
    assert assigned.kept
    assert all(path.startswith(MODELS[name].auxiliary_heads) for path in assigned.kept)
    for path in assigned.kept:
        np.testing.assert_array_equal(values(model)[path], before[path])


def test_half_an_auxiliary_head_is_refused(arrays):
    found = published(network(NAME, auxiliary_heads=True), NAME)
    found.pop("auxlayer.4.bias")
    with pytest.raises(ForeignWeights, match=r"it lacks auxlayer\.4\.bias \(1 of"):
        assign(network(NAME, auxiliary_heads=True), found, "source", original_of(NAME))


def test_parameters_that_nothing_depends_on_are_left_out_and_named():
    model, unused = network("dfseg_v1"), MODELS["dfseg_v1"].original.unused_in_original
    found = published(model, "dfseg_v1") | {left: np.zeros(3) for left in unused}
    assigned = assign(model, found, "source", original_of("dfseg_v1"))
    assert set(assigned.left) == set(unused)
    assert "left in the source: backbone.fc" in str(assigned)


@pytest.mark.parametrize(
    ("name", "never_run"),
    [
        ("sfnet_lite_resnet18", ["head.dsn.0.weight", "head.fpn_in.2.0.weight"]),
        (
            "sfnet_lite_stdc1",
            ["head.dsn.4.bias", "backbone.linear.weight", "backbone.x2.0.0.bn.bias"],
        ),
        ("sfnet_stdc1", ["backbone.fc.weight", "backbone.conv_last.bn.running_var"]),
    ],
)
def test_what_sfsegnets_build_and_never_run_is_left_out_and_nothing_else(name, never_run):
    model = network(name)
    found = published(model, name) | {left: np.zeros(3) for left in never_run}
    assigned = assign(model, found, "source", original_of(name))
    assert set(assigned.left) == set(never_run) and not assigned.kept
    with pytest.raises(ForeignWeights) as refused:
        assign(model, found | {"head.fpn_in.9.weight": np.zeros(3)}, "source", original_of(name))
    assert refused.value.left_over == ("head.fpn_in.9.weight",)


def test_the_prefix_of_dataparallel_and_batch_counters_are_no_names(arrays, tmp_path):
    model = network(NAME)
    found = {f"module.{name}": array for name, array in arrays.items()}
    found |= {"module.classifier.dsconv1.conv.1.num_batches_tracked": np.int64(7)}
    np.savez(tmp_path / "published.npz", **found)
    assigned = read_weights(model, str(tmp_path / "published.npz"), original_of(NAME))
    assert len(assigned.taken) == len(weights(model))
    kernel = values(model)["classifier.conv.1/kernel"]
    np.testing.assert_array_equal(kernel[0, 0].T, arrays["classifier.conv.1.weight"][..., 0, 0])


def test_one_line_names_what_is_missing_and_left_over_and_the_listing_all_of_it(arrays):
    found = {name: array for name, array in arrays.items() if ".bottleneck3." not in name}
    found |= {"decoder.0.weight": np.zeros(3), "decoder.0.bias": np.zeros(3)}
    model = network(NAME)
    before = values(model)
    with pytest.raises(ForeignWeights) as refused:
        assign(model, found, "published.pth", original_of(NAME))
    message, listing = str(refused.value), refused.value.listing.splitlines()
    assert "\n" not in message and message.startswith("published.pth: ")
    assert "lacks global_feature_extractor.bottleneck3.0.block.0.conv.0.weight and 44" in message
    assert "also holds decoder.0.bias and 1 more of decoder.0" in message
    first = "0.block.0.conv.0.weight, 0.block.0.conv.1.weight"
    assert listing[0] == "missing (45):"
    assert listing[1].startswith(f"  global_feature_extractor.bottleneck3 (45): {first}")
    assert listing[1].endswith(" and 41 more")
    assert listing[2:] == ["left over (2):", "  decoder.0 (2): bias, weight"]
    for path, array in values(model).items():
        np.testing.assert_array_equal(array, before[path])


def test_another_class_count_is_refused_with_both_shapes_in_the_originals_order(arrays):
    with pytest.raises(RoadsegError) as refused:
        assign(network(NAME, 19), arrays, "published.pth", original_of(NAME))
    shapes = "has shape (6, 128, 1, 1), here it is (19, 128, 1, 1)"
    assert f"published.pth: classifier.conv.1.weight {shapes}" in str(refused.value)
    assert "6 classes" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("learning_to_downsample.dsconv1.conv.0.weight", (1, 32, 3, 3)),
        ("classifier.conv.1.bias", (2, 3)),
        ("classifier.conv.1.weight", (6, 128)),
    ],
)
def test_as_many_values_in_another_shape_are_refused(arrays, name, shape):
    found = arrays | {name: np.zeros(shape, np.float32)}
    with pytest.raises(RoadsegError, match="has shape"):
        assign(network(NAME), found, "published.pth", original_of(NAME))


def test_keras_imagenet_weights_are_refused_by_networks_on_other_backbones():
    with pytest.raises(RoadsegError, match="MobileNetV2's, which is not the backbone of fast_scnn"):
        read_weights(network(NAME), "imagenet", original_of(NAME))
