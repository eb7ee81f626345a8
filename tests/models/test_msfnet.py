"""MSFNet against its paper: counts, scales, widths, and what supervises what."""

import keras
import numpy as np
import pytest
from keras import ops

import roadseg
from roadseg.errors import RoadsegError
from roadseg.losses.boundary_labels import boundary_labels
from roadseg.losses.cross_entropy import cross_entropy
from roadseg.models.operation_counts import count_operations
from tests.models.every_network import gradients_of, images
from tests.support import weights_of_zeros

# From our reading of the paper: options, classes, size, values, 10^9 multiply-adds.
COUNTS = [
    ({"boundary_supervision": False}, 19, (1024, 2048), 13_661_203, 85.220),
    ({"auxiliary_heads": True, "poolings": 4}, 19, (512, 1024), 14_232_807, 23.939),
    ({"auxiliary_heads": True, "poolings": 3}, 11, (768, 1024), None, 35.848),
    ({"boundary_supervision": False, "poolings": 3}, 11, (768, 1024), None, 31.922),
]
# The same: channels that meet at 1/8, 1/16 .., by J.
WIDTHS = {
    5: [192, 448, 960, 960, 960, 896, 768, 512],
    4: [192, 448, 960, 960, 896, 768, 512],
    3: [192, 448, 960, 896, 768, 512],
    0: [128, 256, 512],
}


@pytest.fixture(scope="module")
def full() -> keras.Model:
    with weights_of_zeros():  # of which shapes and wires alone are looked at
        return roadseg.create("msfnet", 19, input_shape=(1024, 2048, 3), auxiliary_heads=True)


@pytest.fixture(scope="module")
def small() -> keras.Model:
    keras.utils.set_random_seed(0)
    return roadseg.create("msfnet", 4, poolings=2, features=16, auxiliary_heads=True)


def source(tensor: keras.KerasTensor) -> str:
    return tensor._keras_history.operation.name


def names(model: keras.Model) -> list[str]:
    return [layer.name for layer in model.layers]


@pytest.mark.parametrize(("options", "classes", "size", "values", "giga"), COUNTS)
def test_counts_are_those_of_the_reading(options, classes, size, values, giga):
    with weights_of_zeros():
        operations = count_operations(roadseg.create("msfnet", classes, **options), size)
    assert round(operations.macs / 1e9, 3) == giga
    assert values in (None, operations.parameters)


def test_levels_go_from_an_eighth_to_a_thousandth(full):
    for number in range(8):
        stride = 8 * 2**number
        level = full.get_layer(f"mfm.{stride}.bn").output
        assert level.shape == (None, 1024 // stride, 2048 // stride, 256)
    assert full.get_layer("mfm.8.bn").output.shape[1:3] == (128, 256)
    assert full.get_layer("mfm.1024.bn").output.shape[1:3] == (1, 2)


@pytest.mark.parametrize("poolings", WIDTHS)
def test_each_level_gathers_the_channels_of_the_figure(poolings):
    with weights_of_zeros():
        model = roadseg.create("msfnet", 19, poolings=poolings, boundary_supervision=False)
    widths = []
    for number in range(len(WIDTHS[poolings])):
        name = f"mfm.{8 * 2**number}"
        layer = f"{name}.depthwise" if f"{name}.depthwise" in names(model) else f"{name}.pointwise"
        widths.append(model.get_layer(layer).input.shape[-1])
    assert widths == WIDTHS[poolings]
    assert not any(name.startswith(f"mfm.{16 * 2**number}") for name in names(model))


def test_the_first_stage_comes_first_and_is_pooled_before_it_is_used(full):
    assert [source(x) for x in full.get_layer("mfm.8.concatenated").input] == [
        "sap_1",
        "backbone.layer2.1.relu",
    ]
    assert [source(x) for x in full.get_layer("mfm.64.concatenated").input] == [
        "sap_1",
        "sap_2",
        "sap_3",
        "sap_4",
    ]


def test_decoders_share_nothing_but_the_levels(full):
    for branch in ("up_1", "up_2"):
        upsampled, level = full.get_layer(f"{branch}.8.joined").input
        assert (source(upsampled), source(level)) == (f"{branch}.8.up", "mfm.8.bn.relu")
        coarsest = full.get_layer(f"{branch}.512.up").input[0]
        assert source(coarsest) == "mfm.1024.bn.relu"
        below = full.get_layer(f"{branch}.8.up").input[0]
        assert source(below) == f"{branch}.16.bn.relu"
    ends = [source(x) for x in full.get_layer("fusion.concatenated").input]
    assert ends == ["up_1.8.bn.relu", "up_2.8.bn.relu"]
    assert source(full.get_layer("boundary.classes").input) == "up_2.8.bn.relu"


def gradient_sizes(model: keras.Model, loss) -> dict[str, float]:
    """Return the largest gradient of each weight by its path."""
    found = gradients_of(model, (64, 96), loss)
    paths = [variable.path for variable in model.trainable_variables]
    return {path: np.abs(g).max() for path, g in zip(paths, found, strict=True)}


def loss_of(head: str):
    def loss(outputs):
        shape = tuple(outputs[head].shape[:3])
        labels = np.random.default_rng(1).integers(0, 4, shape)
        # The other head takes part with weight 0, so that every weight has a gradient.
        others = sum(ops.sum(x) for name, x in outputs.items() if name != head)
        return cross_entropy(outputs[head], labels)[0] / labels.size + 0.0 * others

    return loss


def test_the_logits_train_all_stages_and_both_decoders(small):
    sizes = gradient_sizes(small, loss_of("logits"))
    for part in [f"backbone.layer{i}" for i in range(1, 5)] + ["mfm.", "up_1.", "up_2.", "fusion."]:
        found = [size for path, size in sizes.items() if path.startswith(part)]
        assert found and all(size > 0 for size in found), part


def test_the_boundary_loss_trains_the_second_decoder_and_what_feeds_it_alone(small):
    sizes = gradient_sizes(small, loss_of("boundary"))
    for path, size in sizes.items():
        reached = not path.startswith(("up_1.", "fusion.", "classes"))
        assert (size > 0) == reached, path


@pytest.mark.parametrize("size", [(64, 96), (67, 93)])
def test_the_boundary_head_stays_where_its_labels_are(small, size):
    outputs = small(images(size), training=False)
    labels = np.random.default_rng(2).integers(0, 4, (1, *size))
    sides = tuple(-(-side // 8) for side in size)
    assert outputs["boundary"].shape == (1, *sides, 5)
    assert outputs["logits"].shape == (1, *size, 4)
    total, count = cross_entropy(outputs["boundary"], boundary_labels(labels, sides))
    assert float(count) == sides[0] * sides[1] and np.isfinite(float(total))


def test_without_boundary_supervision_one_decoder_is_left():
    options = {"boundary_supervision": False, "poolings": 1, "features": 16}
    model = roadseg.create("msfnet", 4, auxiliary_heads=True, **options)
    assert not any(name.startswith(("up_2", "fusion", "boundary")) for name in names(model))
    assert source(model.get_layer("classes").input) == "up_1.8.bn.relu"
    assert model(images((40, 56)), training=False).shape == (1, 40, 56, 4)


def test_the_boundary_output_is_there_in_training_alone():
    model = roadseg.create("msfnet", 4, poolings=1, features=16)
    assert "boundary.classes" not in names(model)
    assert "up_2.8.pointwise" in names(model)


def test_our_choices_can_be_chosen_otherwise(small):
    options = {"poolings": 2, "features": 16, "auxiliary_heads": True}
    other = roadseg.create(
        "msfnet",
        4,
        pool="max",
        join="sum",
        depthwise_activation=False,
        fusion_features=24,
        boundary_classes=2,
        pre_activation_stages=True,
        align_corners="half_pixel",
        **options,
    )
    assert other.get_layer("up_1.8.pointwise").input.shape[-1] == 16
    assert small.get_layer("up_1.8.pointwise").input.shape[-1] == 32
    assert not any(name.endswith("depthwise_bn") for name in names(other))
    assert other.get_layer("classes").input.shape[-1] == 24
    assert source(other.get_layer("sap_1").input) == "backbone.layer1.1.sum"
    assert other.get_layer("output.logits").align_corners == "half_pixel"
    outputs = other(images((67, 93)), training=False)
    assert outputs["boundary"].shape[-1] == 2
    assert np.isfinite(ops.convert_to_numpy(outputs["logits"])).all()


def test_counting_the_padding_changes_borders_alone():
    keras.utils.set_random_seed(0)
    options = {"poolings": 2, "features": 8, "boundary_supervision": False}
    without = roadseg.create("msfnet", 4, **options)
    counted = roadseg.create("msfnet", 4, count_padding=True, **options)
    counted.set_weights(without.get_weights())
    maps = [
        ops.convert_to_numpy(
            keras.Model(model.input, model.get_layer("sap_1").output[0])(images((64, 96)))
        )
        for model in (without, counted)
    ]
    np.testing.assert_allclose(maps[1][:, 1:-1, 1:-1], maps[0][:, 1:-1, 1:-1], rtol=1e-5)
    assert (maps[1][:, 0] < maps[0][:, 0]).any()


def test_wrong_arguments_are_refused():
    with pytest.raises(RoadsegError, match="poolings=-1"):
        roadseg.create("msfnet", 4, poolings=-1)
    with pytest.raises(RoadsegError, match="join='add'"):
        roadseg.create("msfnet", 4, join="add")
    with pytest.raises(RoadsegError, match="pool='median'"):
        roadseg.create("msfnet", 4, pool="median")
