"""Sections of the report that show images and settings: pictures, costs, recipes, labels."""

from collections.abc import Sequence

from roadseg.eval.report.data import ReportedRun
from roadseg.eval.report.html import Child, Html, figure, h, percent, picture, section, table
from roadseg.eval.report.pictures import PicturedImage, Seen


def images(runs: Sequence[ReportedRun], pictured: Sequence[PicturedImage]) -> Html:
    """Return the worst and the best images: label, prediction, samples and errors of each run."""
    blocks = []
    for one in pictured:
        blocks.append(h("h3", f"{one.place.capitalize()}: {one.name}"))
        shown: list[Child] = [
            figure(picture(one.image, f"{one.name}, image"), "image"),
            figure(picture(one.truth, f"{one.name}, label"), "label"),
            _classes(runs[0], one.classes),
        ]
        shown += [_row(run, one.name, seen) for run, seen in zip(runs, one.seen, strict=True)]
        blocks.append(h("div", shown, class_="pictures"))
    note = (
        "Chosen by the mean of the runs' mIoU on the single image, worst first. Errors: wrong "
        "pixels red, pixels without a label black."
    )
    return section("Images", blocks, note=note)


def _row(run: ReportedRun, image: str, seen: Seen) -> list[Html]:
    """Return three figures, one under another for each run: prediction, samples, errors."""
    score = f"{run.name}: prediction, mIoU {percent(seen.miou)} %"
    samples = h("span")
    if seen.samples is not None:
        views = f", {seen.views} views side by side" if seen.views > 1 else ""
        text = f"{run.name}: sampling points, {run.sampling}{views}"
        samples = figure(picture(seen.samples, f"{image}, {text}"), text)
    text = f"{run.name}: wrong pixels"
    return [
        figure(picture(seen.overlay, f"{image}, {score}"), score),
        samples,
        figure(picture(seen.errors, f"{image}, {text}", lossless=True), text),
    ]


def _classes(run: ReportedRun, classes: Sequence[int]) -> Html:
    items = [h("li", swatch(run.table.colours[n]), run.table.names[n]) for n in classes]
    return h("ul", items, class_="classes")


def costs(runs: Sequence[ReportedRun]) -> Html:
    """Return the operations of each run: of one view, and of the whole image."""
    rows: list[Sequence[Child]] = []
    for run in runs:
        cost = run.cost
        parts = [("network", cost.network)]
        parts += [("sampler", cost.sampler)] if cost.sampler else []
        for name, part in parts:
            numbers = (part.parameters, part.macs, part.macs_nus)
            rows.append([run.name, h("td", name, class_="left"), *(f"{n:,}" for n in numbers)])
        if cost.solver:
            rows.append([run.name, h("td", "solver", class_="left"), "0", f"{cost.solver:,}", ""])
        if len(parts) > 1 or cost.solver:
            numbers = (cost.parameters, cost.macs, cost.macs_nus)
            cells = [h("td", h("b", f"{number:,}")) for number in numbers]
            rows.append([run.name, h("td", h("b", "together"), class_="left"), *cells])
        if cost.interpolation:
            macs = f"{cost.views * cost.interpolation:,}"
            rows.append([run.name, h("td", "samples to pixels", class_="left"), "0", macs, ""])
    note = (
        "One image of the training crop's size, with the network as evaluated. Notebook's count: "
        "as published, which leaves out part of the dilated depthwise layers. Samples to pixels: "
        "what brings every score back to the image; of labels alone a part of it."
    )
    head = ["Run", "Part", "Parameters", "Multiply-adds", "Notebook's count"]
    return section("Operations", table(head, rows), note=note)


def recipes(runs: Sequence[ReportedRun]) -> Html:
    """Return every value of the recipes, the fields in which they differ first and marked."""
    values = [run.recipe.flat() for run in runs]
    fields = list(values[0])
    differing = [name for name in fields if any(v[name] != values[0][name] for v in values)]
    shared = [name for name in fields if name not in differing]
    head = ["Field", *(run.name for run in runs)]
    parts: list[Child] = []
    if differing:
        rows = [[_field(name), *(_value(v[name]) for v in values)] for name in differing]
        parts += [h("h3", "What differs"), table(head, rows, class_="text differs")]
    rows = [[_field(name), _value(values[0][name])] for name in shared]
    title = "What all share" if differing else "Every value"
    heads = ["Field", "Value"]
    parts.append(h("details", h("summary", title), table(heads, rows, class_="text")))
    return section("Recipe", parts)


def _field(name: str) -> Html:
    return h("th", h("code", name), scope="row")


def _value(value: object) -> Html:
    return h("td", h("code", repr(value) if not isinstance(value, str) else value))


def labels(runs: Sequence[ReportedRun]) -> Html:
    """Return the label table: train ids, colours, names, groups and ids in the label files."""
    classes = runs[0].table
    rows = []
    for index, name in enumerate(classes.names):
        ids = [str(label.id) for label in classes.label_ids if label.train_id == index]
        groups = [("target", classes.target_classes), ("small", classes.small_classes)]
        rows.append(
            [
                str(index),
                h("td", swatch(classes.colours[index]), name, class_="left"),
                h("td", classes.categories[index] if classes.categories else "", class_="left"),
                h("td", ", ".join(g for g, members in groups if index in members), class_="left"),
                ", ".join(ids) or str(index),
            ]
        )
    note = f"{classes.name}: {classes.num_classes} classes; {classes.ignore} is not evaluated."
    head = ["Train id", "Class", "Category", "Counted as", "Ids in label files"]
    return section("Labels", table(head, rows), note=note)


def swatch(colour: tuple[int, int, int]) -> Html:
    """Return a small square of a class colour."""
    return h("i", class_="swatch", style="background:#{:02x}{:02x}{:02x}".format(*colour))
