"""Trimap scores: accuracy and mIoU in bands around the boundaries of the label map."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from roadseg.metrics.confusion import ConfusionMetrics, pair_counts

RADII_PX = (1, 3, 5, 10)


@dataclass(frozen=True)
class BandScore:
    """Scores of the labelled pixels within `radius_px` of a boundary; NaN without such pixels."""

    radius_px: int
    pixels: int
    accuracy: float
    miou: float


def boundary_pixels(
    labels: np.ndarray, num_classes: int, classes: Collection[int] | None = None
) -> np.ndarray:
    """Return bool (height, width): pixels with a 4-neighbour of another class.

    Both pixels of the pair must carry a class (0 .. num_classes - 1), so a border with ignored
    pixels is no boundary. With `classes`, at least one of the two must be of these classes.
    """
    counted = labels < num_classes if classes is None else np.isin(labels, list(classes))
    valid = (labels >= 0) & (labels < num_classes)
    edge = np.zeros(labels.shape, bool)
    for before, after in (
        (np.s_[:-1, :], np.s_[1:, :]),
        (np.s_[:, :-1], np.s_[:, 1:]),
    ):
        pair = labels[before] != labels[after]
        pair &= valid[before] & valid[after]
        pair &= counted[before] | counted[after]
        edge[before] |= pair
        edge[after] |= pair
    return edge


def within(edge: np.ndarray, radius_px: int) -> np.ndarray:
    """Return bool (height, width): the Euclidean distance to a pixel of `edge` is below the radius.

    Distances run between pixel centres and a boundary pixel itself has distance 0, so a straight
    boundary gets a band of exactly `radius_px` pixels on each of its sides. Exact: a dilation with
    a disc, in integers. Cost at 1024x2048 on one core: 0.1 to 8 ms for radii 1 to 10, against 30 ms
    for OpenCV's precise and 105 ms for SciPy's distance transform.
    """
    # OpenCV takes no truths; a view of them copies nothing.
    return cv2.dilate(edge.view(np.uint8), disc(radius_px**2)).view(bool)


@cache
def disc(square_px: int) -> np.ndarray:
    """Return the uint8 square of offsets whose squared distance to its centre is below a number."""
    # The largest whole offset that is still strictly within.
    reach = math.isqrt(square_px - 1)
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return (rows**2 + columns**2 < square_px).astype(np.uint8)


class BoundaryBands:
    """Confusion counts in nested bands around boundaries, streaming.

    radii_px: increasing band widths. classes: only boundaries that touch one of these classes;
    None for all. Ignored pixels inside a band are not counted.
    """

    def __init__(
        self,
        num_classes: int,
        radii_px: Sequence[int] = RADII_PX,
        classes: Collection[int] | None = None,
    ) -> None:
        """Start at zero; raise ValueError unless the radii increase from at least 1."""
        if not radii_px or radii_px[0] < 1 or list(radii_px) != sorted(set(radii_px)):
            raise ValueError(f"band radii {tuple(radii_px)}: increasing integers from 1 are needed")
        self.num_classes = num_classes
        self.radii_px = tuple(radii_px)
        self.classes = None if classes is None else frozenset(classes)
        self.counts = np.zeros((len(self.radii_px), num_classes, num_classes + 1), np.int64)

    def rings(self, labels: np.ndarray) -> list[np.ndarray]:
        """Return which pixels each band adds to the one before it, as flat indices.

        They depend on the labels (height, width) alone: find them once for several predictions.
        About 15 ms of one core at 1024x2048.
        """
        edge = boundary_pixels(labels, self.num_classes, self.classes)
        if not edge.any():
            return [np.empty(0, np.intp) for _ in self.radii_px]
        bands = [within(edge, radius) for radius in self.radii_px]
        inner = [np.zeros_like(edge), *bands[:-1]]
        pairs = zip(bands, inner, strict=True)
        return [np.flatnonzero(band & ~smaller) for band, smaller in pairs]

    def count(
        self, labels: np.ndarray, predictions: np.ndarray, rings: Sequence[np.ndarray]
    ) -> np.ndarray:
        """Return the counts (radii, classes, classes + 1) of one image, given its `rings`.

        labels, predictions: integers (height, width).
        """
        flat = labels.ravel(), predictions.ravel()
        counts = [pair_counts(flat[0][ring], flat[1][ring], self.num_classes) for ring in rings]
        # Each band holds those inside it.
        return np.cumsum(counts, axis=0)

    def add(self, labels: np.ndarray, predictions: np.ndarray) -> None:
        """Count one image (height, width)."""
        self.counts += self.count(labels, predictions, self.rings(labels))

    def metrics(self) -> list[BandScore]:
        """Return the scores of each band, narrowest first."""
        bands = []
        for radius, counts in zip(self.radii_px, self.counts, strict=True):
            scores = ConfusionMetrics(counts)
            bands.append(BandScore(radius, scores.pixels, scores.pixel_accuracy(), scores.miou()))
        return bands


def boundary_accuracy(
    labels: np.ndarray,
    predictions: np.ndarray,
    radius_px: int,
    num_classes: int,
    classes: Collection[int] | None = None,
) -> float:
    """Return the share of right pixels within `radius_px` of a boundary of one image; NaN if none.

    labels, predictions: integers (height, width); labels from `num_classes` up (255) are ignored.
    """
    bands = BoundaryBands(num_classes, (radius_px,), classes)
    bands.add(labels, predictions)
    return bands.metrics()[0].accuracy if bands.counts.any() else math.nan
