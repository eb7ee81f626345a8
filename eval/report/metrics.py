"""Sections of the report that show scores: summary, classes, boundaries, objects."""

import math
from collections.abc import Sequence

import numpy as np

from roadseg.eval.report.charts import Series, bar_chart, confusion_chart, legend, line_chart
from roadseg.eval.report.comparison import BOUNDARY_PX, Comparison, compare, pairs
from roadseg.eval.report.data import ReportedRun
from roadseg.eval.report.html import Child, Html, figure, h, percent, points, section, table
from roadseg.eval.results.segmentation import SegmentationResult
from roadseg.metrics.objects import SizeBin

CONFUSIONS = 8


def summary(runs: Sequence[ReportedRun]) -> Html:
    """Return the scores and costs of the segmentation runs, with the gain of learned sampling."""
    rows = [compare(run) for run in runs]
    gains = pairs(runs)
    head = ["Run", "Sampling", "Step", "mIoU", f"Boundary {BOUNDARY_PX}\N{NO-BREAK SPACE}px"]
    head += [
        "Target boundary",
        "Small classes",
        "Target classes",
        "Multiply\N{NON-BREAKING HYPHEN}adds",
        "Parameters",
    ]
    body: list[Sequence[Child]] = [_summary_row(rows, place) for place in range(len(rows))]
    body += [_gain_row(rows[uniform], rows[learned]) for uniform, learned in gains]
    sentences = [h("p", _finding(rows[u], rows[a]), class_="lead") for u, a in gains]
    note = (
        f"Scores in percent, the best in bold. Boundary: pixel accuracy within {BOUNDARY_PX} px of "
        "a boundary between classes; target boundary: of one that touches a target class. "
        "Multiply-adds: one image of the training crop's size, with the network that evaluation "
        "uses, every output position of a convolution counted."
    )
    if any(run.segmentation and run.segmentation.sampler for run in runs):
        note += " Scores by another sampler than a run's own stand beside the cost of its own."
    return section("Summary", sentences, table(head, body), h("p", note, class_="note"))


def _summary_row(rows: Sequence[Comparison], place: int) -> list[Html | str]:
    row = rows[place]
    scores = ("miou", "boundary", "boundary_target", "miou_small", "miou_target")
    cells: list[Html | str] = [
        h("th", h("i", class_=f"swatch c{place % 8}"), row.name, scope="row"),
        h("td", row.sampling, class_="left"),
        "–" if row.step is None else f"{row.step:,}",
    ]
    for name in scores:
        values = [getattr(other, name) for other in rows]
        value = getattr(row, name)
        best = len(set(values)) > 1 and value == max(v for v in values if v == v)
        cells.append(h("td", percent(value), class_="best" if best else None))
    return [*cells, f"{row.macs / 1e6:,.1f} M", f"{row.parameters:,}"]


def _gain_row(uniform: Comparison, learned: Comparison) -> list[Html]:
    names = ("miou", "boundary", "boundary_target", "miou_small", "miou_target")
    gains = [points(getattr(learned, name) - getattr(uniform, name)) for name in names]
    cost = _change(uniform.macs, learned.macs)
    return [
        h("th", f"gain over {uniform.name}", scope="row", class_="gain"),
        h("td", learned.sampling, class_="left gain"),
        *(h("td", text, class_="gain") for text in ("", *gains, cost, "")),
    ]


def _finding(uniform: Comparison, learned: Comparison) -> str:
    """Return what learned sampling changed, in a sentence that takes no side."""
    if math.isnan(uniform.miou) or math.isnan(learned.miou):
        return f"{uniform.name} and {learned.name} were not both evaluated."
    kind, size = learned.sampling.split()
    size = size.replace("x", " × ")
    return (
        f"With {size} samples, sampling by {kind} reaches {percent(learned.miou)} % mIoU and "
        f"uniform sampling {percent(uniform.miou)} % "
        f"({points(learned.miou - uniform.miou)} points); within {BOUNDARY_PX} px of boundaries "
        f"{points(learned.boundary - uniform.boundary)} points of pixel accuracy, "
        f"for {_change(uniform.macs, learned.macs)} multiply-adds."
    )


def _change(before: float, after: float) -> str:
    return f"{100 * (after / before - 1):+.1f} %".replace("-", "−")


def classes(runs: Sequence[ReportedRun]) -> Html:
    """Return IoU of classes and categories, with bars, and what learned sampling gains."""
    table_, results = runs[0].table, _results(runs)
    counts = [sum(row) + rest for row, rest in _rows_of_labels(results[0])]
    share = [count / max(sum(counts), 1) for count in counts]
    rows = []
    for index, name in enumerate(table_.names):
        colour = "#{:02x}{:02x}{:02x}".format(*table_.colours[index])
        swatch = h("i", class_="swatch", style=f"background:{colour}")
        values = [result.iou.get(name, math.nan) for result in results]
        row = [h("th", swatch, name, scope="row"), percent(share[index], 2)]
        rows.append([*row, *_meters(values), *_gains(runs, values)])
    rows.append(_mean_row(runs, "mean of classes present", [r.miou for r in results]))
    head = ["Class", "Pixels %", *(run.name for run in runs), *_gain_heads(runs)]
    parts: list[Html] = [table(head, rows)]
    if table_.categories:
        names = table_.category_names
        of = [[result.category_iou.get(name, math.nan) for result in results] for name in names]
        grouped = [
            [name, *_meters(values), *_gains(runs, values)]
            for name, values in zip(names, of, strict=True)
        ]
        heads = ["Category", *(run.name for run in runs), *_gain_heads(runs)]
        parts += [h("h3", "Categories"), table(heads, grouped)]
    note = "Intersection over union in percent. A dash: the class occurs nowhere."
    return section("Classes", parts, note=note)


def _rows_of_labels(result: SegmentationResult) -> list[tuple[list[int], int]]:
    return list(zip(result.confusion, result.unassigned, strict=True))


def _mean_row(runs: Sequence[ReportedRun], name: str, values: list[float]) -> list[Html | str]:
    return [h("th", h("b", name), scope="row"), "", *_meters(values), *_gains(runs, values)]


def _meters(values: Sequence[float]) -> list[Html]:
    return [
        h(
            "td",
            h("div", percent(value), style=f"--value:{0 if value != value else 100 * value:.1f}"),
            class_=f"meter c{place % 8}",
        )
        for place, value in enumerate(values)
    ]


def _gains(runs: Sequence[ReportedRun], values: Sequence[float]) -> list[Html]:
    return [
        h("td", points(values[learned] - values[uniform]), class_="gain")
        for uniform, learned in pairs(runs)
    ]


def _gain_heads(runs: Sequence[ReportedRun]) -> list[str]:
    found = pairs(runs)
    sizes = [runs[learned].sampling.split()[-1] for _, learned in found]
    return ["Gain"] if len(found) == 1 else [f"Gain {size}" for size in sizes]


def boundaries(runs: Sequence[ReportedRun]) -> Html:
    """Return accuracy near boundaries by distance, of all classes and of target classes."""
    charts = []
    for name, caption in (
        ("boundary", "All boundaries between classes"),
        ("boundary_target", "Boundaries that touch a target class"),
    ):
        series, radii = [], set()
        for place, (run, result) in enumerate(zip(runs, _results(runs), strict=True)):
            bands = getattr(result, name)
            radii |= {float(band.radius_px) for band in bands}
            x, y = [float(b.radius_px) for b in bands], [100 * b.accuracy for b in bands]
            series.append(Series(run.name, x, y, place % 8, markers=True))
        drawn = line_chart(
            series,
            title=caption,
            x_label="distance to the boundary below (px)",
            y_label="pixel accuracy (%)",
            x_ticks=sorted(radii),
        )
        if drawn:
            charts.append(figure(Html(drawn), caption))
    note = (
        "Accuracy of the labelled pixels in a band around the boundaries of the label map, at full "
        "resolution; the band grows to the right."
    )
    shown = [h("div", charts, class_="charts"), boundary_f(runs)]
    return section("Boundaries", legend_of(runs), shown, note=note)


def boundary_f(runs: Sequence[ReportedRun]) -> Html | None:
    """Return the boundary F-scores by tolerance, of those runs that have them; None without any."""
    results = [(run.name, run.segmentation) for run in runs if run.segmentation is not None]
    found = [(name, result.boundary_f) for name, result in results if result.boundary_f]
    if not found:
        return None
    head = ["Boundary F-score", *(f"{score.threshold:g}" for score in found[0][1])]
    rows: list[Sequence[Child]] = []
    for run, scores in found:
        rows.append([h("th", h("b", run), scope="row"), *(percent(s.score) for s in scores)])
        rows += [
            [name, *(percent(score.by_class[name]) for score in scores)]
            for name in scores[0].by_class
        ]
    caption = (
        "F-score of the outlines of each class, mean over images, in percent; columns: tolerance "
        "as a share of the image diagonal. The bold row is the mean of all classes."
    )
    return figure(table(head, rows), caption)


def objects(runs: Sequence[ReportedRun]) -> Html:
    """Return recall of target objects by their size."""
    results = _results(runs)
    bins = results[0].objects
    names = [_area(size) for size in bins]
    charts = []
    for caption, value in (
        ("Share of the objects' pixels that are right", lambda size: size.recall),
        ("Share of the objects of which at least half is right", lambda size: size.found_share),
    ):
        series = [
            Series(run.name, range(len(bins)), [value(size) for size in result.objects], n % 8)
            for n, (run, result) in enumerate(zip(runs, results, strict=True))
        ]
        drawn = bar_chart(
            series,
            names,
            title=caption,
            x_label="area of the object in the label map (px)",
            y_label="recall",
            notes=[f"{size.objects:,} objects" for size in bins],
        )
        charts.append(figure(Html(drawn), caption))
    targets = ", ".join(runs[0].table.names[index] for index in results[0].target_classes)
    note = f"Objects: connected regions of one target class ({targets or 'none'})."
    return section("Object size", legend_of(runs), h("div", charts, class_="charts"), note=note)


def _area(size: SizeBin) -> str:
    return f"≥ {size.from_px:,}" if size.to_px is None else f"{size.from_px:,}–{size.to_px - 1:,}"


def confusion(runs: Sequence[ReportedRun]) -> Html:
    """Return the row-normalised confusion matrix of each run and its largest confusions."""
    parts = []
    for run, result in zip(runs, _results(runs), strict=True):
        drawn = confusion_chart(result.confusion, result.class_names, f"confusion of {run.name}")
        rows = [
            [f"{true} → {taken}", percent(share), f"{count:,}"]
            for true, taken, share, count in largest_confusions(result)
        ]
        matrix = figure(Html(drawn), "rows: label; columns: prediction; percent of the row")
        worst = table(["Label → prediction", "% of label", "pixels"], rows)
        parts.append(h("h3", run.name) if len(runs) > 1 else None)
        parts.append(h("div", matrix, figure(worst, "most pixels lost"), class_="matrices"))
    return section("Confusion", parts)


def largest_confusions(result: SegmentationResult) -> list[tuple[str, str, float, int]]:
    """Return (label, prediction, share of the label, pixels) of the most frequent confusions."""
    counts = np.array(result.confusion)
    totals = counts.sum(axis=1) + np.array(result.unassigned)
    np.fill_diagonal(counts, 0)
    order = np.argsort(-counts, axis=None, kind="stable")[:CONFUSIONS]
    found = [divmod(int(place), len(counts)) for place in order]
    names = result.class_names
    return [
        (names[row], names[column], counts[row, column] / totals[row], int(counts[row, column]))
        for row, column in found
        if counts[row, column]
    ]


def legend_of(runs: Sequence[ReportedRun]) -> Html | None:
    """Return the names of the runs with their colours; None for a single one."""
    return Html(legend([run.name for run in runs])) if len(runs) > 1 else None


def _results(runs: Sequence[ReportedRun]) -> list[SegmentationResult]:
    return [run.segmentation for run in runs if run.segmentation is not None]
