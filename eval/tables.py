"""Results as tables on the terminal; plain text where it is none."""

import json
import math
import sys
from collections.abc import Sequence
from typing import Any

from rich.box import ASCII2, SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from roadseg.eval.results.base import BaseResult
from roadseg.eval.results.density import DensityResult
from roadseg.eval.results.sampling_grid import SamplingGridResult
from roadseg.eval.results.segmentation import SegmentationResult
from roadseg.eval.results.two_cameras import FlowResult, TwoCameraResult
from roadseg.metrics.boundary_f import BoundaryF
from roadseg.metrics.confusion import mean_of_present
from roadseg.metrics.objects import SizeBin

PLAIN_WIDTH = 120


def console() -> Console:
    """Return a console for standard output: coloured on a terminal, plain and wide elsewhere."""
    if sys.stdout.isatty():
        return Console(highlight=False, markup=False, emoji=False)
    return Console(highlight=False, markup=False, emoji=False, width=PLAIN_WIDTH, no_color=True)


def show_benchmark(
    table: Table,
    values: Sequence[Any],
    conditions: dict[str, Any],
    as_json: bool,
    notes: Sequence[str] = (),
) -> None:
    """Print a benchmark's table, notes on it and what it depends on; or its values as JSON."""
    if as_json:
        print(json.dumps({"conditions": conditions, "rows": values}, indent=1))
        return
    console().print(table)
    for line in (*notes, *(f"{name}: {value}" for name, value in conditions.items())):
        console().print(line, soft_wrap=True)


def new_table(title: str, *columns: str) -> Table:
    """Return an empty table; the first column is text, the others are numbers."""
    box = SIMPLE_HEAD if sys.stdout.isatty() else ASCII2
    table = Table(
        title=title, title_justify="left", caption_justify="left", box=box, padding=(0, 1)
    )
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left", no_wrap=True)
    return table


def number(value: float, digits: int = 4) -> str:
    """Return `value` with fixed digits, or a dash for NaN."""
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def size_text(size: SizeBin) -> str:
    """Return the size range of a bin in pixels."""
    return f">={size.from_px}" if size.to_px is None else f"{size.from_px}-{size.to_px - 1}"


def result_tables(result: BaseResult) -> list[Table]:
    """Return the tables that `roadseg eval` prints for one result."""
    title = f"{result.run}, step {result.step}: {result.split}, protocol {result.protocol.label}"
    title += f", sampled by {result.sampler}" if result.sampler else ""
    title += f", {result.images} image{'s' if result.images != 1 else ''}"
    if isinstance(result, SamplingGridResult):
        return [_grids(title, result)]
    if isinstance(result, DensityResult):
        return [_densities(title, result), _density_grids(result)]
    if isinstance(result, FlowResult):
        return [_flow(title, result)]
    if isinstance(result, TwoCameraResult):
        return [_views(title, result), _view_classes(result)]
    assert isinstance(result, SegmentationResult)
    shown = [_scores(title, result), _classes(result), _boundary(result), _objects(result)]
    return shown if result.boundary_f is None else [*shown, _boundary_f(result.boundary_f)]


def _grids(title: str, result: SamplingGridResult) -> Table:
    table = new_table(title, "grid", "mean squared error")
    for name, value in (
        ("raw (as published)", result.mse),
        ("projected", result.mse_projected),
        ("uniform", result.mse_uniform),
    ):
        table.add_row(name, f"{value:.6f}")
    return table


def _densities(title: str, result: DensityResult) -> Table:
    table = new_table(title, "density", "cross entropy")
    for name, value in density_rows(result):
        table.add_row(name, f"{value:.4f}")
    return table


def density_rows(result: DensityResult) -> list[tuple[str, float]]:
    """Return the cross entropies of a sampler by density beside what they compare with."""
    return [
        ("predicted", result.cross_entropy),
        ("true ones (floor)", result.entropy),
        ("best fixed one, in hindsight: mean of these images", result.best_fixed),
        ("uniform", result.uniform),
    ]


def _density_grids(result: DensityResult) -> Table:
    table = new_table("grids solved for the predicted densities", "score", "value")
    table.add_row("deviation of log cell masses, mean", number(result.residual))
    table.add_row("deviation of log cell masses, worst image", number(result.residual_worst))
    table.add_row("folded cells", f"{result.folded:,} of {result.cells * result.images:,}")
    return table


def _flow(title: str, result: FlowResult) -> Table:
    table = new_table(title, "score", "flow", "no flow at all")
    for name, value, of_none in (
        ("end-point error, mean (px)", result.epe, result.epe_of_none),
        ("end-point error, median (px)", result.epe_median, result.epe_of_none_median),
        ("difference of images (of 255)", result.photometric, result.photometric_of_none),
    ):
        table.add_row(name, number(value), number(of_none))
    return table


def _views(title: str, result: TwoCameraResult) -> Table:
    views = result.views.values()
    table = new_table(title, "score", *result.views, "mean")
    for name, score in (
        ("mIoU (classes present)", "miou"),
        ("mIoU (all classes, absent ones 0)", "miou_absent_zero"),
        ("pixel accuracy", "pixel_accuracy"),
    ):
        values = [getattr(view, score) for view in views]
        table.add_row(name, *map(number, values), number(mean_of_present(values)))
    return table


def _view_classes(result: TwoCameraResult) -> Table:
    table = new_table("IoU of classes", "class", *result.views)
    views = list(result.views.values())
    for name in views[0].class_names:
        table.add_row(name, *(number(view.iou[name]) for view in views))
    return table


def _scores(title: str, result: SegmentationResult) -> Table:
    table = new_table(title, "score", "value")
    for name, value in (
        ("mIoU (classes present)", result.miou),
        ("mIoU (all classes, absent ones 0)", result.miou_absent_zero),
        ("mIoU (all classes, absent ones 1)", result.miou_absent_one),
        ("mIoU (void enlarges the union)", result.miou_with_void),
        ("mIoU (target classes)", result.miou_target),
        ("pixel accuracy", result.pixel_accuracy),
        ("mean class accuracy", result.mean_class_accuracy),
        ("frequency-weighted IoU", result.frequency_weighted_iou),
    ):
        table.add_row(name, number(value))
    return table


def _classes(result: SegmentationResult) -> Table:
    table = new_table("classes and categories", "class", "IoU", "accuracy", "precision")
    precision = result.class_precision or {}
    for name, iou in result.iou.items():
        shares = result.class_accuracy[name], precision.get(name, math.nan)
        table.add_row(name, number(iou), *map(number, shares))
    if result.category_iou:
        table.add_section()
    for name, iou in result.category_iou.items():
        table.add_row(name, number(iou), "", "")
    return table


def _boundary(result: SegmentationResult) -> Table:
    table = new_table(
        "near boundaries", "within", "accuracy", "mIoU", "of targets: accuracy", "mIoU"
    )
    for band, target in zip(result.boundary, result.boundary_target, strict=True):
        values = (band.accuracy, band.miou, target.accuracy, target.miou)
        table.add_row(f"{band.radius_px} px", *map(number, values))
    return table


def _boundary_f(scores: list[BoundaryF]) -> Table:
    columns = [f"within {score.threshold:g}" for score in scores]
    table = new_table("boundary F-score (tolerance in image diagonals)", "class", *columns)
    for name in scores[0].by_class:
        table.add_row(name, *(number(score.by_class[name]) for score in scores))
    table.add_section()
    table.add_row("mean of all classes", *(number(score.score) for score in scores))
    return table


def _objects(result: SegmentationResult) -> Table:
    table = new_table("target objects by size", "area (px)", "objects", "recall", "half found")
    for size in result.objects:
        row = size_text(size), str(size.objects), number(size.recall), number(size.found_share)
        table.add_row(*row)
    return table
