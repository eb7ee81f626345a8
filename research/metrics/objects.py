"""Recall of target objects by their size: does a far pedestrian survive the sampling?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

SIZE_EDGES_PX = (16**2, 32**2, 96**2, 256**2)
FOUND_SHARE = 0.5


@dataclass(frozen=True)
class SizeBin:
    """Objects with at least `from_px` and less than `to_px` pixels (None: no limit)."""

    from_px: int
    to_px: int | None
    objects: int
    found: int
    pixels: int
    right_pixels: int

    @property
    def recall(self) -> float:
        """Share of the objects' pixels that are right; NaN without objects."""
        return self.right_pixels / self.pixels if self.pixels else math.nan

    @property
    def found_share(self) -> float:
        """Share of the objects of which at least half is right; NaN without objects."""
        return self.found / self.objects if self.objects else math.nan


@dataclass(frozen=True)
class Regions:
    """The objects of one class in one label map."""

    index: int
    """The class."""
    box: tuple[slice, slice]
    """Rows and columns that hold all of them."""
    numbers: np.ndarray
    """Number of the object at each pixel of the box, from 1; 0 elsewhere."""
    areas: np.ndarray
    """Pixels of each object, in the order of their numbers."""


class ObjectRecall:
    """Streaming recall by object size, for each of `classes`.

    An object is an 8-connected region of one class in the label map, so two cars that touch are one
    object (class labels do not part them). Its size is its area in pixels of the label, at full
    resolution. `edges_px` part the bins; the last bin has no upper limit.
    """

    def __init__(self, classes: Sequence[int], edges_px: Sequence[int] = SIZE_EDGES_PX) -> None:
        """Start at zero; raise ValueError unless the edges increase from at least 1."""
        if list(edges_px) != sorted(set(edges_px)) or (edges_px and edges_px[0] < 1):
            raise ValueError(f"size edges {tuple(edges_px)}: increasing areas in px are needed")
        self.classes = tuple(classes)
        self.edges_px = tuple(edges_px)
        # Last axis: objects, found objects, pixels, right pixels.
        self.counts = np.zeros((len(self.classes), len(self.edges_px) + 1, 4), np.int64)

    def regions(self, labels: np.ndarray) -> list[Regions]:
        """Return the objects of a label map (height, width), one entry for each class that occurs.

        They depend on the labels alone: find them once for several predictions. 2 to 3 ms of one
        core at 1024x2048.
        """
        found = []
        for index in self.classes:
            mask = (labels == index).view(np.uint8)
            left, top, width, height = cv2.boundingRect(mask)
            if width:
                box = np.s_[top : top + height, left : left + width]
                number, numbers = cv2.connectedComponents(mask[box], connectivity=8)
                areas = np.bincount(numbers.ravel(), minlength=number)[1:]
                found.append(Regions(index, box, numbers, areas))
        return found

    def count(self, predictions: np.ndarray, regions: Sequence[Regions]) -> np.ndarray:
        """Return the counts (classes, bins, 4) of one image, given the `regions` of its label.

        predictions: integers (height, width).
        """
        counts = np.zeros_like(self.counts)
        side = len(self.edges_px) + 1
        for region in regions:
            right = predictions[region.box] == region.index
            hits = np.bincount(region.numbers[right], minlength=len(region.areas) + 1)[1:]
            bins = np.digitize(region.areas, self.edges_px)
            ones = np.ones_like(hits)
            columns = ones, hits >= FOUND_SHARE * region.areas, region.areas, hits
            # Weights make these sums float64, which hold whole pixels exactly.
            sums = [np.bincount(bins, weights=column, minlength=side) for column in columns]
            counts[self.classes.index(region.index)] = np.stack(sums, axis=-1)
        return counts

    def add(self, labels: np.ndarray, predictions: np.ndarray) -> None:
        """Count one image (height, width)."""
        self.counts += self.count(predictions, self.regions(labels))

    def bins(self, index: int | None = None) -> list[SizeBin]:
        """Return the size bins, smallest first, of the class `index` or of all classes together."""
        table = self.counts.sum(axis=0) if index is None else self.counts[self.classes.index(index)]
        lower = (1, *self.edges_px)
        upper = (*self.edges_px, None)
        rows = zip(lower, upper, table.tolist(), strict=True)
        return [SizeBin(from_px, to_px, *row) for from_px, to_px, row in rows]
