"""What an evaluation of two images found: of optical flow, and of two cameras' views."""

import dataclasses
import json
import math
from typing import Any

from roadseg.eval.results.base import BaseResult
from roadseg.eval.results.segmentation import SegmentationResult
from roadseg.metrics.confusion import mean_of_present


@dataclasses.dataclass(frozen=True)
class FlowScore:
    """Scores of one pair; NaN without a known flow. Lengths in pixels."""

    name: str
    epe: float
    epe_median: float
    photometric: float


@dataclasses.dataclass(frozen=True)
class FlowResult(BaseResult):
    """Scores of a flow network; those that need a known flow are NaN without one."""

    epe: float
    """Mean end-point error over all pixels."""
    epe_median: float
    """Median end-point error over all pixels."""
    epe_of_none: float
    """Mean end-point error of no flow at all, which a useful network stays below."""
    epe_of_none_median: float
    """Median of the same."""
    photometric: float
    """Mean absolute difference, 0..255, of the second image and the first one moved by the flow."""
    photometric_of_none: float
    """The same with the first image as it is."""
    per_image: list[FlowScore]

    task = "flow"

    @property
    def main_metric(self) -> tuple[str, float]:
        """Name and value of the score by which checkpoints are compared."""
        if math.isnan(self.epe):
            return "photometric", self.photometric
        return "epe", self.epe

    def scalars(self) -> dict[str, float]:
        """Return the scores that make a curve, by name."""
        names = ("epe", "epe_median", "photometric")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def _typed(cls, values: dict[str, Any]) -> dict[str, Any]:
        per_image = [FlowScore(**_with_nan(row)) for row in values["per_image"]]
        # None says that there was no limit; it never was NaN.
        limit = {"limit": values["limit"]}
        return {**_with_nan(values), **limit, "per_image": per_image}


@dataclasses.dataclass(frozen=True)
class TwoCameraResult(BaseResult):
    """Scores of a network on both cameras' images, each by itself."""

    views: dict[str, SegmentationResult]
    """By the names of the views, "wide" and "narrow"."""

    task = "two_cameras"

    @property
    def miou(self) -> float:
        """Mean of the views' mIoU over the classes that occur in each."""
        return mean_of_present([view.miou for view in self.views.values()])

    @property
    def miou_absent_zero(self) -> float:
        """Mean of the views' mIoU over all classes, background among them, absent ones 0."""
        return mean_of_present([view.miou_absent_zero for view in self.views.values()])

    @property
    def main_metric(self) -> tuple[str, float]:
        """Name and value of the score by which checkpoints are compared.

        Source: SemanticsSharing 9fc1fde, training script.
        """
        return "miou_absent_zero", self.miou_absent_zero

    def scalars(self) -> dict[str, float]:
        """Return the scores that make a curve, by name."""
        found = {"miou": self.miou, "miou_absent_zero": self.miou_absent_zero}
        for name, view in self.views.items():
            for score in ("miou", "miou_absent_zero", "pixel_accuracy"):
                found[f"{name}_{score}"] = getattr(view, score)
        return found

    def published(self) -> dict[str, Any]:
        """Return the means, which follow from the views, beside them."""
        return {"miou": self.miou, "miou_absent_zero": self.miou_absent_zero}

    @classmethod
    def _typed(cls, values: dict[str, Any]) -> dict[str, Any]:
        for name in ("miou", "miou_absent_zero"):
            values.pop(name, None)
        values["views"] = {
            name: SegmentationResult.from_json(
                json.dumps({"task": SegmentationResult.task, **view})
            )
            for name, view in values["views"].items()
        }
        return values


def _with_nan(values: dict[str, Any]) -> dict[str, Any]:
    """Return `values` with NaN for what JSON has as null."""
    return {name: math.nan if value is None else value for name, value in values.items()}
