"""The boundary F-score against its definition, written out pixel by pixel."""

import math

import numpy as np
import pytest

from roadseg.metrics.boundary_f import THRESHOLDS, BoundaryFScore

NAMES = ("road", "car", "pole")


def scene(seed: int, size: tuple[int, int] = (23, 31)) -> np.ndarray:
    """Return a label map of blocks of three classes with an ignored corner."""
    random = np.random.default_rng(seed)
    labels = np.zeros(size, np.uint8)
    for kind in (1, 2, 1):
        top, left = (int(random.integers(0, side - 6)) for side in size)
        labels[top : top + 6, left : left + int(random.integers(2, 12))] = kind
    labels[-4:, -5:] = 255
    return labels


def outline_points(mask: np.ndarray) -> list[tuple[int, int]]:
    height, width = mask.shape
    points = []
    for row in range(height):
        for column in range(width):
            beside = [(row, column + 1), (row + 1, column), (row + 1, column + 1)]
            inside = [(y, x) for y, x in beside if y < height and x < width]
            if any(mask[y, x] != mask[row, column] for y, x in inside):
                points.append((row, column))
    return points


def share_near(points: list, others: list, radius: int) -> float:
    near = sum(any((y - v) ** 2 + (x - u) ** 2 <= radius**2 for v, u in others) for y, x in points)
    return near / len(points)


def by_definition(labels: np.ndarray, prediction: np.ndarray, kind: int, threshold: float) -> float:
    radius = math.ceil(threshold * math.sqrt(labels.shape[0] ** 2 + labels.shape[1] ** 2))
    valid = labels < len(NAMES)
    wanted = outline_points((labels == kind) & valid)
    drawn = outline_points((prediction == kind) & valid)
    if not wanted and not drawn:
        return 1.0
    if not drawn:
        precision, recall = 1.0, 0.0
    elif not wanted:
        precision, recall = 0.0, 1.0
    else:
        precision, recall = share_near(drawn, wanted, radius), share_near(wanted, drawn, radius)
    if precision + recall == 0:
        return 0.0
    return 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize("thresholds", [THRESHOLDS, (0.02, 0.06, 0.12)])
def test_scores_of_an_image_are_those_of_the_definition(thresholds):
    measure = BoundaryFScore(3, thresholds)
    for seed in range(3):
        labels, prediction = scene(seed), scene(seed + 100)
        prediction[prediction == 255] = 0
        expected = [
            [by_definition(labels, prediction, kind, threshold) for kind in range(3)]
            for threshold in thresholds
        ]
        np.testing.assert_allclose(measure.measure(labels, prediction), expected, rtol=1e-12)
    assert measure.images == 0


def test_a_class_scores_the_mean_over_images_and_the_result_the_mean_over_classes():
    measure, each = BoundaryFScore(3), []
    for seed in range(3):
        labels, prediction = scene(seed), np.minimum(scene(seed + 1), 2)
        measure.add(labels, prediction.astype(np.int32))
        each.append(measure.measure(labels, prediction))
    assert measure.images == 3
    for place, score in enumerate(measure.metrics(NAMES)):
        means = np.mean(each, axis=0)[place]
        assert score.threshold == THRESHOLDS[place]
        assert list(score.by_class.values()) == pytest.approx(means, rel=1e-12)
        assert score.score == pytest.approx(means.mean(), rel=1e-12)
        assert 0 < score.score < 1


def test_a_perfect_prediction_scores_one_and_wider_tolerance_never_less():
    labels = scene(0)
    perfect = BoundaryFScore(3).measure(labels, np.where(labels == 255, 1, labels))
    np.testing.assert_array_equal(perfect, 1)
    wider = BoundaryFScore(3, (0.01, 0.05, 0.1)).measure(labels, np.roll(labels, 2, 1))
    assert (np.diff(wider, axis=0) >= 0).all() and (wider[-1] > wider[0]).any()


def test_a_class_in_one_map_alone_scores_zero_and_in_neither_one():
    labels, prediction = np.zeros((2, 9, 9), np.uint8)
    prediction[3:5, 3:5] = 1
    scores = BoundaryFScore(3, (0.05,)).measure(labels, prediction)
    np.testing.assert_array_equal(scores, [[0, 0, 1]])


def test_a_mask_that_touches_the_border_has_no_outline_there():
    labels = np.zeros((9, 12), np.uint8)
    labels[:, :5] = labels[6:, :] = 1
    prediction = labels.copy()
    prediction[:7, :5] = 0
    scores = BoundaryFScore(2, (0.01, 0.3)).measure(labels, prediction)
    expected = [[by_definition(labels, prediction, k, t) for k in range(2)] for t in (0.01, 0.3)]
    np.testing.assert_allclose(scores, expected, rtol=1e-12)


def test_no_image_gives_nan_and_a_threshold_of_nothing_is_refused():
    assert math.isnan(BoundaryFScore(3).metrics(NAMES)[0].score)
    for thresholds in ((), (0.0,), (1.5,)):
        with pytest.raises(ValueError, match="shares of the diagonal"):
            BoundaryFScore(3, thresholds)
