"""Scores of many images: measured in threads, added up in order, so that results never vary."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from roadseg.datasets.label_table import LabelTable
from roadseg.eval.results import ImageScore
from roadseg.metrics.boundary import BoundaryBands
from roadseg.metrics.confusion import ConfusionMatrix, ConfusionScores, pair_counts
from roadseg.metrics.objects import ObjectRecall

Value = TypeVar("Value")


@dataclass(frozen=True)
class _Measured:
    counts: np.ndarray
    boundary: np.ndarray
    boundary_target: np.ndarray
    objects: np.ndarray


class SegmentationScorer:
    """All segmentation metrics of a split. `measure` may run in any thread, `add` in one."""

    def __init__(self, table: LabelTable) -> None:
        """Start at zero for the classes of `table`; its target classes are the objects."""
        self.table = table
        self.confusion = ConfusionMatrix(table.num_classes, table.ignore)
        self.boundary = BoundaryBands(table.num_classes)
        self.boundary_target = BoundaryBands(table.num_classes, classes=table.target_classes)
        self.objects = ObjectRecall(table.target_classes)
        self.per_image: list[ImageScore] = []

    def measure(self, label: np.ndarray, prediction: np.ndarray) -> _Measured:
        """Return the counts of one image; label and prediction are integers (height, width)."""
        return _Measured(
            pair_counts(label, prediction, self.table.num_classes),
            self.boundary.measure(label, prediction),
            self.boundary_target.measure(label, prediction),
            self.objects.measure(label, prediction),
        )

    def add(self, name: str, measured: _Measured) -> None:
        """Add what `measure` returned for the image `name`."""
        self.confusion.add_counts(measured.counts)
        self.boundary.counts += measured.boundary
        self.boundary_target.counts += measured.boundary_target
        self.objects.counts += measured.objects
        scores = ConfusionScores(measured.counts)
        self.per_image.append(
            ImageScore(name, scores.pixels, scores.miou(), scores.pixel_accuracy())
        )

    def values(self) -> dict[str, Any]:
        """Return the fields of `EvaluationResult` that follow from the images."""
        scores, table = self.confusion.scores(), self.table
        categories = {
            name: [index for index, of in enumerate(table.categories) if of == name]
            for name in table.category_names
        }
        by_class = {table.names[index]: self.objects.bins(index) for index in table.target_classes}
        return {
            "class_names": list(table.names),
            "target_classes": list(table.target_classes),
            "images": len(self.per_image),
            "pixels": scores.pixels,
            "miou": scores.miou(),
            "miou_all_classes": scores.miou_all_classes(),
            "miou_target": scores.mean_iou_of(table.target_classes),
            "pixel_accuracy": scores.pixel_accuracy(),
            "mean_class_accuracy": scores.mean_class_accuracy(),
            "frequency_weighted_iou": scores.frequency_weighted_iou(),
            "iou": dict(zip(table.names, scores.iou(), strict=True)),
            "class_accuracy": dict(zip(table.names, scores.class_accuracy(), strict=True)),
            "category_iou": scores.category_iou(categories),
            "boundary": self.boundary.scores(),
            "boundary_target": self.boundary_target.scores(),
            "objects": self.objects.bins(),
            "objects_by_class": by_class,
            "per_image": self.per_image,
            "confusion": self.confusion.matrix.tolist(),
            "unassigned": self.confusion.unassigned.tolist(),
        }


def in_threads(jobs: Iterable[Callable[[], Value]], workers: int | None = None) -> Iterator[Value]:
    """Yield the results of `jobs` in order, while at most 2 * workers of them are under way.

    workers: threads; None for one a core, at most 8. Metrics and native code release the lock.
    """
    workers = workers or min(8, os.cpu_count() or 1)
    waiting: deque[Future[Value]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for job in jobs:
            waiting.append(pool.submit(job))
            if len(waiting) >= 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
