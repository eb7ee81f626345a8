import keras
import numpy as np
import pytest
from keras import ops

from roadseg.ops.resize import resize_bilinear
from roadseg.ops.warp import dense_warp, flow_warp, pixel_positions, sample_bilinear
from tests.ops.gradients import check_gradients
from tests.support import on_tensorflow


def by_loops(image: np.ndarray, points: np.ndarray, outside: str) -> np.ndarray:
    """Return (rows, columns, channels): each point looked up alone, pixel by pixel."""
    height, width, channels = image.shape
    result = np.zeros((*points.shape[:2], channels))
    for index in np.ndindex(*points.shape[:2]):
        y, x = points[index]
        if outside == "edge":
            y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
        top, left = int(np.floor(y)), int(np.floor(x))
        for row, column in [(top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)]:
            if 0 <= row < height and 0 <= column < width:
                weight = (1 - abs(y - row)) * (1 - abs(x - column))
                result[index] += weight * image[row, column]
    return result


@pytest.mark.parametrize("outside", ["edge", "zero"])
@pytest.mark.parametrize("size", [(4, 6), (5, 1), (1, 1)])
def test_sampling_agrees_with_a_loop_over_points(size, outside):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(3, *size, 2)).astype("float32")
    points = rng.uniform(-3, 8, size=(3, 5, 7, 2)).astype("float32")
    points[0, 0] = np.round(points[0, 0])  # on pixels, and on the frame's own edge
    points[1, 0, :2] = [[0, 0], [size[0] - 1, size[1] - 1]]
    ours = ops.convert_to_numpy(sample_bilinear(images, points, outside))
    for image, own, mine in zip(images, points, ours, strict=True):
        np.testing.assert_allclose(mine, by_loops(image, own, outside), atol=2e-6)


def test_no_flow_gives_the_image_back():
    images = np.random.default_rng(1).normal(size=(2, 5, 4, 3)).astype("float32")
    warped = dense_warp(images, np.zeros((2, 5, 4, 2), "float32"))
    np.testing.assert_array_equal(ops.convert_to_numpy(warped), images)


def test_flow_points_to_where_the_value_goes():
    image = np.zeros((1, 3, 4, 1), "float32")
    image[0, 1, 1] = 1
    flow = np.zeros((1, 3, 4, 2), "float32")
    flow[..., 1] = 2
    np.testing.assert_array_equal(
        np.argwhere(ops.convert_to_numpy(dense_warp(image, flow)))[0][1:3], [1, 3]
    )


def test_positions_are_row_then_column():
    positions = ops.convert_to_numpy(pixel_positions(np.zeros((2, 3, 4, 1), "float32")))
    assert positions.shape == (1, 3, 4, 2)
    np.testing.assert_array_equal(positions[0, 2, 1], [2, 1])


@pytest.mark.parametrize("outside", ["edge", "zero"])
def test_gradients_in_image_and_points_are_those_of_finite_differences(outside):
    rng = np.random.default_rng(2)
    weights = rng.normal(size=(2, 3, 4, 2))
    # Away from whole pixels, where the slope jumps.
    points = rng.integers(-2, 7, size=(2, 3, 4, 2)) + rng.uniform(0.1, 0.9, size=(2, 3, 4, 2))

    def loss(images, points):
        return ops.sum(sample_bilinear(images, points, outside) * weights)

    check_gradients(loss, [rng.normal(size=(2, 5, 6, 2)), points], probes=24)


def flow_of(size: tuple[int, int], spread: float = 4.0) -> np.ndarray:
    return np.random.default_rng(5).normal(scale=spread, size=(2, *size, 2))


@pytest.mark.parametrize("align_corners", [True, False])
@pytest.mark.parametrize(("size", "target"), [((4, 6), (7, 9)), ((5, 1), (2, 3)), ((3, 4), (1, 1))])
def test_a_flow_is_counted_in_the_result_and_looked_up_in_the_source(size, target, align_corners):
    images = np.random.default_rng(4).normal(size=(2, *size, 3)).astype("float32")
    flow_xy = flow_of(target).astype("float32")
    points = np.zeros((2, *target, 2))
    for index in np.ndindex(2, *target):
        for axis in (0, 1):
            side, count = size[axis], target[axis]
            even = -1 + 2 * index[1 + axis] / max(count - 1, 1)
            position = even + flow_xy[index][1 - axis] / count
            outer = (position + 1) / 2 * side - 0.5
            points[index][axis] = (position + 1) / 2 * (side - 1) if align_corners else outer
    warped = ops.convert_to_numpy(flow_warp(images, flow_xy, align_corners))
    for image, own, mine in zip(images, points, warped, strict=True):
        np.testing.assert_allclose(mine, by_loops(image, own, "zero"), atol=1e-5)


@pytest.mark.parametrize("target", [(9, 11), (3, 4), (1, 1)])
def test_without_a_flow_the_warp_is_the_resize_with_aligned_corners(target):
    images = np.random.default_rng(6).normal(size=(2, 5, 6, 3)).astype("float32")
    warped = flow_warp(images, np.zeros((2, *target, 2), "float32"))
    np.testing.assert_allclose(warped, resize_bilinear(images, target), atol=2e-6)


def test_the_first_channel_of_a_flow_is_horizontal_and_a_whole_frame_is_twice_its_side():
    image = np.zeros((1, 3, 5, 1), "float32")
    image[0, 1, 4] = 1
    flow_xy = np.zeros((1, 3, 5, 2), "float32")
    flow_xy[..., 0] = 2 * 5  # from the left edge to the right one
    found = ops.convert_to_numpy(flow_warp(image, flow_xy))
    np.testing.assert_allclose(found[0, :, :, 0], np.eye(3)[1][:, None] * np.eye(5)[0], atol=1e-6)


def test_half_precision_is_left_only_at_the_ends_of_a_flow_warp():
    # Positions on 4000 pixels would be whole in float16, and a ramp of steps.
    ramp = np.linspace(0, 1, 4000, dtype="float16").reshape(1, 1, 4000, 1)
    flow_xy = np.zeros((1, 1, 7919, 2), "float16")
    warped = flow_warp(ramp, flow_xy)
    exact = np.linspace(0, 1, 7919).reshape(1, 1, 7919, 1)
    assert keras.backend.standardize_dtype(warped.dtype) == "float16"
    np.testing.assert_allclose(ops.convert_to_numpy(warped), exact, atol=6e-4)


@pytest.mark.parametrize("align_corners", [True, False])
def test_gradients_of_a_flow_warp_are_those_of_finite_differences(align_corners):
    rng = np.random.default_rng(8)
    weights = rng.normal(size=(2, 5, 4, 3))

    def loss(images, flow_xy):
        return ops.sum(flow_warp(images, flow_xy, align_corners) * weights)

    check_gradients(loss, [rng.normal(size=(2, 4, 6, 3)), flow_of((5, 4))], probes=24)


@on_tensorflow
def test_warps_export_at_unknown_sizes(tmp_path):
    import tensorflow as tf

    module = tf.Module()
    images, flow = tf.TensorSpec((None, None, None, 3)), tf.TensorSpec((None, None, None, 2))
    module.warp = tf.function(dense_warp, input_signature=[images, flow], autograph=False)
    module.flow_warp = tf.function(flow_warp, input_signature=[images, flow], autograph=False)
    tf.saved_model.save(module, str(tmp_path / "saved"))
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    rng = np.random.default_rng(3)
    for size in [(6, 8), (5, 9)]:
        values = rng.normal(size=(2, *size, 3)).astype("float32")
        flow_px = rng.normal(size=(2, *size, 2)).astype("float32")
        np.testing.assert_allclose(
            loaded.warp(values, flow_px), dense_warp(values, flow_px), atol=1e-6
        )
        smaller = values[:, 1:, 2:]
        np.testing.assert_allclose(
            loaded.flow_warp(smaller, flow_px), flow_warp(smaller, flow_px), atol=1e-5
        )


def test_what_does_not_fit_is_refused():
    images = np.zeros((1, 4, 4, 3), "float32")
    with pytest.raises(ValueError, match="differ"):
        dense_warp(images, np.zeros((1, 4, 5, 2), "float32"))
    with pytest.raises(ValueError, match="points"):
        sample_bilinear(images, np.zeros((1, 4, 2), "float32"))
    with pytest.raises(ValueError, match="outside='wrap'"):
        sample_bilinear(images, np.zeros((1, 4, 4, 2), "float32"), "wrap")
