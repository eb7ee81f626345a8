import keras
import numpy as np
import pytest

from roadseg.backbones.stdc import stdc
from roadseg.layers.introspection import count_parameters

both_versions = pytest.mark.parametrize("version", [1, 2])


def backbone(
    version: int, size: tuple[int | None, int | None] = (64, 96), **options
) -> keras.Model:
    keras.utils.set_random_seed(1)
    images = keras.Input((*size, 3))
    return keras.Model(images, stdc(images, version, **options))


def image(size: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(1, *size, 3)).astype("float32")


def values(model: keras.Model, names: list[str], size: tuple[int, int]) -> list[np.ndarray]:
    layers = [model.get_layer(f"backbone.features.{name}").output for name in names]
    return [np.asarray(value) for value in keras.Model(model.input, layers)(image(size))]


@pytest.mark.parametrize(("version", "parameters"), [(1, 5_318_304), (2, 9_348_768)])
def test_parameter_counts_are_the_published_ones_without_the_classifier(version, parameters):
    assert count_parameters(backbone(version)) == parameters


@both_versions
@pytest.mark.parametrize("size", [(64, 96), (67, 93)])
def test_maps_stand_at_a_quarter_to_a_32nd_rounded_up(version, size):
    strides, filters = (4, 8, 16, 32), (64, 256, 512, 1024)
    assert [tuple(x.shape[1:]) for x in backbone(version, size).outputs] == [
        (-(-size[0] // s), -(-size[1] // s), f) for s, f in zip(strides, filters, strict=True)
    ]


@pytest.mark.parametrize(("version", "first", "count"), [(1, (2, 4, 6), 8), (2, (2, 6, 11), 14)])
def test_blocks_are_counted_through_and_the_first_of_each_stage_halves_the_map(
    version, first, count
):
    names = [layer.name for layer in backbone(version).layers]
    halving = [f"backbone.features.{index}.avd_layer.0" for index in first]
    assert [name for name in names if name.endswith("avd_layer.0")] == halving
    assert f"backbone.features.{count - 1}.conv_list.3.conv" in names
    assert f"backbone.features.{count}.conv_list.3.conv" not in names


@pytest.mark.parametrize("block", [2, 3])
def test_a_block_keeps_a_half_a_quarter_and_two_eighths_in_this_order(block):
    model = backbone(1)
    names = [f"{block}.conv_list.{n}.bn.relu" for n in (1, 2, 3)]
    whole, *parts = values(model, [f"{block}.concatenated", *names], (64, 96))
    assert [part.shape[-1] for part in parts] == [64, 32, 32]
    np.testing.assert_array_equal(whole[..., 128:], np.concatenate(parts, axis=-1))


def test_the_first_part_of_a_halving_block_is_averaged_over_nine_at_the_edge_too():
    model = backbone(1)
    before, whole = values(model, ["2.conv_list.0.bn.relu", "2.concatenated"], (64, 96))
    padded = np.pad(before, ((0, 0), (1, 1), (1, 1), (0, 0)))
    corner = padded[0, :3, :3].sum(axis=(0, 1)) / 9
    np.testing.assert_allclose(whole[0, 0, 0, :128], corner, rtol=1e-5)


def test_the_layer_between_first_and_second_part_has_no_relu():
    (before,) = values(backbone(1), ["2.avd_layer.1"], (64, 96))
    (after,) = values(backbone(1), ["2.conv_list.0.bn.relu"], (64, 96))
    assert before.min() < 0 <= after.min()


@both_versions
def test_sizes_unknown_when_built_come_out_the_same(version):
    known, unknown = backbone(version, (67, 93)), backbone(version, (None, None))
    unknown.set_weights(known.get_weights())
    np.testing.assert_array_equal(known(image((67, 93)))[3], unknown(image((67, 93)))[3])


def test_kernels_begin_as_hes_by_what_they_give():
    model = backbone(1)
    for name, deviation in (
        ("7.conv_list.1.conv", (2 / (9 * 256)) ** 0.5),
        ("6.avd_layer.0", (2 / (9 * 512)) ** 0.5),
    ):
        kernel = np.asarray(model.get_layer(f"backbone.features.{name}").kernel)
        assert kernel.std() == pytest.approx(deviation, rel=3e-2)


def test_another_version_is_refused():
    with pytest.raises(ValueError, match="version=3; STDC has 1, 2"):
        backbone(3)
