import keras
import numpy as np
import pytest
from keras import ops

import roadseg
from roadseg.backbones.mobilenet_v3_modified import ALIASES, BACKBONE, CLASSIFIER
from roadseg.layers.heads import own_scale
from roadseg.ops.resize import resize_bilinear
from roadseg.sampling import SampledSegmenter
from roadseg.weights.match import ForeignWeights
from roadseg.weights.read import original_of
from tests.weights.originals import assign, network, published, values

CLASSES = 5


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return network("sgcpnet", CLASSES)


def images(size: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (1, *size, 3)).astype("float32")


@pytest.mark.parametrize("size", [(64, 128), (67, 93), (1, 130), (9, 8)])
def test_the_map_at_an_eighth_is_enlarged_to_any_size_of_image_at_half_pixel_centres(model, size):
    small = own_scale(model)(images(size), training=False)
    assert small.shape == (1, -(-size[0] // 8), -(-size[1] // 8), CLASSES)
    expected = resize_bilinear(small, size, "half_pixel")
    found = model(images(size), training=False)
    np.testing.assert_allclose(
        ops.convert_to_numpy(found), ops.convert_to_numpy(expected), rtol=1e-4, atol=1e-5
    )


def test_every_scale_down_to_a_128th_takes_part(model):
    layers = ["sgcp.td_bu.unit.0.conv7_down.bn", "sgcp.td_bu.unit.0.conv3_up.bn"]
    inner = keras.Model(model.input, [model.get_layer(name).output for name in layers])
    coarsest, finest = inner(images((256, 384)), training=False)
    assert coarsest.shape == (1, 2, 3, 64) and finest.shape == (1, 32, 48, 64)


def backbone(model: keras.Model) -> dict[str, np.ndarray]:
    """Return drawn weights of the backbone by our names of it, and those of its classifier."""
    found = published(model, "sgcpnet")
    head = {f"{name}weight": np.zeros((7, 7), np.float32) for name in CLASSIFIER}
    return {name: found[name] for name in found if name.startswith(BACKBONE)} | head


def as_trained(name: str) -> str:
    """Return the name that the backbone's own repository gives a weight."""
    for theirs, ours in ALIASES:
        if name.startswith(ours):
            return theirs + name.removeprefix(ours)
    return name


@pytest.mark.parametrize("renamed", [str, as_trained], ids=["published", "as trained"])
def test_imagenet_weights_fill_the_backbone_alone_under_both_namings(model, renamed):
    before, source = values(model), backbone(model)
    renamed_source = {renamed(name): array for name, array in source.items()}
    assigned = assign(model, renamed_source, "mbv3_small.pth.tar", original_of("sgcpnet"))
    assert len(assigned.taken) == len(source) - len(CLASSIFIER)
    assert all(path.startswith(BACKBONE) for path in assigned.taken)
    after = values(model)
    assert all(np.array_equal(after[path], before[path]) for path in assigned.kept)
    kernel = source["l5.2.conv2.weight"]
    np.testing.assert_array_equal(
        after["l5.2.conv2/kernel"][..., 0], kernel[:, 0].transpose(1, 2, 0)
    )


def test_a_backbone_that_lacks_a_layer_is_refused(model):
    source = backbone(model)
    del source["l2.conv1.weight"]
    with pytest.raises(ForeignWeights) as refused:
        assign(model, source, "mbv3_small.pth.tar", original_of("sgcpnet"))
    assert "l2.conv1.weight" in refused.value.missing


def test_it_stands_behind_sampling(model):
    segmenter = SampledSegmenter(model, "uniform", (32, 48))
    image = images((70, 110))
    assert segmenter(image).shape == (1, 70, 110, CLASSES)
    assert segmenter.labels(image).shape == (1, 70, 110)


def test_the_backbones_kernels_begin_as_he_s_counted_over_all_channels():
    model = roadseg.create("sgcpnet", 19)
    for name, fan_out in (("l5.1.conv1", 576), ("l5.1.conv2", 25 * 576), ("l5.1.conv3", 96)):
        kernel = ops.convert_to_numpy(model.get_layer(name).kernel)
        assert kernel.std() == pytest.approx((2 / fan_out) ** 0.5, rel=0.05)
