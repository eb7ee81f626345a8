"""Warps along homographies, beside positions computed in NumPy and looked up one by one."""

import numpy as np
import pytest
from keras import ops

from roadseg.layers.homography import WarpByHomography
from roadseg.ops.homography import homography_points, warp_by_homography, with_stretched_rows
from roadseg.ops.warp import sample_bilinear
from roadseg.two_cameras.rig import find_rig, sampling_map
from tests.ops.gradients import check_gradients
from tests.support import on_tensorflow

SOURCE, TARGET = (19, 28), (15, 31)
TILTED = np.array([[0.9, 0.1, 0.05], [-0.2, 1.1, -0.1], [0.1, -0.3, 1.0]])


def maps(batch: int = 2, size: tuple[int, int] = SOURCE) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(batch, *size, 3)).astype("float32")


@pytest.mark.parametrize("matrix", [TILTED, find_rig().sampling_matrix("narrow")], ids=["a", "rig"])
def test_positions_are_those_of_the_rigs_own_map(matrix):
    found = ops.convert_to_numpy(homography_points(matrix, TARGET, SOURCE))[0]
    np.testing.assert_allclose(found, sampling_map(matrix, TARGET, SOURCE), atol=2e-5)


def test_no_rotation_gives_the_map_back():
    found = warp_by_homography(maps(), np.eye(3), SOURCE)
    np.testing.assert_allclose(ops.convert_to_numpy(found), maps(), atol=2e-5)


def test_every_image_of_a_batch_is_looked_up_at_the_same_places():
    points = sampling_map(TILTED, TARGET, SOURCE).astype("float32")
    expected = sample_bilinear(maps(), np.stack([points] * 2))
    found = warp_by_homography(maps(), TILTED, TARGET)
    np.testing.assert_allclose(*map(ops.convert_to_numpy, (found, expected)), atol=2e-5)


def test_a_point_at_infinity_stays_where_its_first_two_coordinates_are():
    matrix = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0.0]])
    found = ops.convert_to_numpy(homography_points(matrix, SOURCE, SOURCE))[0]
    expected = sampling_map(np.eye(3), SOURCE, SOURCE)
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_unaligned_corners_are_the_outer_edges_of_the_outermost_pixels():
    found = ops.convert_to_numpy(homography_points(np.eye(3), (3, 3), (8, 4), align_corners=False))
    np.testing.assert_allclose(found[0, :, 0, 0], [-0.5, 3.5, 7.5])
    np.testing.assert_allclose(found[0, 0, :, 1], [-0.5, 1.5, 3.5])


@pytest.mark.parametrize("into", ["wide", "narrow"])
def test_rows_stretched_in_the_graph_are_those_that_the_rig_stretches(into):
    rig, size = find_rig(), (48, 70)
    native = [(rig.wide.height, rig.wide.width)] * 2
    found = with_stretched_rows(rig.sampling_matrix(into), size, *native)
    expected = rig.sampling_matrix(into, size=size)
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, atol=1e-6)


def test_the_layer_takes_its_size_from_the_map_less_some_rows_or_as_given():
    free = WarpByHomography(TILTED, rows_short=1)
    assert free(maps()).shape == free.compute_output_shape((2, *SOURCE, 3)) == (2, 18, 28, 3)
    assert free.compute_output_shape((None, None, None, 3)) == (None, None, None, 3)
    fixed = WarpByHomography(TILTED, size=TARGET)
    assert fixed(maps()).shape == fixed.compute_output_shape((2, *SOURCE, 3)) == (2, *TARGET, 3)


def test_the_layer_is_made_again_from_its_configuration():
    layer = WarpByHomography(TILTED, TARGET, 1, [(8, 9), (7, 6)], False, name="warp")
    again = WarpByHomography.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    np.testing.assert_array_equal(again.matrix, TILTED)


def test_gradients_are_those_of_finite_differences():
    weights = np.random.default_rng(1).normal(size=(2, *TARGET, 3))

    def loss(images):
        return ops.sum(warp_by_homography(images, TILTED, TARGET) * weights)

    check_gradients(loss, [maps().astype("float64")])


@on_tensorflow
def test_the_layer_exports_at_unknown_sizes(tmp_path):
    import tensorflow as tf

    layer = WarpByHomography(TILTED, stretched=[(8, 9), (7, 6)])
    module = tf.Module()
    module.warp = tf.function(
        layer, input_signature=[tf.TensorSpec((None, None, None, 3))], autograph=False
    )
    tf.saved_model.save(module, str(tmp_path / "saved"))
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    # Beside the same graph before it was saved: outside of one, positions are rounded otherwise.
    for size in (SOURCE, TARGET):
        found, expected = loaded.warp(maps(size=size)), module.warp(maps(size=size))
        np.testing.assert_allclose(found, expected, atol=1e-5)
