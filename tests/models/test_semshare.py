"""What the options of the coupled networks do: sizes, geometry, fusions, rigs."""

import keras
import numpy as np
import pytest
from keras import ops

import roadseg
from roadseg.errors import RoadsegError
from roadseg.layers.homography import WarpByHomography
from roadseg.models.two_cameras import Geometry, shrink
from roadseg.two_cameras.rig import Camera, Rig, find_rig

UNIT = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
CAMERA = Camera(48, 64, ((50.0, 0.0, 30.0), (0.0, 52.0, 20.0), (0.0, 0.0, 1.0)))
PUBLISHED = (1216, 1920, 3)


def create(name: str, size: tuple[int, int, int] = PUBLISHED, **options) -> keras.Model:
    return roadseg.create(name, 6, input_shape=size, **options)


def shapes(model: keras.Model) -> dict[str, tuple]:
    outputs = {layer.name: getattr(layer, "output", None) for layer in model.layers}
    return {name: x.shape for name, x in outputs.items() if isinstance(x, keras.KerasTensor)}


def warps(model: keras.Model) -> dict[str, WarpByHomography]:
    return {layer.name: layer for layer in model.layers if isinstance(layer, WarpByHomography)}


def test_sizes_derived_from_the_published_images_are_the_published_fixed_ones():
    derived, fixed = create("semshare_tight"), create("semshare_tight", fixed_sizes=True)
    of_fixed = shapes(fixed)
    assert all(of_fixed[name] == shape for name, shape in shapes(derived).items())
    assert of_fixed["flow_Network.second_of_multiple"][1:3] == (512, 768)
    assert of_fixed["wide.features_seen.1"][1:3] == (151, 240)
    assert of_fixed["wide.features_seen.2"][1:3] == (303, 480)


def test_fixed_sizes_stay_where_images_differ_within_their_range():
    found = shapes(create("semshare_tight", (1208, 1920, 3), fixed_sizes=True))
    assert found["narrow.small"][1:3] == (483, 768)
    assert found["wide.logits_seen"][1:3] == (486, 768)
    assert found["wide.logits_moved"][1:3] == (483, 768)
    assert found["output.wide"][1:3] == (1208, 1920)


@pytest.mark.parametrize(
    ("size", "message"),
    [((1202, 1920, 3), "image height 1202: .* 1203 to 1282; leave out fixed_sizes"),
     ((1216, 1923, 3), "image width 1923: .* 1843 to 1922")],
)  # fmt: skip
def test_fixed_sizes_refuse_what_the_original_cannot_take(size, message):
    with pytest.raises(RoadsegError, match=message):
        create("semshare_tight", size, fixed_sizes=True)


def test_fixed_sizes_belong_to_one_scale():
    with pytest.raises(RoadsegError, match="scale=0.5: fixed_sizes"):
        create("semshare_tight", scale=0.5, fixed_sizes=True)


def test_corrected_geometry_loses_no_row_and_scales_each_axis_by_itself():
    for name in ("semshare_loose", "semshare_tight"):
        published = warps(create(name)).values()
        corrected = warps(create(name, geometry="corrected")).values()
        assert any(warp.stretched or warp.rows_short for warp in published)
        assert not any(warp.stretched or warp.rows_short for warp in corrected)
        into = find_rig().sampling_matrix("narrow", "corrected")
        assert any(np.array_equal(warp.matrix, into) for warp in corrected)


@pytest.mark.parametrize("convention", ["semantics_sharing", "corrected"])
@pytest.mark.parametrize("into", ["wide", "narrow"])
def test_two_cameras_that_are_one_see_the_same(convention, into):
    maps = np.random.default_rng(0).normal(size=(1, 24, 32, 2)).astype("float32")
    geometry = Geometry(Rig(CAMERA, CAMERA, UNIT), convention)
    seen = geometry.warp(maps, into, "seen", one_scale=True)
    np.testing.assert_allclose(ops.convert_to_numpy(seen), maps, atol=2e-5)


def test_cameras_of_any_size_give_networks_whose_warps_are_theirs(tmp_path):
    rig = Rig(CAMERA, Camera(100, 80, CAMERA.intrinsics), find_rig().rotation)
    path = tmp_path / "rig.yaml"
    path.write_text(rig.to_yaml(), encoding="utf-8")
    for given in (rig, path, str(path), rig.to_yaml()):
        model = create("semshare_tight", (800, 1000, 3), rig=given)
        matrix = warps(model)["narrow.logits_seen"].matrix
        np.testing.assert_array_equal(matrix, rig.sampling_matrix("wide"))


@pytest.mark.parametrize("name", ["semshare_loose", "semshare_tight"])
def test_the_other_fusions_take_the_places_of_the_default_ones(name):
    model = create(name, narrow_fusion="res131", wide_fusion="res")
    names = {layer.name for layer in model.layers}
    assert {"FFM_60.atrconvblock.atrconv", "FFM_60.residual131.bn", "FFM_120.conv3"} <= names
    assert not {"FFM_60.conv3", "FFM_120.residual131.bn"} & names


@pytest.mark.parametrize(
    ("scale", "size"), [(0.4, (486, 768)), (0.5, (608, 960)), (1, (1216, 1920))]
)
def test_sides_are_shrunk_by_a_decimal_fraction_and_truncated(scale, size):
    assert shrink(keras.Input(PUBLISHED), scale, "small").shape[1:3] == size
