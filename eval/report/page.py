"""Puts the sections of the report together: what there is to show decides which appear."""

from collections.abc import Callable, Sequence
from pathlib import Path

from roadseg.errors import RoadsegError
from roadseg.eval.report import details, metrics, samplers, training
from roadseg.eval.report.data import ReportedRun
from roadseg.eval.report.html import Html, anchor, h
from roadseg.eval.report.pictures import PicturedImage, pictured_images
from roadseg.eval.report.style import STYLE
from roadseg.tasks.table import task_of


def page(
    runs: Sequence[ReportedRun],
    pictures: int,
    records: Path | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> str:
    """Return the whole page for `runs`, in the order given.

    pictures: how many of the worst and of the best images to show. records: where they are, default
    the recipe's. tell: called with what is being done.
    """
    segmentation = [run for run in runs if task_of(run.recipe).labels_images]
    scored = _comparable([run for run in segmentation if run.segmentation is not None])
    pictured, problem = _pictures(scored, pictures, records, tell)
    tell("writing")
    sections: list[Html | None] = []
    if segmentation:
        sections += [metrics.summary(segmentation)]
    sections.append(samplers.samplers(runs))
    sections += [training.training(group) for group in _by_task(runs)]
    if scored:
        sections += [metrics.classes(scored), metrics.boundaries(scored)]
        sections += [metrics.objects(scored), metrics.confusion(scored)]
    if pictured:
        sections += [details.images(scored, pictured)]
        sections.append(samplers.grids(scored, pictured))
    elif problem:
        sections.append(h("p", problem, class_="note"))
    sections += [details.costs(runs), details.recipes(runs)]
    sections.append(details.labels(runs))
    return _document(runs, [section for section in sections if section])


def _comparable(runs: Sequence[ReportedRun]) -> list[ReportedRun]:
    """Return the runs that share the first one's classes: their tables can stand side by side."""
    return [run for run in runs if run.table.names == runs[0].table.names]


def _by_task(runs: Sequence[ReportedRun]) -> list[list[ReportedRun]]:
    groups: dict[str, list[ReportedRun]] = {}
    for run in runs:
        groups.setdefault(run.recipe.task, []).append(run)
    return list(groups.values())


def _pictures(
    runs: Sequence[ReportedRun],
    count: int,
    records: Path | None,
    tell: Callable[[str], None],
) -> tuple[list[PicturedImage], str]:
    """Return the pictured images, and why there are none."""
    same = [run for run in runs if run.kind == runs[0].kind]
    if not count or not runs:
        return [], ""
    if len(same) < len(runs):
        return [], "No pictures: the runs were evaluated under different protocols."
    try:
        return pictured_images(runs, count, records, tell), ""
    except RoadsegError as error:
        # Scores outlive records and checkpoints: the rest of the report is worth having.
        return [], f"No pictures: {error}"


def _document(runs: Sequence[ReportedRun], sections: Sequence[Html]) -> str:
    names = [run.name for run in runs]
    title = names[0] if len(names) == 1 else f"{' and '.join([', '.join(names[:-1]), names[-1]])}"
    head = h(
        "head",
        h("meta", charset="utf-8"),
        h("meta", name="viewport", content="width=device-width, initial-scale=1"),
        h("title", f"{title} – roadseg report"),
        h("style", Html(STYLE)),
    )
    body = h(
        "main",
        h("p", "roadseg report", class_="over"),
        h("h1", title),
        h("p", _facts(runs), class_="facts"),
        h("nav", [h("a", name, href=f"#{anchor(name)}") for name in _titles(sections)]),
        sections,
        h("footer", "Made by roadseg report from the run folders alone; every figure is theirs."),
    )
    return f"<!DOCTYPE html>\n{h('html', head, h('body', body), lang='en')}\n"


def _facts(runs: Sequence[ReportedRun]) -> str:
    """Return what was evaluated, in one line."""
    facts = [f"label table {runs[0].table.name}"]
    for result in (run.result for run in runs):
        if result is not None:
            part = "" if result.limit is None else " (the first of the split)"
            facts.append(
                f"split {result.split}, {result.images:,} images{part}, "
                f"protocol {result.protocol.label}, "
                f"interpolation {result.protocol.interpolation}"
            )
    return "; ".join(dict.fromkeys(facts)) + "."


def _titles(sections: Sequence[Html]) -> list[str]:
    from html import unescape

    titles = [text.partition("<h2>")[2].partition("</h2>")[0] for text in sections]
    return [unescape(title) for title in dict.fromkeys(titles) if title]
