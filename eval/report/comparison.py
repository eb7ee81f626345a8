"""Runs side by side in one table: what learned sampling gains over uniform, and what it costs."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from roadseg.eval.benchmark.latency import measure
from roadseg.eval.report.data import ReportedRun, load_runs
from roadseg.recipe.recipe import TRAINED_SAMPLERS
from roadseg.tasks.table import task_of

if TYPE_CHECKING:
    from rich.table import Table

BOUNDARY_PX = 3
REPEATS = 5


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One run. Scores are 0..1, NaN where not measured; costs are those of one image."""

    name: str
    sampling: str
    step: int | None
    miou: float
    boundary: float
    """Accuracy within BOUNDARY_PX of a boundary."""
    boundary_target: float
    """The same around boundaries of target classes."""
    miou_small: float
    """Mean IoU of the small or thin classes."""
    miou_target: float
    parameters: int
    macs: int
    latency_ms: float
    """Processor time of one image, threads added up; NaN if not timed."""


def comparison_table(
    runs: Sequence[Path | str], kind: str | None = None, latency: bool = True
) -> "tuple[Table, list[Comparison]]":
    """Return the table for the terminal and its rows, one for each segmentation run.

    kind: kind of evaluation ('val-nus'), None for the usual one. latency: time one image of
    the size that the network was trained on, on this machine.
    Below the runs stands the gain of each learned sampler over the uniform run of the same size.
    Raises RoadsegError for a folder that is no run.
    """
    loaded = load_runs([Path(run) for run in runs], kind)
    segmentation = [run for run in loaded if task_of(run.recipe).labels_images]
    rows = [compare(run, latency) for run in segmentation]
    return _table(segmentation, rows), rows


def compare(run: ReportedRun, latency: bool = False) -> Comparison:
    """Return the row of one segmentation run."""
    result, cost = run.segmentation, run.cost
    bands = result.boundary_target if result else []
    near = [band.accuracy for band in bands if band.radius_px == BOUNDARY_PX]
    return Comparison(
        name=run.name,
        sampling=run.sampling,
        step=result.step if result else None,
        miou=result.miou if result else math.nan,
        boundary=run.boundary(BOUNDARY_PX),
        boundary_target=near[0] if near else math.nan,
        miou_small=run.small_classes,
        miou_target=result.miou_target if result else math.nan,
        parameters=cost.parameters,
        macs=cost.macs,
        latency_ms=_latency_ms(run) if latency else math.nan,
    )


def pairs(runs: Sequence[ReportedRun]) -> list[tuple[int, int]]:
    """Return (uniform, learned) positions in `runs` that differ in the sampling alone."""

    def setting(run: ReportedRun) -> tuple[object, ...]:
        recipe = run.recipe
        return recipe.model, recipe.sampling.size, recipe.augment.crop_size, run.kind

    uniform = {
        setting(run): place
        for place, run in enumerate(runs)
        if run.recipe.sampling.kind == "uniform"
    }
    return [
        (uniform[setting(run)], place)
        for place, run in enumerate(runs)
        if run.recipe.sampling.kind in TRAINED_SAMPLERS and setting(run) in uniform
    ]


def _latency_ms(run: ReportedRun) -> float:
    from roadseg.eval.benchmark.saved_model import labelling_function, timing_images

    labels = labelling_function(run.run.load_segmenter(run.result.step if run.result else None))
    image = timing_images(run.recipe.augment.crop_size, run=run.run)
    return measure(lambda: labels(image).numpy(), warm_up=2, repeats=REPEATS).cpu_ms


def _table(runs: Sequence[ReportedRun], rows: Sequence[Comparison]) -> "Table":
    from roadseg.eval.tables import new_table

    kind = next((run.kind for run in runs if run.kind), "")
    table = new_table(
        f"uniform against learned sampling{f' ({kind})' if kind else ''}",
        "run",
        "sampling",
        "mIoU",
        f"boundary {BOUNDARY_PX} px",
        "targets",
        "small",
        "M multiply-adds",
        "CPU ms",
    )
    for row in rows:
        scores = [_percent(value) for value in _scores(row)]
        time = "-" if math.isnan(row.latency_ms) else f"{row.latency_ms:.0f}"
        table.add_row(row.name, row.sampling, *scores, f"{row.macs / 1e6:,.1f}", time)
    for uniform, learned in pairs(runs):
        table.add_section()
        before, after = rows[uniform], rows[learned]
        changes = [_gain(*scores) for scores in zip(_scores(before), _scores(after), strict=True)]
        ratios = [_change(before.macs, after.macs), _change(before.latency_ms, after.latency_ms)]
        table.add_row(
            f"gain of {after.sampling.split()[0]}", after.sampling.split()[-1], *changes, *ratios
        )
    return table


def _scores(row: Comparison) -> tuple[float, ...]:
    return row.miou, row.boundary, row.miou_target, row.miou_small


def _percent(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.2f} %"


def _gain(before: float, after: float) -> str:
    gain = 100 * (after - before)
    return "-" if math.isnan(gain) else f"{gain:+.2f}"


def _change(before: float, after: float) -> str:
    ratio = after / before - 1 if before else math.nan
    return "-" if math.isnan(ratio) else f"{100 * ratio:+.0f} %"
