import itertools
import math

import numpy as np
import pytest

from roadseg.metrics.confusion import ConfusionMatrix, pair_counts

CATEGORIES = {"flat": (0, 1), "object": (2,), "vehicle": (3, 4)}


def random_pair(seed: int, shape: tuple[int, ...] = (37, 53), dtype: type = np.uint8) -> tuple:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 5, shape).astype(dtype)
    predictions = np.where(random.random(shape) < 0.6, labels, random.integers(0, 5, shape))
    labels[random.random(shape) < 0.1] = 255
    return labels, predictions.astype(dtype)


def counted_by_a_loop(labels: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    counts = np.zeros((classes, classes + 1), int)
    for label, prediction in zip(
        labels.ravel().tolist(), predictions.ravel().tolist(), strict=True
    ):
        if 0 <= label < classes:
            counts[label, prediction if 0 <= prediction < classes else classes] += 1
    return counts


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_counts_equal_a_plain_loop(dtype: type) -> None:
    labels, predictions = random_pair(0, dtype=dtype)
    predictions.ravel()[::17] = 255
    expected = counted_by_a_loop(labels, predictions, 5)
    np.testing.assert_array_equal(pair_counts(labels, predictions, 5), expected)


@pytest.mark.parametrize(
    ("label_type", "prediction_type"),
    list(itertools.product((np.uint8, np.int32, np.int64, np.uint16), repeat=2)),
)
def test_every_pair_of_integer_types_is_counted(label_type: type, prediction_type: type) -> None:
    labels, predictions = random_pair(5)
    found = pair_counts(labels.astype(label_type), predictions.astype(prediction_type), 5)
    np.testing.assert_array_equal(found, counted_by_a_loop(labels, predictions, 5))


@pytest.mark.parametrize("pixels", [0, 1, 7, 8, 4095, 4096, 4097, 20_003])
def test_runs_of_one_class_and_arrays_of_any_length_are_counted(pixels: int) -> None:
    random = np.random.default_rng(pixels)
    labels, predictions = np.repeat(random.integers(0, 7, (2, pixels // 9 + 1), np.uint8), 9, 1)
    labels, predictions = labels[:pixels], predictions[:pixels]
    expected = counted_by_a_loop(labels, predictions, 6)
    np.testing.assert_array_equal(pair_counts(labels, predictions, 6), expected)
    assert expected.sum() == (labels < 6).sum()


def test_as_many_classes_as_bytes_have_room_for_are_counted() -> None:
    labels, predictions = np.random.default_rng(0).integers(0, 256, (2, 40, 60), np.uint8)
    expected = counted_by_a_loop(labels, predictions, 255)
    np.testing.assert_array_equal(pair_counts(labels, predictions, 255), expected)
    with pytest.raises(ValueError, match="256 classes: pairs of at most 255"):
        pair_counts(labels, predictions, 256)


def test_arrays_that_are_not_contiguous_or_writable_are_counted() -> None:
    labels, predictions = random_pair(6)
    expected = counted_by_a_loop(labels[:, ::-2], predictions[:, ::-2], 5)
    predictions.flags.writeable = False
    np.testing.assert_array_equal(pair_counts(labels[:, ::-2], predictions[:, ::-2], 5), expected)


def test_negative_ids_are_no_class() -> None:
    labels = np.array([[-1, 0, 1]])
    predictions = np.array([[0, -1, 1]])
    np.testing.assert_array_equal(pair_counts(labels, predictions, 2), [[0, 0, 1], [0, 1, 0]])


def test_streaming_over_images_equals_one_big_image() -> None:
    pairs = [random_pair(seed) for seed in range(4)]
    matrix = ConfusionMatrix(5)
    for labels, predictions in pairs:
        matrix.add(labels, predictions)
    whole = ConfusionMatrix(5)
    whole.add(*(np.concatenate(side) for side in zip(*pairs, strict=True)))
    np.testing.assert_array_equal(matrix.matrix, whole.matrix)


def test_scores_follow_from_their_definitions() -> None:
    labels, predictions = random_pair(1)
    matrix = ConfusionMatrix(5)
    matrix.add(labels, predictions)
    scores = matrix.metrics()
    valid = labels != 255
    for index, iou in enumerate(scores.iou()):
        a, b = (labels == index) & valid, (predictions == index) & valid
        assert iou == (a & b).sum() / (a | b).sum()
    assert scores.pixels == valid.sum()
    assert scores.pixel_accuracy() == (labels == predictions)[valid].mean()
    shares = [(labels == index).sum() / valid.sum() for index in range(5)]
    weighted = sum(share * iou for share, iou in zip(shares, scores.iou(), strict=True))
    assert scores.frequency_weighted_iou() == pytest.approx(weighted, rel=1e-12)
    recalls = [(predictions == index)[labels == index].mean() for index in range(5)]
    assert scores.mean_class_accuracy() == pytest.approx(np.mean(recalls), rel=1e-12)
    precisions = [(labels == index)[(predictions == index) & valid].mean() for index in range(5)]
    assert scores.class_precision() == pytest.approx(precisions, rel=1e-12)


def test_a_category_counts_its_classes_as_one() -> None:
    labels, predictions = random_pair(2)
    matrix = ConfusionMatrix(5)
    matrix.add(labels, predictions)
    merge = np.full(256, 255)
    for number, members in enumerate(CATEGORIES.values()):
        merge[list(members)] = number
    merged = ConfusionMatrix(3)
    merged.add(merge[labels], merge[predictions])
    assert list(matrix.metrics().category_iou(CATEGORIES).values()) == merged.metrics().iou()


def test_absent_classes_leave_the_mean_over_present_ones() -> None:
    matrix = ConfusionMatrix(4)
    matrix.add(np.array([[0, 0, 1, 255]]), np.array([[0, 1, 1, 3]]))
    scores = matrix.metrics()
    assert [math.isnan(value) for value in scores.iou()] == [False, False, True, True]
    assert scores.miou() == 0.5
    assert scores.miou_absent_zero() == 0.25
    assert scores.miou_absent_zero(absent=1.0) == 0.75
    assert scores.mean_iou_of((1, 2)) == 0.5


def test_nothing_counted_gives_nan_and_no_warning() -> None:
    scores = ConfusionMatrix(3).metrics()
    assert math.isnan(scores.miou()) and math.isnan(scores.pixel_accuracy())
    assert math.isnan(scores.frequency_weighted_iou())


def test_counts_do_not_overflow_32_bits() -> None:
    matrix = ConfusionMatrix(2)
    big = np.full((2, 2), 2**31, np.int64)
    matrix.add_counts(big)
    matrix.add_counts(big)
    assert matrix.matrix[0, 0] == 2**32
    assert matrix.metrics().pixels == 2**34


def test_mismatched_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="differ"):
        ConfusionMatrix(3).add(np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8))
    with pytest.raises(ValueError, match="counts of shape"):
        ConfusionMatrix(3).add_counts(np.zeros((2, 2)))


@pytest.mark.parametrize("classes", [0, 256])
def test_no_class_and_more_than_bytes_hold_are_refused(classes: int) -> None:
    with pytest.raises(ValueError, match=f"{classes} classes: .* from 1 to 255"):
        ConfusionMatrix(classes, ignore=300)


def test_an_ignored_class_is_refused() -> None:
    with pytest.raises(ValueError, match="ignore value 2"):
        ConfusionMatrix(3, ignore=2)


def test_graph_counts_equal_numpy_counts() -> None:
    pytest.importorskip("keras")
    from roadseg.metrics.confusion_graph import confusion_counts, mean_iou

    for shape in ((2, 9, 11), (31, 17)):
        labels, predictions = random_pair(3, shape, np.int32)
        predictions.ravel()[::13] = 255
        counts = confusion_counts(labels, predictions, 5)
        np.testing.assert_array_equal(np.asarray(counts), pair_counts(labels, predictions, 5))
        matrix = ConfusionMatrix(5)
        matrix.add_counts(np.asarray(counts))
        assert float(mean_iou(counts)) == pytest.approx(matrix.metrics().miou(), rel=1e-6)


def test_order_of_images_changes_nothing() -> None:
    pairs = [random_pair(seed, (5, 7)) for seed in range(3)]
    results = set()
    for order in itertools.permutations(pairs):
        matrix = ConfusionMatrix(5)
        for labels, predictions in order:
            matrix.add(labels, predictions)
        results.add(matrix.metrics().miou())
    assert len(results) == 1
