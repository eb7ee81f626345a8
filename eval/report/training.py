"""The section of the report that shows curves over the steps of training."""

from collections.abc import Sequence

import numpy as np

from roadseg.eval.report.charts import Series, line_chart
from roadseg.eval.report.data import ReportedRun
from roadseg.eval.report.html import Html, figure, h, section
from roadseg.eval.report.metrics import legend_of
from roadseg.tasks.table import task_of


def training(runs: Sequence[ReportedRun]) -> Html | None:
    """Return the curves of loss, rate and score over the steps; None without any."""
    samplers = all(task_of(run.recipe).is_sampler for run in runs)
    charts = []
    for event, value, y_label, caption in (
        ("evaluation", "mse", "mean squared error", "Error of the sampling grid"),
        ("evaluation", "cross_entropy", "nats", "Cross entropy of the density"),
        ("evaluation", "miou", "mIoU (%)", "Score of each evaluation"),
        ("train", "loss", "loss", "Loss of training; bold: its moving mean"),
        ("train", "learning_rate", "rate", "Learning rate"),
    ):
        series = [
            line for place, run in enumerate(runs) for line in _curve(run, place, event, value)
        ]
        drawn = line_chart(series, title=caption, x_label="step", y_label=y_label)
        if drawn:
            charts.append(figure(Html(drawn), caption))
    if not charts:
        return None
    title = "Training of samplers" if samplers else "Training"
    return section(title, legend_of(runs), h("div", charts, class_="charts"))


def _curve(run: ReportedRun, place: int, event: str, value: str) -> list[Series]:
    steps, values = run.curve(event, value)
    if value == "miou":
        values = [100 * score for score in values]
    if value != "loss" or len(steps) < 30:
        return [Series(run.name, steps, values, place % 8, markers=event == "evaluation")]
    half = max(1, len(values) // 40)
    smooth = [
        float(np.mean(values[max(0, at - half) : at + half + 1])) for at in range(len(values))
    ]
    return [
        Series(run.name, steps, values, place % 8, faint=True),
        Series(run.name, steps, smooth, place % 8),
    ]
