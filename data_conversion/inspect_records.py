"""`roadseg inspect`: what records hold: classes by pixels and images, sizes, previews."""

import dataclasses
import math
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro

from roadseg.command_line.arguments import parse
from roadseg.data_conversion.inspect_page import write_page
from roadseg.data_conversion.raw.image_files import encode_png
from roadseg.data_conversion.read.records import open_records
from roadseg.data_conversion.read.two_cameras import has_two_cameras, open_two_cameras
from roadseg.data_conversion.reading import Reading, describe, sparse_counts
from roadseg.files import refuse_unwritable, write_file
from roadseg.label_tables import LabelTable

_PLAIN_WIDTH = 110


@dataclasses.dataclass
class Statistics:
    """Counts over one split.

    pixels: of each label value, (256,). images: in which it occurs, (256,). sizes: (height, width)
    -> number of images. boundary: share of labelled pixels next to another label.
    """

    pixels: np.ndarray
    images: np.ndarray
    sizes: Counter[tuple[int, int]]
    boundary: float

    def share(self, label: int) -> float:
        """Return the share of all pixels, ignored ones included."""
        return float(self.pixels[label] / max(self.pixels.sum(), 1))


class Tally:
    """Adds up label maps, one at a time, to the `Statistics` of a split."""

    def __init__(self) -> None:
        """Begin with nothing counted."""
        self._pixels, self._images = np.zeros(256, np.int64), np.zeros(256, np.int64)
        self._sizes: Counter[tuple[int, int]] = Counter()
        self._boundary = 0

    def add(self, label: np.ndarray) -> None:
        """Count one label map, (height, width) uint8."""
        counts = np.bincount(label.ravel(), minlength=256)
        self._pixels += counts
        self._images += counts > 0
        self._sizes[label.shape] += 1
        self._boundary += _boundary_pixels(label)

    def statistics(self) -> Statistics:
        """Return what has been counted."""
        share = self._boundary / max(int(self._pixels[:255].sum()), 1)
        return Statistics(self._pixels, self._images, self._sizes, share)


def count(examples: Any) -> Statistics:
    """Return the statistics of decoded examples (`RecordSet.examples`)."""
    tally = Tally()
    for example in examples:
        tally.add(example["label"])
    return tally.statistics()


def _boundary_pixels(label: np.ndarray) -> int:
    edge = np.zeros(label.shape, bool)
    down, right = label[:-1] != label[1:], label[:, :-1] != label[:, 1:]
    edge[:-1] |= down
    edge[1:] |= down
    edge[:, :-1] |= right
    edge[:, 1:] |= right
    return int((edge & (label != 255)).sum())


@dataclasses.dataclass
class InspectOptions:
    """Counts classes and sizes of a split, and draws previews with the sampling target."""

    records: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RECORDS")]
    """Folder of the records."""
    split: str = "train"
    """Split to look at."""
    to: Path | None = None
    """Folder for preview PNGs and a page with them, inspect.html; none without it."""
    previews: int = 6
    """Number of previews, spread over the split."""
    grid: tuple[int, int] = (8, 8)
    """Points of the target grid, rows and columns."""
    alpha: float = 0.5
    """Weight of the boundaries in the sampling energy."""
    boundaries: Literal["all", "target"] = "all"
    """Boundaries that attract the grid: of all classes, or of the table's target classes."""


def main(argv: Sequence[str]) -> int:
    """Run `roadseg inspect` and return the exit status."""
    options = parse(
        InspectOptions,
        argv,
        command="inspect",
        example="roadseg inspect ~/records --split val --to ~/previews",
    )
    if options.to:
        refuse_unwritable(options.to, is_folder=True)
    records = open_records(options.records, options.split)
    keys = {"label": ""}
    if has_two_cameras(records):
        records = open_two_cameras(options.records, options.split)
        keys = {"label": "first view: ", "second_label": "second view: "}
    chosen = _spread(records.num_examples, options.previews if options.to else 0)
    drawn: list[Path] = []
    tallies = {key: Tally() for key in keys}
    readings: dict[str, list[Reading]] = {key: [] for key in keys}
    for index, example in enumerate(records.examples()):
        for key, tally in tallies.items():
            tally.add(example[key])
            counts = sparse_counts(example[key])
            readings[key].append(Reading(example["filename"], example[key].shape, counts))
        if index in chosen:
            drawn.append(_write_preview(example, records.label_table, options))
    print(f"{records.path}, split {records.split}: {records.num_examples} images", end="")
    for key, tally in tallies.items():
        _show(keys[key], tally.statistics(), records.label_table)
    notes = []
    for key, view in keys.items():
        lines = describe(records.split, readings[key], records.label_table)
        notes += [view + line for line in lines if line.startswith("note: ")]
    for note in notes:
        print(note)
    for path in drawn:
        print(f"preview {path}")
    if options.to:
        title = f"{records.path.parent.name}, split {records.split}: {records.num_examples} images"
        views = {view.rstrip(": "): readings[key] for key, view in keys.items()}
        page = write_page(options.to, title, views, notes, records.label_table, drawn)
        print(f"page {page}")
    return 0


def _show(view: str, statistics: Statistics, table: LabelTable) -> None:
    """Print sizes and histogram of a view; the one line of a single view continues another."""
    sizes = ", ".join(f"{n} of {h}x{w}" for (h, w), n in statistics.sizes.most_common(5))
    print(f"\n{view}{sizes}" if view else f" ({sizes})")
    if statistics.pixels.sum() == statistics.pixels[table.ignore]:
        print("no labels: every pixel is ignored")
    else:
        _console().print(histogram(table, statistics))


def histogram(names: LabelTable, statistics: Statistics) -> Any:
    """Return the class histogram as a rich table."""
    from rich.box import ASCII2, SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    box = SIMPLE_HEAD if sys.stdout.isatty() else ASCII2
    table = Table(caption_justify="left", box=box)
    for name, justify in (("id", "right"), ("class", "left"), ("pixels %", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    table.add_column("images", justify="right")
    table.add_column("log10 of share")
    for label in names.labels:
        red, green, blue = (90, 90, 90) if label >= names.num_classes else names.colours[label]
        share = statistics.share(label)
        table.add_row(
            str(label),
            Text("■ ", style=f"rgb({red},{green},{blue})") + Text(_class_name(names, label)),
            f"{100 * share:.3f}",
            str(statistics.images[label]),
            "#" * round(8 * max(0.0, 5 + math.log10(share))) if share else "",
        )
    table.caption = (
        f"boundary pixels: {100 * statistics.boundary:.2f} % of the labelled ones; "
        "* target class, + small class"
    )
    return table


def _class_name(table: LabelTable, label: int) -> str:
    if label == table.ignore:
        return "(ignored)"
    if label == table.rest:
        return "(the rest)"
    marks = "*" * (label in table.target_classes) + "+" * (label in table.small_classes)
    return f"{table.names[label]} {marks}".strip()


def _spread(total: int, wanted: int) -> set[int]:
    """Return `wanted` indices, evenly spread over `total`."""
    wanted = min(total, wanted)
    return {round((index + 0.5) * total / wanted - 0.5) for index in range(wanted)}


def _write_preview(example: dict[str, Any], table: LabelTable, options: InspectOptions) -> Path:
    from roadseg.data_conversion.previews import example_preview

    classes = table.target_classes if options.boundaries == "target" else None
    picture = example_preview(example, table, options.grid, options.alpha, classes)
    assert options.to is not None
    path = options.to / f"{Path(example['filename']).name}_preview.png"
    encoded = encode_png(picture)
    write_file(path, lambda file: file.write(encoded))
    return path


def _console() -> Any:
    from rich.console import Console

    if sys.stdout.isatty():
        return Console(highlight=False, markup=False, emoji=False)
    return Console(highlight=False, markup=False, emoji=False, width=_PLAIN_WIDTH, no_color=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
