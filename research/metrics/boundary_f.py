"""Boundary F-score: how well the outline of each class is met, within a share of the diagonal."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from roadseg.metrics.boundary import disc

THRESHOLDS = (0.0005, 0.001875, 0.00375, 0.005)
"""Tolerances as shares of the image diagonal: 2, 5, 9 and 12 pixels at 1024x2048."""


@dataclass(frozen=True)
class BoundaryF:
    """Scores at one tolerance; NaN before any image."""

    threshold: float
    """Share of the image diagonal."""
    score: float
    """Mean over the classes."""
    by_class: dict[str, float]
    """Mean over the images."""


class BoundaryFScore:
    """The F-score of outlines for each class and tolerance, averaged over images, streaming.

    Ignored pixels belong to no class, in labels and predictions. An outline point is right if one
    of the other map lies within ceil(threshold * diagonal) pixels of it (Euclidean, that distance
    included): precision is the share of right points of the prediction, recall that of the label.
    A class without outline in both maps scores 1, in one of them 0.
    Source: definition of `--evaluateF` in lxtGH/SFSegNets ba475ba; the measure is Perazzi et al.
    2016 (DAVIS), section 4.
    """

    def __init__(self, num_classes: int, thresholds: Sequence[float] = THRESHOLDS) -> None:
        """Start without images; raise ValueError for a threshold that is no share above 0."""
        if not thresholds or not all(0 < threshold < 1 for threshold in thresholds):
            raise ValueError(f"thresholds {tuple(thresholds)}: shares of the diagonal, above 0")
        self.num_classes = num_classes
        self.thresholds = tuple(thresholds)
        self.images = 0
        self._total = np.zeros((len(self.thresholds), num_classes))

    def measure(self, labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
        """Return the scores (thresholds, classes) of one image; changes nothing.

        labels, predictions: integers (height, width); labels that are no class are ignored. Each
        class is looked at in its bounding box alone.
        """
        classes = self.num_classes
        ignored = (labels < 0) | (labels >= classes)
        maps = [np.where(ignored, 255, values).astype(np.uint8) for values in (labels, predictions)]
        diagonal = math.hypot(*labels.shape)
        radii_px = [math.ceil(threshold * diagonal) for threshold in self.thresholds]
        found = np.ones((len(radii_px), classes))
        present = [np.bincount(values.ravel(), minlength=256)[:classes] > 0 for values in maps]
        for index in np.flatnonzero(present[0] | present[1]):
            label, prediction = ((values == index).view(np.uint8) for values in maps)
            found[:, index] = _f_scores(label, prediction, radii_px)
        return found

    def add_scores(self, scores: np.ndarray) -> None:
        """Add what `measure` returned for one image."""
        self._total += scores
        self.images += 1

    def add(self, labels: np.ndarray, predictions: np.ndarray) -> None:
        """Measure and add one image (height, width)."""
        self.add_scores(self.measure(labels, predictions))

    def metrics(self, names: Sequence[str]) -> list[BoundaryF]:
        """Return the scores at each tolerance; names: of the classes."""
        means = self._total / self.images if self.images else np.full_like(self._total, math.nan)
        return [
            BoundaryF(threshold, float(row.mean()), dict(zip(names, row.tolist(), strict=True)))
            for threshold, row in zip(self.thresholds, means, strict=True)
        ]


def outline(mask: np.ndarray) -> np.ndarray:
    """Return uint8 (height, width): pixels that differ from their right, lower or diagonal one.

    mask: uint8 0 or 1. The diagonal neighbour is the lower right one; neighbours outside the image
    do not count, so the last corner is never an outline.
    """
    found = np.zeros_like(mask)
    found[:, :-1] = mask[:, :-1] ^ mask[:, 1:]
    found[:-1] |= mask[:-1] ^ mask[1:]
    found[:-1, :-1] |= mask[:-1, :-1] ^ mask[1:, 1:]
    return found


def _f_scores(label: np.ndarray, prediction: np.ndarray, radii_px: Sequence[int]) -> list[float]:
    """Return the F-score of two masks at each tolerance; at least one mask holds a pixel."""
    left, top, width, height = cv2.boundingRect(label | prediction)
    # Outlines reach one pixel beyond the masks, on every side.
    rows = slice(max(top - 1, 0), top + height + 1)
    columns = slice(max(left - 1, 0), left + width + 1)
    wanted, drawn = outline(label[rows, columns]), outline(prediction[rows, columns])
    counts = cv2.countNonZero(wanted), cv2.countNonZero(drawn)
    if not all(counts):
        return [0.0 if any(counts) else 1.0] * len(radii_px)
    scores = []
    for radius in radii_px:
        # `disc` stops short of its number, and the radius itself is to be included.
        near = disc(radius**2 + 1)
        recall = cv2.countNonZero(wanted & cv2.dilate(drawn, near)) / counts[0]
        precision = cv2.countNonZero(drawn & cv2.dilate(wanted, near)) / counts[1]
        both = precision + recall
        scores.append(2 * precision * recall / both if both else 0.0)
    return scores
