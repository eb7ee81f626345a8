"""Backbones trained on ImageNet start a network: under names of their own, without head."""

import keras
import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.models.registry import MODELS
from roadseg.weights.match import ForeignWeights
from roadseg.weights.read import original_of, read_weights
from tests.weights.originals import Arrays, assign, network, published, values

# What comes before a backbone's own names in each network.
SCOPES = {
    "bisenet": "backbone.",
    "dfanet": "backbone.",
    "dfseg_v1": "backbone.",
    "dfseg_v2": "backbone.",
    "icnet": "backbone.",
    "msfnet": "backbone.",
    "pspnet_50": "",
    "sfnet_dfnet_v1": "backbone.",
    "sfnet_resnet18": "",
    "sfnet_stdc1": "backbone.",
    "swiftnet": "",
}


def backbone(name: str, model: keras.Model) -> Arrays:
    """Return the backbone of `model`, drawn, by its own names, with the classifier of ImageNet."""
    entry, scope = MODELS[name], SCOPES[name]
    found = {
        full.removeprefix(scope): array
        for full, array in published(model, name).items()
        if full.startswith(entry.original.backbone)
    }
    return found | {"fc.weight": np.zeros((1000, 512)), "fc.bias": np.zeros(1000)}


@pytest.mark.parametrize("name", SCOPES)
def test_a_backbone_fills_the_backbone_alone_and_the_head_keeps_its_values(name):
    model = network(name, auxiliary_heads=True)
    before, prefixes = values(model), MODELS[name].original.backbone
    source = backbone(name, model)
    assigned = assign(model, source, "backbone.pth", original_of(name))
    assert assigned.taken and all(path.startswith(prefixes) for path in assigned.taken)
    assert assigned.kept and not any(path.startswith(prefixes) for path in assigned.kept)
    assert len(assigned.taken) == len(source) - 2
    assert set(assigned.left) == {"fc.weight", "fc.bias"}
    for path, array in values(model).items():
        assert np.array_equal(array, before[path]) == (path in assigned.kept), path
    heads = {path.split("/")[0].split(".")[0] for path in assigned.kept}
    assert any(head in str(assigned) for head in heads)


def torchvision_resnet18() -> Arrays:
    """Return zeros by the names and shapes of torchvision's ResNet-18."""
    found = {"conv1.weight": (64, 3, 7, 7)} | norm("bn1", 64)
    for stage, width in enumerate((64, 128, 256, 512), start=1):
        for block in range(2):
            name, narrow = f"layer{stage}.{block}", width // 2 if stage > 1 else width
            given = narrow if block == 0 else width
            found |= {f"{name}.conv1.weight": (width, given, 3, 3)} | norm(f"{name}.bn1", width)
            found |= {f"{name}.conv2.weight": (width, width, 3, 3)} | norm(f"{name}.bn2", width)
            if given != width:
                found |= {f"{name}.downsample.0.weight": (width, given, 1, 1)}
                found |= norm(f"{name}.downsample.1", width)
    found |= {"fc.weight": (1000, 512), "fc.bias": (1000,)}
    return {name: np.zeros(shape, np.float32) for name, shape in found.items()}


def norm(name: str, width: int) -> dict[str, tuple[int, ...]]:
    four = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{end}": (width,) for end in four} | {f"{name}.num_batches_tracked": ()}


@pytest.mark.parametrize("name", ["swiftnet", "msfnet"])
def test_torchvisions_resnet18_starts_networks_on_a_plain_one(name, tmp_path):
    np.savez(tmp_path / "resnet18.npz", **torchvision_resnet18())
    assigned = read_weights(
        network(name), str(tmp_path / "resnet18.npz"), original_of(name), head=False
    )
    assert len(assigned.taken) == 100  # 20 convolutions, each with its four of normalisation
    assert all(path.startswith(MODELS[name].original.backbone) for path in assigned.taken)


def as_published(name: str) -> str:
    """Return the name in files of ImageNet weights of a ResNet's weight in SFSegNets."""
    for own, published_name in (("layer0.0.", "conv1."), ("layer0.1.", "bn1.")):
        if name.startswith(own):
            return published_name + name.removeprefix(own)
    return name


def test_the_stem_of_an_imagenet_resnet_has_another_name_than_in_sfsegnets():
    model, name = network("sfnet_resnet18"), "sfnet_resnet18"
    source = {as_published(full): array for full, array in backbone(name, model).items()}
    assert {"conv1.0.weight", "conv1.4.running_mean", "conv1.6.weight", "bn1.weight"} <= set(source)
    assigned = assign(model, source, "resnet18-deep-inplane128.pth", original_of(name))
    assert len(assigned.taken) == len(source) - 2
    kernel = values(model)["layer0.0.3/kernel"]
    np.testing.assert_array_equal(kernel.transpose(3, 2, 0, 1), source["conv1.3.weight"])


def test_a_stem_under_both_names_is_refused():
    model = network("sfnet_resnet18")
    source = backbone("sfnet_resnet18", model)
    source["bn1.weight"] = source["layer0.1.weight"]
    with pytest.raises(ForeignWeights) as refused:
        assign(model, source, "resnet18.pth", original_of("sfnet_resnet18"))
    assert "bn1.weight" in refused.value.left_over


def test_stdcs_classifier_and_second_listing_of_its_features_are_left_out():
    model, name = network("sfnet_stdc1"), "sfnet_stdc1"
    features = backbone(name, model)
    never_run = {"linear.weight": np.zeros((1000, 1024)), "conv_last.conv.weight": np.zeros(3)}
    never_run |= {f"bn.{end}": np.zeros(1024) for end in ("weight", "running_mean")}
    listed_again = {
        f"x{2 ** (int(full.split('.')[1]) // 2 + 1)}.0.{full.removeprefix('features.')}": array
        for full, array in features.items()
        if full.startswith(("features.0.", "features.4."))
    }
    source = features | never_run | listed_again
    assigned = assign(model, source, "STDCNet813.tar", original_of(name))
    assert len(assigned.taken) == len(features) - 2
    left_out = {"fc.weight", "fc.bias", *never_run, *listed_again}
    assert set(assigned.left) == left_out


def test_a_backbone_that_lacks_a_layer_is_refused():
    model = network("dfseg_v1")
    source = backbone("dfseg_v1", model)
    source.pop("stage3.0.conv1.weight")
    with pytest.raises(ForeignWeights) as refused:
        assign(model, source, "df1.pth", original_of("dfseg_v1"))
    assert "backbone.stage3.0.conv1.weight" in refused.value.missing


def test_the_backbone_of_another_network_is_refused():
    with pytest.raises(RoadsegError, match="df2.pth: the weights of another network than dfseg_v1"):
        assign(
            network("dfseg_v1"),
            backbone("dfseg_v2", network("dfseg_v2")),
            "df2.pth",
            original_of("dfseg_v1"),
        )


def test_a_classifier_alone_is_refused():
    source = {"fc.weight": np.zeros((1000, 512)), "fc.bias": np.zeros(1000)}
    with pytest.raises(RoadsegError, match="it lacks"):
        assign(network("swiftnet"), source, "fc.pth", original_of("swiftnet"))


def test_espnets_encoder_starts_the_whole_network_as_its_authors_train_it():
    encoder = network("espnet_c", p=2, q=3)
    source = published(encoder, "espnet_c")
    model = network("espnet", p=2, q=3)
    assigned = assign(model, source, "encoder.pth", original_of("espnet"))
    assert len(assigned.taken) == len(source)
    assert all(path.startswith("encoder.") for path in assigned.taken)
    kernel = values(model)["encoder.classifier.conv/kernel"]
    np.testing.assert_array_equal(kernel[0, 0].T, source["classifier.conv.weight"][..., 0, 0])
