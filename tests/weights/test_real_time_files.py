"""Checkpoints of PIDNet, DDRNet, ESPNetv2 and DABNet as their authors wrap and name them."""

import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.layers.introspection import weights
from roadseg.models.registry import MODELS
from roadseg.weights.read import original_of, read_weights
from tests.support import shared_folder
from tests.weights.originals import network, published, values

PUBLISHED = [
    ("espnetv2", 20, {"s": 0.5}, "espnetv2_s0.5_cityscapes.npz"),
    ("espnetv2", 20, {"s": 1.0}, "espnetv2_s1.0_cityscapes.npz"),
    ("espnetv2", 20, {"s": 2.0}, "espnetv2_s2.0_cityscapes.npz"),
    ("dabnet", 19, {}, "dabnet_cityscapes_paddle.npz"),
]


@pytest.mark.parametrize(("name", "classes", "options", "file"), PUBLISHED)
def test_published_files_fill_every_weight(name, classes, options, file):
    source = shared_folder("weights", file)
    model = network(name, classes, **options)
    assigned = read_weights(model, str(source), original_of(name))
    assert len(assigned.taken) == len(weights(model)) and not assigned.kept
    left = {f"{start}weight" for start in MODELS[name].original.unused_in_original}
    assert set(assigned.left) == left


def test_a_wrapped_pidnet_with_its_class_weights_and_heads_is_read(tmp_path):
    found = published(network("pidnet_s", auxiliary_heads=True), "pidnet_s")
    wrapped = {f"model.{name}": array for name, array in found.items()}
    wrapped["sem_loss.criterion.weight"] = np.ones(19)
    wrapped["model.conv1.1.num_batches_tracked"] = np.int64(3)
    for prefix in ("", "module."):
        file = tmp_path / f"pidnet{len(prefix)}.npz"
        np.savez(file, **{prefix + name: array for name, array in wrapped.items()})
        model = network("pidnet_s")
        assigned = read_weights(model, str(file), original_of("pidnet_s"))
        assert len(assigned.taken) == len(weights(model))
        assert all(left.startswith(("seghead_p.", "seghead_d.")) for left in assigned.left)
        bias = values(model)["final_layer.conv2/bias"]
        np.testing.assert_array_equal(bias, found["final_layer.conv2.bias"])


def test_weights_of_another_scale_are_refused_with_both_shapes(tmp_path):
    found = published(network("espnetv2", s=0.5), "espnetv2")
    np.savez(tmp_path / "espnetv2.npz", **found)
    with pytest.raises(RoadsegError, match=r"shape \(16, 3, 3, 3\), here it is \(32, 3, 3, 3\)"):
        read_weights(network("espnetv2"), str(tmp_path / "espnetv2.npz"), original_of("espnetv2"))


def test_paddles_leaves_are_pytorchs(tmp_path):
    found = published(network("dabnet"), "dabnet")
    leaves = {".running_mean": "._mean", ".running_var": "._variance"}
    paddle = {}
    for name, array in found.items():
        for ours, theirs in leaves.items():
            name = name.replace(ours, theirs)
        paddle[name.replace("acti.weight", "acti._weight")] = array
    np.savez(tmp_path / "paddle.npz", **paddle)
    model = network("dabnet")
    read_weights(model, str(tmp_path / "paddle.npz"), original_of("dabnet"))
    slopes = values(model)["bn_prelu_1.acti/alpha"]
    np.testing.assert_array_equal(slopes.ravel(), found["bn_prelu_1.acti.weight"])
