"""What a report shows of a run, collected from its folder: curves, one evaluation, costs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from roadseg.errors import RoadsegError
from roadseg.eval.benchmark.costs import Cost, run_cost
from roadseg.eval.results.base import BaseResult
from roadseg.eval.results.density import DensityResult
from roadseg.eval.results.load import load_result
from roadseg.eval.results.sampling_grid import SamplingGridResult
from roadseg.eval.results.segmentation import SegmentationResult
from roadseg.label_tables.label_table import LabelTable
from roadseg.recipe.recipe import Recipe
from roadseg.runs.run_folder import RunFolder
from roadseg.sampling.density_targets import STRIDE, density_input
from roadseg.tasks.table import DENSITY, task_of

# Of several kinds of evaluation in a run, the first of these is shown.
PREFERRED = (
    "val-cityscapes",
    "val-nus",
    "val-fast_seg",
    "val-sfsegnets",
    "val-sgcpnet",
    "test-cityscapes",
    "test-espnet",
)
EvaluationStep = int | Literal["best", "last"]


@dataclass(frozen=True)
class ReportedRun:
    """One run. `result` is None if it was not evaluated."""

    name: str
    """Name of the folder, with its parents where two runs share one."""
    run: RunFolder
    recipe: Recipe
    table: LabelTable
    result: BaseResult | None
    kind: str
    """Name of the folder of the evaluation, '' without one."""
    events: list[dict[str, Any]] = field(default_factory=list, repr=False)

    @property
    def segmentation(self) -> SegmentationResult | None:
        """The scores of a segmentation run."""
        return self.result if isinstance(self.result, SegmentationResult) else None

    @property
    def grid(self) -> SamplingGridResult | None:
        """The scores of a published sampler."""
        return self.result if isinstance(self.result, SamplingGridResult) else None

    @property
    def density(self) -> DensityResult | None:
        """The scores of a sampler by density."""
        return self.result if isinstance(self.result, DensityResult) else None

    @property
    def sampling(self) -> str:
        """The sampling in words: 'density 64x64'."""
        recipe = self.recipe
        if task_of(recipe) is DENSITY:
            rows, columns = (side // STRIDE for side in density_input(recipe))
            return f"density {rows}x{columns}"
        if task_of(recipe).is_sampler:
            return "grid {}x{}".format(*recipe.sampler.grid_size)
        if recipe.sampling.kind == "none":
            return "none"
        used = (self.result.sampler if self.result else "") or recipe.sampling.kind
        return "{} {}x{}".format(used, *recipe.sampling.size)

    @cached_property
    def cost(self) -> Cost:
        """Operations of one image of the training crop's size, as evaluated."""
        return run_cost(self.run)

    @property
    def small_classes(self) -> float:
        """Mean IoU of the small or thin classes, NaN if none is named or none occurs."""
        if self.segmentation is None or not self.table.small_classes:
            return math.nan
        return self.segmentation.metrics().mean_iou_of(self.table.small_classes)

    def boundary(self, radius_px: int) -> float:
        """Return the accuracy within `radius_px` of a boundary; NaN if it was not measured."""
        bands = self.segmentation.boundary if self.segmentation else []
        return next((band.accuracy for band in bands if band.radius_px == radius_px), math.nan)

    def curve(self, event: str, value: str) -> tuple[list[float], list[float]]:
        """Return steps and values of one curve; later events replace earlier ones of a step."""
        points: dict[int, float] = {}
        for entry in self.events:
            if entry.get("event") != event or not _is_number(entry.get("step")):
                continue
            if event == "evaluation" and not self._is_shown(entry):
                continue
            if _is_number(entry.get(value)):
                points[int(entry["step"])] = float(entry[value])
        steps = sorted(points)
        return [float(step) for step in steps], [points[step] for step in steps]

    def _is_shown(self, entry: dict[str, Any]) -> bool:
        # One curve never mixes splits, protocols or parts of a split.
        if self.result is None:
            return True
        shown = self.result
        kind = (shown.split, shown.protocol.label, shown.limit, shown.sampler)
        keys = ("split", "protocol", "limit", "sampler")
        return tuple(entry.get(key, "" if key == "sampler" else None) for key in keys) == kind


def load_runs(
    paths: Sequence[Path], kind: str | None = None, step: EvaluationStep = "last"
) -> list[ReportedRun]:
    """Return the runs at `paths`, all with the same kind of evaluation where they share one.

    kind: name below `<run>/evaluation`, such as 'val-nus'; None for the usual one.
    step: which evaluation. Raises RoadsegError for a folder that is no run, twice the same run, and
    for an evaluation that was asked for and is absent.
    """
    runs = [RunFolder(path) for path in paths]
    for run in runs:
        if not run.exists:
            raise RoadsegError(f"{run.path}: no run here (no recipe.json); give a run folder")
        task = task_of(run.recipe)
        if not (task.labels_images or task.is_sampler):
            raise RoadsegError(
                f"{run.path}: it learns {task.learns}, which reports do not show; "
                "`roadseg eval` prints its scores"
            )
    if len({run.path.resolve() for run in runs}) < len(runs):
        raise RoadsegError("the same run is named twice; name each once")
    chosen = kind or _common_kind([run for run in runs if task_of(run.recipe).labels_images])
    return [
        _load_run(run, name, kind, chosen, step)
        for run, name in zip(runs, run_names(runs), strict=True)
    ]


def _load_run(
    run: RunFolder, name: str, asked: str | None, chosen: str | None, step: EvaluationStep
) -> ReportedRun:
    recipe = run.recipe
    kinds = _kinds(run)
    if task_of(recipe).is_sampler:
        chosen = next((kind for kind in kinds if kind.startswith("val")), None)
    elif asked is not None and asked not in kinds:
        there = ", ".join(kinds) or "none"
        raise RoadsegError(f"{run.path}: no evaluation '{asked}'; there are: {there}")
    path = result_path(run, chosen, step) if chosen in kinds and chosen else None
    result = load_result(path) if path else None
    shown = chosen if chosen and path else ""
    return ReportedRun(name, run, recipe, run.label_table, result, shown, run.read_metrics())


def result_path(run: RunFolder, kind: str, step: EvaluationStep) -> Path:
    """Return the stored result of an evaluation; raise RoadsegError if there is none of `step`."""
    folder = run.evaluation_folder(kind)
    found = {int(path.stem.removeprefix("step-")): path for path in folder.glob("step-*.json")}
    wanted = max(found) if step == "last" else run.best_step() if step == "best" else step
    if wanted not in found:
        there = ", ".join(map(str, sorted(found)))
        raise RoadsegError(f"{folder}: step {wanted} was not evaluated; there are: {there}")
    return found[wanted]


def _kinds(run: RunFolder) -> list[str]:
    """Return the kinds of evaluation that hold a result, the preferred ones first."""
    folder = run.path / "evaluation"
    found = sorted({path.parent.name for path in folder.glob("*/step-*.json")})
    return sorted(found, key=lambda kind: PREFERRED.index(kind) if kind in PREFERRED else 99)


def _common_kind(runs: Sequence[RunFolder]) -> str | None:
    """Return the kind that most runs have: scores under different protocols do not compare."""
    kinds = [kind for run in runs for kind in _kinds(run)]
    # Not a set: of kinds that are as frequent the first one stays first.
    return max(dict.fromkeys(kinds), key=kinds.count, default=None)


def run_names(runs: Sequence[RunFolder]) -> list[str]:
    """Return the folders' names, with as many parents as tell them apart."""
    parts = [run.path.resolve().parts for run in runs]
    for depth in range(1, max(map(len, parts), default=1)):
        names = ["/".join(part[-depth:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    return [str(run.path) for run in runs]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
