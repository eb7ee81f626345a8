import numpy as np
import pytest
from keras import ops

from roadseg.losses.boundary_labels import boundary_labels
from tests.support import on_tensorflow

IGNORE = 255


def random_labels(size=(2, 24, 30), classes=3) -> np.ndarray:
    """Return blocks of 4x4 pixels, an eighth of them ignored."""
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, classes, (size[0], size[1] // 4 + 1, size[2] // 4 + 1))
    blocks[rng.uniform(size=blocks.shape) < 1 / 8] = IGNORE
    return blocks.repeat(4, axis=1).repeat(4, axis=2)[:, : size[1], : size[2]]


def find(labels: np.ndarray, size=None, **options) -> np.ndarray:
    return ops.convert_to_numpy(boundary_labels(labels, size or labels.shape[1:], **options))


def by_loops(labels: np.ndarray, distance: int) -> np.ndarray:
    found = np.zeros_like(labels)
    _, height, width = labels.shape
    for b, i, j in np.ndindex(*labels.shape):
        own = labels[b, i, j]
        others = [
            labels[b, y, x]
            for y in range(max(i - distance, 0), min(i + distance + 1, height))
            for x in range(max(j - distance, 0), min(j + distance + 1, width))
            if (y - i) ** 2 + (x - j) ** 2 <= distance**2
        ]
        if own == IGNORE:
            found[b, i, j] = IGNORE
        elif any(other not in (own, IGNORE) for other in others):
            found[b, i, j] = own + 1
    return found


@pytest.mark.parametrize("distance", [1, 2, 3, 5])
def test_labels_are_those_of_the_definition(distance):
    labels = random_labels()
    np.testing.assert_array_equal(find(labels, distance=distance), by_loops(labels, distance))


def test_both_sides_of_a_boundary_carry_their_class_moved_up_by_one():
    labels = np.array([[[0, 0, 0, 4, 4, 4]]])
    assert find(labels).tolist() == [[[0, 0, 1, 5, 0, 0]]]


def test_road_on_a_boundary_is_told_from_no_boundary():
    road, sidewalk = np.zeros((1, 4, 4), int), np.ones((1, 4, 4), int)
    assert (find(road) == 0).all()
    assert set(np.unique(find(np.concatenate([road, sidewalk], axis=2)))) == {0, 1, 2}


def test_diagonal_neighbours_are_further_than_one_pixel():
    labels = np.zeros((1, 3, 3), int)
    labels[0, 0, 0] = 1
    assert find(labels)[0].tolist() == [[2, 1, 0], [1, 0, 0], [0, 0, 0]]
    assert find(labels, distance=2)[0, 1, 1] == 1


def test_ignored_pixels_stay_ignored_and_make_no_boundary():
    labels = np.array([[[3, IGNORE, 3, IGNORE, 3]]])
    assert find(labels).tolist() == [[[0, IGNORE, 0, IGNORE, 0]]]
    assert (find(np.full((1, 3, 3), IGNORE)) == IGNORE).all()


def test_classes_across_an_ignored_line_meet_only_within_the_distance():
    labels = np.array([[[1, 1, IGNORE, 2, 2]]])
    assert find(labels).tolist() == [[[0, 0, IGNORE, 0, 0]]]
    assert find(labels, distance=2).tolist() == [[[0, 2, IGNORE, 3, 0]]]


def test_the_map_is_reduced_to_the_nearest_pixel_before_boundaries_are_found():
    labels = np.zeros((1, 17, 17), int)
    labels[0, :, 5:] = 7
    # Corners aligned: columns 0, 8 and 16 are read.
    assert find(labels, (3, 3))[0].tolist() == [[1, 8, 0]] * 3
    # Half-pixel centres: columns 2, 8 and 14.
    assert find(labels, (3, 3), align_corners="half_pixel")[0].tolist() == [[1, 8, 0]] * 3
    labels[0, :, 1:5] = 7
    assert find(labels, (3, 3), align_corners="half_pixel")[0].tolist() == [[0, 0, 0]] * 3


def test_boundaries_of_the_whole_map_are_lost_between_the_pixels_that_are_read():
    labels = np.zeros((1, 17, 17), int)
    labels[0, :, 5:] = 7
    assert (find(labels, (3, 3), boundary_from="full") == 0).all()
    labels[0, :, 5:8] = 0
    assert find(labels, (3, 3), boundary_from="full")[0].tolist() == [[0, 8, 0]] * 3


def test_without_classes_a_boundary_is_one():
    labels = random_labels()
    plain = find(labels, per_class=False)
    expected = by_loops(labels, 1)
    np.testing.assert_array_equal(plain == IGNORE, expected == IGNORE)
    np.testing.assert_array_equal(plain == 1, (expected > 0) & (expected != IGNORE))


def test_labels_of_a_byte_do_not_overflow():
    labels = np.array([[[0, 0, 18, 18, 255]]], "uint8")
    assert find(labels).tolist() == [[[0, 1, 19, 0, 255]]]


@on_tensorflow
@pytest.mark.parametrize("compiled", [False, True])
def test_a_graph_gives_the_same_labels(compiled):
    import tensorflow as tf

    labels = random_labels((2, 32, 48))

    @tf.function(jit_compile=compiled, autograph=False)
    def traced(labels):
        return boundary_labels(labels, (4, 6), distance=2)

    np.testing.assert_array_equal(traced(tf.constant(labels)), find(labels, (4, 6), distance=2))


@on_tensorflow
def test_sizes_unknown_to_the_graph_give_the_same_labels():
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((None, None, None), tf.int32)], autograph=False)
    def traced(labels):
        height, width = tf.unstack(tf.shape(labels)[1:])
        return boundary_labels(labels, (height // 4, width // 4))

    for size in ((1, 32, 48), (2, 20, 24)):
        labels = random_labels(size).astype("int32")
        expected = find(labels, (size[1] // 4, size[2] // 4))
        np.testing.assert_array_equal(traced(tf.constant(labels)), expected)


def test_wrong_arguments_are_refused():
    labels = np.zeros((1, 4, 4), int)
    with pytest.raises(ValueError, match="expected"):
        boundary_labels(labels[..., None], (2, 2))
    with pytest.raises(ValueError, match="distance=0"):
        boundary_labels(labels, (2, 2), distance=0)
    with pytest.raises(ValueError, match="boundary_from='half'"):
        boundary_labels(labels, (2, 2), boundary_from="half")
