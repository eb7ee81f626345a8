"""Scores of many images: measured in threads, added up in order, so that results never vary."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from roadseg.eval.results.segmentation import ImageScore
from roadseg.files import Arrays
from roadseg.label_tables.label_table import LabelTable
from roadseg.metrics.boundary import BoundaryBands
from roadseg.metrics.boundary_f import BoundaryFScore
from roadseg.metrics.confusion import ConfusionMatrix, ConfusionMetrics, pair_counts_with_void
from roadseg.metrics.objects import ObjectRecall, Regions
from roadseg.processors import usable_cpus

Value = TypeVar("Value")


@dataclass(frozen=True)
class Geometry:
    """What the metrics need to know of a label map, found once for several predictions."""

    label: np.ndarray
    rings: list[np.ndarray]
    rings_target: list[np.ndarray]
    regions: list[Regions]


@dataclass(frozen=True)
class Counts:
    """The counts of one image for each metric."""

    confusion: np.ndarray
    boundary: np.ndarray
    boundary_target: np.ndarray
    objects: np.ndarray
    boundary_f: np.ndarray | None = None
    """Scores, not counts; None where they are not asked for."""

    def named(self, name: str) -> Arrays:
        """Return all as arrays, with the name of the image."""
        counted = {key: value for key, value in vars(self).items() if value is not None}
        return {"name": np.array(name), **counted}


class SegmentationScorer:
    """All segmentation metrics of a split. `geometry` and `count` may run in any thread."""

    def __init__(self, table: LabelTable, boundary_f: bool = False) -> None:
        """Start at zero for the classes of `table`; its target classes are the objects.

        boundary_f: measure the boundary F-score too, which takes longer than all the others.
        """
        self.table = table
        self.confusion = ConfusionMatrix(table.num_classes, table.ignore)
        self.boundary = BoundaryBands(table.num_classes)
        self.boundary_target = BoundaryBands(table.num_classes, classes=table.target_classes)
        self.objects = ObjectRecall(table.target_classes)
        self.boundary_f = BoundaryFScore(table.num_classes) if boundary_f else None
        self.per_image: list[ImageScore] = []

    def geometry(self, label: np.ndarray) -> Geometry:
        """Return what is measured of the label map alone; integers (height, width)."""
        return Geometry(
            label,
            self.boundary.rings(label),
            self.boundary_target.rings(label),
            self.objects.regions(label),
        )

    def count(self, geometry: Geometry, prediction: np.ndarray) -> Counts:
        """Return the counts of one prediction, integers (height, width); changes nothing."""
        label = geometry.label
        return Counts(
            pair_counts_with_void(label, prediction, self.table.num_classes),
            self.boundary.count(label, prediction, geometry.rings),
            self.boundary_target.count(label, prediction, geometry.rings_target),
            self.objects.count(prediction, geometry.regions),
            self.boundary_f.measure(label, prediction) if self.boundary_f else None,
        )

    def add(self, name: str, counts: Counts) -> None:
        """Add what `count` returned for the image `name`."""
        self.confusion.add_counts(counts.confusion)
        self.boundary.counts += counts.boundary
        self.boundary_target.counts += counts.boundary_target
        self.objects.counts += counts.objects
        if self.boundary_f is not None and counts.boundary_f is not None:
            self.boundary_f.add_scores(counts.boundary_f)
        scores = ConfusionMetrics(counts.confusion[:-1])
        self.per_image.append(
            ImageScore(name, scores.pixels, scores.miou(), scores.pixel_accuracy())
        )

    def add_named(self, arrays: Arrays) -> None:
        """Add what `Counts.named` returned."""
        counted = dict(arrays)
        self.add(str(counted.pop("name")), Counts(**counted))

    def values(self) -> dict[str, Any]:
        """Return the fields of `SegmentationResult` that follow from the images."""
        scores, table = self.confusion.metrics(), self.table
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
            "miou_absent_zero": scores.miou_absent_zero(),
            "miou_absent_one": scores.miou_absent_zero(absent=1.0),
            "miou_with_void": scores.miou(with_void=True),
            "miou_target": scores.mean_iou_of(table.target_classes),
            "pixel_accuracy": scores.pixel_accuracy(),
            "mean_class_accuracy": scores.mean_class_accuracy(),
            "frequency_weighted_iou": scores.frequency_weighted_iou(),
            "iou": dict(zip(table.names, scores.iou(), strict=True)),
            "class_accuracy": dict(zip(table.names, scores.class_accuracy(), strict=True)),
            "class_precision": dict(zip(table.names, scores.class_precision(), strict=True)),
            "category_iou": scores.category_iou(categories),
            "boundary": self.boundary.metrics(),
            "boundary_target": self.boundary_target.metrics(),
            "boundary_f": self.boundary_f and self.boundary_f.metrics(table.names),
            "objects": self.objects.bins(),
            "objects_by_class": by_class,
            "per_image": self.per_image,
            "confusion": self.confusion.matrix.tolist(),
            "unassigned": self.confusion.unassigned.tolist(),
            "on_void": self.confusion.on_void.tolist(),
        }


def in_threads(jobs: Iterable[Callable[[], Value]], workers: int | None = None) -> Iterator[Value]:
    """Yield the results of `jobs` in order, while at most 2 * workers of them are under way.

    workers: threads; None for one a core, at most 8. Metrics and native code release the lock.
    """
    workers = workers or min(8, usable_cpus())
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
        # After an error nobody takes what is still to be done.
        pool.shutdown(wait=True, cancel_futures=True)
