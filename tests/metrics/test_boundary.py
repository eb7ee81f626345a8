import math

import numpy as np
import pytest
from scipy import ndimage

from roadseg.metrics.boundary import (
    RADII_PX,
    BoundaryBands,
    boundary_accuracy,
    boundary_pixels,
    within,
)


def street(shape: tuple[int, int] = (61, 83)) -> np.ndarray:
    """Return a label map with three classes, a round object of class 3 and an ignored corner."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    labels = (rows > 30).astype(np.uint8)
    labels[columns > 60] = 2
    labels[(rows - 28) ** 2 + (columns - 25) ** 2 < 60] = 3
    labels[:12, :12] = 255
    return labels


def test_a_straight_boundary_gets_its_radius_on_each_side() -> None:
    labels = np.repeat(np.array([[0] * 20 + [1] * 20], np.uint8), 8, axis=0)
    edge = boundary_pixels(labels, 2)
    for radius in RADII_PX:
        columns = np.flatnonzero(within(edge, radius)[4])
        assert columns.tolist() == list(range(20 - radius, 20 + radius))


def test_the_band_is_the_exact_euclidean_one() -> None:
    edge = boundary_pixels(street(), 4)
    distance = ndimage.distance_transform_edt(~edge)
    for radius in RADII_PX:
        np.testing.assert_array_equal(within(edge, radius), distance < radius)


def test_borders_with_ignored_pixels_and_the_image_border_are_no_boundary() -> None:
    labels = np.zeros((9, 9), np.uint8)
    labels[3:6, 3:6] = 255
    assert not boundary_pixels(labels, 2).any()


def test_with_target_classes_only_their_boundaries_count_on_both_sides() -> None:
    labels = street()
    edge = boundary_pixels(labels, 4, classes=(3,))
    assert edge[:, :60].any() and not edge[:, 45:].any()
    assert set(np.unique(labels[edge])) == {0, 1, 3}
    assert (edge <= boundary_pixels(labels, 4)).all()


def test_band_scores_equal_a_plain_computation() -> None:
    labels = street()
    predictions = np.roll(labels, 2, 1)
    predictions[predictions == 255] = 0
    bands = BoundaryBands(4)
    bands.add(labels, predictions)
    distance = ndimage.distance_transform_edt(~boundary_pixels(labels, 4))
    for score in bands.metrics():
        band = (distance < score.radius_px) & (labels < 4)
        assert score.pixels == band.sum()
        assert score.accuracy == pytest.approx((labels == predictions)[band].mean(), rel=1e-12)
        ious = []
        for index in range(4):
            a, b = (labels == index) & band, (predictions == index) & band
            ious.append((a & b).sum() / (a | b).sum())
        assert score.miou == pytest.approx(np.mean(ious), rel=1e-12)


def test_a_perfect_prediction_scores_one_in_every_band() -> None:
    labels = street()
    assert boundary_accuracy(labels, labels, 3, 4) == 1.0


def test_an_image_without_boundary_scores_nan() -> None:
    labels = np.zeros((8, 8), np.uint8)
    assert math.isnan(boundary_accuracy(labels, labels, 3, 4))


@pytest.mark.parametrize("radii", [(), (0, 1), (3, 1), (2, 2)])
def test_radii_that_do_not_increase_are_refused(radii: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="radii"):
        BoundaryBands(4, radii)
