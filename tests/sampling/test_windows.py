"""Views: how many cover an image, and that cutting and stitching lose nothing."""

import keras
import numpy as np
import pytest

from roadseg.sampling import windows
from roadseg.sampling.windows import cover, cut, stitch

SIZES = [(64, 128), (60, 203), (128, 50), (64, 64), (33, 31), (1, 9), (7, 1), (64, 640)]


@pytest.mark.parametrize(
    ("size", "view", "count"),
    [
        ((1024, 2048), (1024, 1024), (1, 2)),
        ((512, 1024), (1024, 1024), (1, 2)),
        ((1024, 1024), (1024, 1024), (1, 1)),
        ((721, 1280), (720, 1280), (1, 1)),
        ((1280, 720), (1024, 1024), (2, 1)),
        ((360, 480), (360, 480), (1, 1)),
        ((1024, 2150), (1024, 1024), (1, 2)),
        ((1024, 2200), (1024, 1024), (1, 3)),
    ],
)
def test_as_many_views_as_the_aspect_needs(size, view, count):
    rows, columns = cover(size, view)
    assert (rows.count, columns.count) == count
    assert rows.extent * rows.count >= size[0] and columns.extent * columns.count >= size[1]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("view", [(64, 64), (2, 3)])
def test_stitched_views_are_the_image(size, view):
    image = np.random.default_rng(0).uniform(0, 1, (2, *size, 3)).astype(np.float32)
    axes = cover(size, view)
    pieces = cut(image, axes)
    assert pieces.shape[0] == 2 * axes[0].count * axes[1].count
    assert np.array_equal(np.asarray(stitch(pieces, axes)), image)


@pytest.mark.parametrize("size", SIZES)
def test_each_pixel_comes_from_the_view_with_the_nearest_centre(size):
    _, columns = cover(size, (64, 64))
    starts = np.asarray(columns.starts())
    assert starts[0] == 0 and starts[-1] + columns.extent == size[1]
    place = np.asarray(columns.places())
    view, offset = place // columns.extent, place % columns.extent
    pixel = np.arange(size[1])
    assert np.array_equal(starts[view] + offset, pixel)
    centres = starts + (columns.extent - 1) / 2
    away = np.abs(pixel[:, None] - centres)
    assert np.array_equal(away[pixel, view], away.min(axis=1))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a TensorFlow graph")
def test_unknown_sizes_give_the_same_views_as_known_ones():
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 2))], autograph=False)
    def graph(image):
        axes = cover(tuple(tf.shape(image)[1:3][k] for k in (0, 1)), (3, 4))
        return cut(image, axes), stitch(cut(image, axes), axes)

    for size in SIZES:
        image = np.random.default_rng(0).uniform(0, 1, (1, *size, 2)).astype(np.float32)
        pieces, whole = graph(image)
        assert np.array_equal(pieces.numpy(), np.asarray(cut(image, cover(size, (3, 4)))))
        assert np.array_equal(whole.numpy(), image)


def test_locations_of_views_point_at_the_pixels_of_the_image():
    axes = cover((10, 30), (1, 1))
    corners = np.array([[[0, 0], [0, 1]], [[1, 0], [1, 1]]], np.float32)
    grid = np.broadcast_to(corners, (1, 3, 2, 2, 2))
    found = np.asarray(windows.to_image(grid, axes)) * [9, 29]
    np.testing.assert_allclose(found[0, :, 0, 0, 1], [0, 10, 20], atol=1e-4)
    np.testing.assert_allclose(found[0, :, 1, 1, 1], [9, 19, 29], atol=1e-4)
    np.testing.assert_allclose(found[0, :, 1, 1, 0], 9, atol=1e-5)
