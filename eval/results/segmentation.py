"""What an evaluation found, as typed records that go to JSON and come back unchanged."""

import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.eval.inference import InferenceMode
from roadseg.metrics.boundary import BandScore
from roadseg.metrics.boundary_f import BoundaryF
from roadseg.metrics.confusion import ConfusionScores
from roadseg.metrics.objects import SizeBin

HEADLINES = {
    "fast_seg": "miou_all_classes",
    "espnet": "miou_with_void",
    "sgcpnet": "miou_absent_right",
}
"""By which score a protocol compares checkpoints, where it is not `miou`."""


@dataclasses.dataclass(frozen=True)
class ImageScore:
    """Scores of one image; NaN for an image without a labelled pixel."""

    name: str
    pixels: int
    miou: float
    accuracy: float


@dataclasses.dataclass(frozen=True)
class GridScore:
    """Squared error of the sampling grid of one image, raw and projected."""

    name: str
    mse: float
    mse_projected: float


@dataclasses.dataclass(frozen=True)
class BaseResult:
    """What every result says about its origin."""

    run: str
    """Name of the run folder."""
    recipe: str
    step: int
    split: str
    protocol: str
    interpolation: str
    """How scores came back to pixels: 'graph', 'mesh', 'delaunay', or 'none' without sampling."""
    limit: int | None
    """Images asked for; None for the whole split."""
    images: int
    mode: InferenceMode = dataclasses.field(default_factory=InferenceMode, kw_only=True)
    """Whole image or tiles, scales, mirror; results of earlier versions were whole images."""
    sampler: str = dataclasses.field(default="", kw_only=True)
    """What sampled in place of the run's own sampler: 'uniform', 'density NAME'; '' for its own."""

    task = ""

    @property
    def headline(self) -> tuple[str, float]:
        """Name and value of the score by which checkpoints are compared."""
        raise NotImplementedError

    def to_json(self) -> str:
        """Return indented JSON; NaN becomes null, since JSON has no NaN."""
        values = {"task": self.task, **dataclasses.asdict(self), **self.published()}
        return json.dumps(without_nan(values), indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the result that `to_json` wrote; raise ValueError, KeyError or TypeError."""
        values = json.loads(text)
        if not isinstance(values, dict) or values.pop("task", None) != cls.task:
            raise ValueError(f"not the result of a '{cls.task}' evaluation")
        if "mode" in values:
            values["mode"] = InferenceMode.from_values(values["mode"])
        return cls(**cls._typed(values))

    def published(self) -> dict[str, Any]:
        """Return what originals call some of these values; `to_json` adds it at the end."""
        return {}

    @classmethod
    def _typed(cls, values: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class EvaluationResult(BaseResult):
    """Scores of a segmentation network on a split; NaN where a class or band does not occur."""

    class_names: list[str]
    target_classes: list[int]
    pixels: int
    miou: float
    """Mean IoU over the classes that occur in labels or predictions."""
    miou_all_classes: float
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
    miou_absent_right: float = math.nan
    """Mean IoU over all classes, one that occurs nowhere counting 1 (SGCPNet's way)."""
    class_precision: dict[str, float] | None = None
    """Share of right pixels among those predicted as a class; None where it was not stored."""
    boundary_f: list[BoundaryF] | None = None
    """Boundary F-scores by tolerance; None where they were not asked for."""

    task = "segmentation"

    @property
    def headline(self) -> tuple[str, float]:
        """Name and value of the score by which checkpoints are compared."""
        name = HEADLINES.get(self.protocol, "miou")
        return name, getattr(self, name)

    def scores(self) -> ConfusionScores:
        """Return the scores of the stored confusion matrix."""
        counts = np.column_stack([self.confusion, self.unassigned]).astype(np.int64)
        on_void = None if self.on_void is None else np.asarray(self.on_void, np.int64)
        return ConfusionScores(counts, on_void)

    def published(self) -> dict[str, Any]:
        """Return `meanIU` and `IU_array` as Fast_Seg's val.py writes them: absent classes are 0."""
        array = [0.0 if math.isnan(value) else value for value in self.iou.values()]
        return {"meanIU": self.miou_all_classes, "IU_array": array}

    @classmethod
    def _typed(cls, values: dict[str, Any]) -> dict[str, Any]:
        for name in ("meanIU", "IU_array"):
            values.pop(name, None)
        for name in ("miou", "miou_all_classes", "miou_target", "pixel_accuracy"):
            values[name] = _number(values[name])
        for name in ("mean_class_accuracy", "frequency_weighted_iou"):
            values[name] = _number(values[name])
        for name in ("miou_with_void", "miou_absent_right"):
            values[name] = _number(values.get(name))
        for name in ("iou", "class_accuracy", "category_iou", "class_precision"):
            if values.get(name) is not None:
                values[name] = _numbers(values[name])
        for name in ("boundary", "boundary_target"):
            values[name] = _records(BandScore, values[name], ("accuracy", "miou"))
        values["objects"] = _records(SizeBin, values["objects"])
        by_class = values["objects_by_class"].items()
        values["objects_by_class"] = {name: _records(SizeBin, bins) for name, bins in by_class}
        values["per_image"] = _records(ImageScore, values["per_image"], ("miou", "accuracy"))
        if values.get("boundary_f") is not None:
            rows = [row | {"by_class": _numbers(row["by_class"])} for row in values["boundary_f"]]
            values["boundary_f"] = _records(BoundaryF, rows, ("score",))
        return values


@dataclasses.dataclass(frozen=True)
class SamplingResult(BaseResult):
    """Error of the published sampler's grids against the exact targets."""

    mse: float
    """Raw grid, border entries included, as published."""
    mse_projected: float
    mse_uniform: float
    """Error of the uniform grid, which a useful network stays below."""
    per_image: list[GridScore]

    task = "sampling"

    @property
    def headline(self) -> tuple[str, float]:
        """Name and value of the score by which checkpoints are compared."""
        return "mse", self.mse

    @classmethod
    def _typed(cls, values: dict[str, Any]) -> dict[str, Any]:
        for name in ("mse", "mse_projected", "mse_uniform"):
            values[name] = _number(values[name])
        values["per_image"] = _records(GridScore, values["per_image"], ("mse", "mse_projected"))
        return values


Result = BaseResult
"""What an evaluation gives; `load_result` reads every kind of it."""


def load_result(path: Path) -> Result:
    """Return the result stored in `path`; raise RoadsegError if it is none."""
    try:
        text = path.read_text(encoding="utf-8")
        task = json.loads(text).get("task")
        return next((kind for kind in _kinds() if kind.task == task), EvaluationResult).from_json(
            text
        )
    except FileNotFoundError:
        raise RoadsegError(f"{path}: no evaluation here; run `roadseg eval` first") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RoadsegError(
            f"{path}: not an evaluation of this version of roadseg ({error}); delete it and "
            "evaluate again"
        ) from None


def _kinds() -> tuple[type[BaseResult], ...]:
    from roadseg.eval.results.density import DensityResult
    from roadseg.eval.results.two_cameras import FlowResult, TwoViewResult

    return EvaluationResult, SamplingResult, DensityResult, FlowResult, TwoViewResult


def without_nan(value: Any) -> Any:
    """Return nested dicts and lists with None for each NaN, as JSON wants it."""
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return value


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _numbers(values: dict[str, float | None]) -> dict[str, float]:
    return {key: _number(value) for key, value in values.items()}


def _records(kind: type, rows: list[dict[str, Any]], floats: Sequence[str] = ()) -> list[Any]:
    """Return `kind` for each row, with null turned back to NaN in the fields `floats`."""
    return [kind(**(row | {name: _number(row[name]) for name in floats})) for row in rows]
