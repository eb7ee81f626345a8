import math

import numpy as np
import pytest
from scipy import ndimage

from roadseg.metrics.objects import ObjectRecall


def test_objects_fall_into_their_size_bin() -> None:
    labels = np.zeros((64, 64), np.uint8)
    labels[2:12, 2:12] = 3  # 100 px, wholly found
    labels[20:40, 20:40] = 3  # 400 px, a quarter found
    predictions = np.zeros_like(labels)
    predictions[2:12, 2:12] = 3
    predictions[20:30, 20:30] = 3
    recall = ObjectRecall((3,), edges_px=(256,))
    recall.add(labels, predictions)
    small, large = recall.bins()
    assert (small.objects, small.found, small.pixels, small.right_pixels) == (1, 1, 100, 100)
    assert (large.objects, large.found, large.pixels, large.right_pixels) == (1, 0, 400, 100)
    assert (large.recall, large.found_share) == (0.25, 0.0)
    assert (small.from_px, small.to_px, large.to_px) == (1, 256, None)


def test_exactly_half_of_an_object_is_found() -> None:
    labels = np.zeros((10, 10), np.uint8)
    labels[:, :4] = 1
    predictions = np.zeros_like(labels)
    predictions[:5, :4] = 1
    recall = ObjectRecall((1,))
    recall.add(labels, predictions)
    assert recall.bins()[0].found_share == 1.0


def test_diagonal_neighbours_are_one_object_and_other_classes_are_not() -> None:
    labels = np.zeros((6, 6), np.uint8)
    labels[1, 1] = labels[2, 2] = 1
    labels[2, 3] = 2
    recall = ObjectRecall((1, 2))
    recall.add(labels, labels)
    assert recall.bins(1)[0].objects == 1
    assert recall.bins(2)[0].objects == 1
    assert recall.bins()[0].objects == 2


def test_counts_equal_a_plain_loop_over_regions() -> None:
    random = np.random.default_rng(5)
    labels = np.kron(random.integers(0, 4, (20, 30)), np.ones((5, 4), int)).astype(np.uint8)
    predictions = np.where(random.random(labels.shape) < 0.55, labels, 0).astype(np.uint8)
    edges = (30, 90)
    recall = ObjectRecall((1, 3), edges)
    recall.add(labels, predictions)
    expected = np.zeros((2, 3, 4), int)
    for row, index in enumerate((1, 3)):
        regions, number = ndimage.label(labels == index, np.ones((3, 3)))
        for region in range(1, number + 1):
            mask = regions == region
            hits = int((predictions == index)[mask].sum())
            size = int(mask.sum())
            which = (size >= edges[0]) + (size >= edges[1])
            expected[row, which] += (1, hits >= size / 2, size, hits)
    np.testing.assert_array_equal(recall.counts, expected)


def test_without_target_objects_recall_is_nan() -> None:
    recall = ObjectRecall((7,))
    recall.add(np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8))
    assert math.isnan(recall.bins()[0].recall) and math.isnan(recall.bins()[0].found_share)


def test_size_edges_that_do_not_increase_are_refused() -> None:
    with pytest.raises(ValueError, match="size edges"):
        ObjectRecall((1,), (100, 10))
