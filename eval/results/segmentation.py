"""What an evaluation of a segmentation network found."""

import dataclasses
import math
from typing import Any

import numpy as np

from roadseg.eval.results.base import BaseResult, number, numbers, rows_of
from roadseg.metrics.boundary import BandScore
from roadseg.metrics.boundary_f import BoundaryF
from roadseg.metrics.confusion import ConfusionMetrics
from roadseg.metrics.objects import SizeBin


@dataclasses.dataclass(frozen=True)
class ImageScore:
    """Scores of one image; NaN for an image without a labelled pixel."""

    name: str
    pixels: int
    miou: float
    accuracy: float


@dataclasses.dataclass(frozen=True)
class SegmentationResult(BaseResult):
    """Scores of a segmentation network on a split; NaN where a class or band does not occur."""

    class_names: list[str]
    target_classes: list[int]
    pixels: int
    miou: float
    """Mean IoU over the classes that occur in labels or predictions."""
    miou_absent_zero: float
    """Mean IoU over all classes, one that occurs nowhere counting 0."""
    miou_target: float
    """Mean IoU over the target classes that occur."""
    pixel_accuracy: float
    mean_class_accuracy: float
    frequency_weighted_iou: float
    iou: dict[str, float]
    class_accuracy: dict[str, float]
    category_iou: dict[str, float]
    boundary: list[BandScore]
    boundary_target: list[BandScore]
    """As `boundary`, only around boundaries that touch a target class."""
    objects: list[SizeBin]
    objects_by_class: dict[str, list[SizeBin]]
    per_image: list[ImageScore]
    confusion: list[list[int]]
    """Rows are labels, columns predictions."""
    unassigned: list[int]
    """Labelled pixels of each class whose prediction is no class."""
    miou_with_void: float = math.nan
    """Mean IoU where predictions on pixels without a label enlarge the union (ESPNet's way)."""
    on_void: list[int] | None = None
    """Predictions of each class on pixels without a label; None where they were not counted."""
    miou_absent_one: float = math.nan
    """Mean IoU over all classes, one that occurs nowhere counting 1 (SGCPNet's way)."""
    class_precision: dict[str, float] | None = None
    """Share of right pixels among those predicted as a class; None where it was not stored."""
    boundary_f: list[BoundaryF] | None = None
    """Boundary F-scores by tolerance; None where they were not asked for."""

    task = "segmentation"

    @property
    def main_metric(self) -> tuple[str, float]:
        """Name and value of the score by which checkpoints are compared."""
        return self.protocol.metric, getattr(self, self.protocol.metric)

    def metrics(self) -> ConfusionMetrics:
        """Return the scores of the stored confusion matrix."""
        counts = np.column_stack([self.confusion, self.unassigned]).astype(np.int64)
        on_void = None if self.on_void is None else np.asarray(self.on_void, np.int64)
        return ConfusionMetrics(counts, on_void)

    def published(self) -> dict[str, Any]:
        """Return `meanIU` and `IU_array` as Fast_Seg's val.py writes them: absent classes are 0."""
        array = [0.0 if math.isnan(value) else value for value in self.iou.values()]
        return {"meanIU": self.miou_absent_zero, "IU_array": array}

    @classmethod
    def _typed(cls, values: dict[str, Any]) -> dict[str, Any]:
        for name in ("meanIU", "IU_array"):
            # Written for others alone: they follow from the rest.
            values.pop(name, None)
        for name in ("miou", "miou_absent_zero", "miou_target", "pixel_accuracy"):
            values[name] = number(values[name])
        for name in ("mean_class_accuracy", "frequency_weighted_iou"):
            values[name] = number(values[name])
        for name in ("miou_with_void", "miou_absent_one"):
            values[name] = number(values.get(name))
        for name in ("iou", "class_accuracy", "category_iou", "class_precision"):
            if values.get(name) is not None:
                values[name] = numbers(values[name])
        for name in ("boundary", "boundary_target"):
            values[name] = rows_of(BandScore, values[name], ("accuracy", "miou"))
        values["objects"] = rows_of(SizeBin, values["objects"])
        by_class = values["objects_by_class"].items()
        values["objects_by_class"] = {name: rows_of(SizeBin, bins) for name, bins in by_class}
        values["per_image"] = rows_of(ImageScore, values["per_image"], ("miou", "accuracy"))
        if values.get("boundary_f") is not None:
            rows = [row | {"by_class": numbers(row["by_class"])} for row in values["boundary_f"]]
            values["boundary_f"] = rows_of(BoundaryF, rows, ("score",))
        return values
