import keras
import numpy as np
import pytest
from keras import ops

from roadseg.backbones.df import AUTHORS_FEATURES, FEATURES, df
from roadseg.layers.conv_bn import BatchNorm
from roadseg.layers.convolution import normal_fan_out
from roadseg.layers.introspection import count_parameters

# Stage: channels and stride, as Fast_Seg has them.
STAGES = {
    1: {"stage2": (64, 8), "stage3": (128, 16), "stage4": (256, 32), "stage5": (512, 32)},
    2: {
        "stage2_1": (64, 8),
        "stage2_2": (128, 8),
        "stage3_1": (128, 16),
        "stage3_2": (256, 16),
        "stage4_1": (256, 32),
        "stage4_2": (512, 32),
    },
}
both_versions = pytest.mark.parametrize("version", [1, 2])


def backbone(
    version: int, size: tuple[int | None, int | None] = (64, 96), **options
) -> keras.Model:
    images = keras.Input((*size, 3))
    return keras.Model(images, df(images, version, **options))


def strides(version: int, names: tuple[str, ...]) -> list[int]:
    return [STAGES[version][name][1] for name in names]


@pytest.mark.parametrize(("version", "parameters"), [(1, 8_020_128), (2, 17_474_208)])
def test_parameter_counts_are_the_published_ones_without_the_classifier(version, parameters):
    assert count_parameters(backbone(version)) == parameters


@both_versions
@pytest.mark.parametrize("size", [(64, 96), (67, 93)])
def test_stages_have_the_published_channels_at_sides_rounded_up(version, size):
    shapes = {name: tuple(x.shape[1:]) for name, x in backbone(version, size).output.items()}
    assert shapes == {
        name: (-(-size[0] // stride), -(-size[1] // stride), filters)
        for name, (filters, stride) in STAGES[version].items()
    }


def test_version_1_is_decoded_a_stage_too_deep_and_its_authors_do_otherwise():
    assert strides(1, FEATURES[1]) == [16, 32, 32]
    assert strides(1, AUTHORS_FEATURES[1]) == [8, 16, 32]
    assert strides(2, FEATURES[2]) == strides(2, AUTHORS_FEATURES[2]) == [8, 16, 32]


@both_versions
def test_a_block_is_projected_where_stride_or_width_changes_and_nowhere_else(version):
    names = [layer.name for layer in backbone(version, prefix="backbone.").layers]
    projected = [name for name in names if name.endswith("downsample.0")]
    assert projected == [f"backbone.{stage}.0.downsample.0" for stage in STAGES[version]]


@both_versions
def test_sizes_unknown_when_built_come_out_the_same(version):
    known, unknown = backbone(version, (67, 93)), backbone(version, (None, None))
    unknown.set_weights(known.get_weights())
    image = np.random.default_rng(0).normal(size=(1, 67, 93, 3)).astype("float32")
    last = FEATURES[version][-1]
    np.testing.assert_array_equal(known(image)[last], unknown(image)[last])


def test_norm_and_initial_values_reach_every_layer():
    model = backbone(1, norm=BatchNorm(0.5, 1e-2), initializer=normal_fan_out())
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert {(layer.momentum, layer.epsilon) for layer in norms} == {(0.5, 1e-2)}
    for name, area, filters in (("stage5.0.conv2", 9, 512), ("stage5.0.downsample.0", 1, 512)):
        deviation = float(ops.std(model.get_layer(f"backbone.{name}").kernel))
        assert deviation == pytest.approx((2 / (area * filters)) ** 0.5, rel=2e-2)


def test_another_version_is_refused():
    with pytest.raises(ValueError, match="version=3; DFNet has 1, 2"):
        backbone(3)
