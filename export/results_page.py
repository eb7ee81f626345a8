"""The page docs/results/exports.md, made of the rows that `roadseg.export.results` stores."""

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
KERAS = "keras"
HEAD = """# Exports

What each exported file takes, and what it loses against the Keras model that it was made of:
trained networks, in each format and precision.

**The files** are those of `roadseg export --size {size}`: one uint8 RGB image in, the label of
each pixel out. int8 files were calibrated on {calibration} images of split `train`, seed 0. A
file that loses more than one point is refused by `roadseg export`; its row says so in place of
its numbers. [Export](../guides/export.md) explains precisions, calibration and layers that stay
in float.

**Accuracy**: each file ran in its own runtime on the first {images} images of {records}, and the
Keras model on the same ones. `labels equal` are pixels where both give the same class.
`mIoU lost` and `boundary lost` (accuracy within 3 pixels of a boundary) are points: per cent of
Keras less per cent of the file. Less than nothing is a file that did better, which is luck. `in
float` are layers of an int8 file that stayed in float, of all that could be in 8 bits.

**Time**: one image, from uint8 pixels to the label of each, all files of one network and its
Keras model in turns in the same minutes, one process each: median and quartiles in ms. `times
Keras` is the time of Keras over that of the file, median of the rounds. Compare times within a
network; another network had other minutes.{conditions}

"""
COLUMNS = (
    *("network", "file", "precision", "MB", "ms", "times Keras", "labels equal (%)"),
    *("mIoU (%)", "mIoU lost", "boundary lost", "in float"),
)
FOOT = """
```bash
python -m roadseg.export.results {networks} \\
  --records RECORDS --split {split}{options}
```

NAME=RUN names a run; other names are presets. The command writes each file, and its row, below
`--files`, measures what is missing there, and writes this page after each row: it can be stopped
and started again. `--formats` and `--precisions` do a part, `--again` does it anew, `--no-times`
leaves the race out.
"""


def page(
    rows: Sequence[Row], times: Mapping[str, Any], split: str, options: str = "", notes: str = ""
) -> str:
    """Return the page.

    rows: of all files, those of one network side by side. times: of the networks that were raced,
        by name, as `results_times.raced` gives them. split: that files were judged on. options: of
        the command, beside these. notes: Markdown for the end of the page.
    """
    measured = [row for row in rows if "verdict" in row]
    named = dict.fromkeys(row["network"] for row in rows)
    head = HEAD.format(
        size=_each("x".join(map(str, row["size"])) for row in rows) or "HEIGHTxWIDTH",
        images=_each(str(row["verdict"]["images"]) for row in measured) or "0",
        calibration=_each(str(row["calibration"]) for row in rows if "calibration" in row) or "0",
        records=_each(row["records"] for row in measured) or "the records",
        conditions=_conditions(times),
    )
    rule = ["---"] * 3 + ["---:"] * (len(COLUMNS) - 3)
    lines = [f"| {' | '.join(cells)} |" for cells in (COLUMNS, rule)]
    for network in named:
        own = [row for row in rows if row["network"] == network]
        race = times.get(network, {}).get("rows", {})
        lines += [*_keras_line(network, own, race), *(_line(row, race) for row in own)]
    given = " ".join(row["given"] for row in {row["network"]: row for row in rows}.values())
    foot = FOOT.format(networks=given, split=split, options=options)
    return head + "\n".join(lines) + "\n" + foot + (f"\n{notes}" if notes else "")


def key_of(row: Row) -> str:
    """Return what a row's file is called: onnx-int8."""
    return f"{row['format']}-{row['precision']}"


def _each(values: Any) -> str:
    """Return what rows have, all of it where they differ."""
    return " or ".join(dict.fromkeys(values))


def _conditions(times: Mapping[str, Any]) -> str:
    if not times:
        return " Nothing was timed yet."
    found = [one["conditions"] for one in times.values()]
    return "".join(
        f" {name.capitalize()}: {_each(one[name] for one in found)}."
        for name in ("device", "protocol")
    )


def _keras_line(network: str, rows: Sequence[Row], race: Mapping[str, Any]) -> list[str]:
    """Return the line of the Keras model, if anything is known of it."""
    scores = next((row["verdict"]["keras"] for row in rows if "verdict" in row), None)
    if scores is None:
        return []
    cells = [f"`{network}`", "Keras", "float32", "", *_time(race.get(KERAS)), ""]
    return [_joined([*cells, f"{scores['miou']:.2f}", "", "", ""])]


def _line(row: Row, race: Mapping[str, Any]) -> str:
    start = [f"`{row['network']}`", row["format"], row["precision"]]
    if "refused" in row:
        return _joined([*start, "", "", "", f"refused: {row['refused']}", "", "", "", ""])
    found, facts = row["verdict"], row.get("int8")
    floats = "" if facts is None else f"{len(facts['layers_in_float'])} of {facts['layers']}"
    numbers = [
        f"{found['labels_equal']:.2f}",
        f"{found['file']['miou']:.2f}",
        # Not "-0.00".
        *(f"{round(found['lost'][name], 2) + 0:.2f}" for name in ("miou", "boundary_accuracy")),
    ]
    size = f"{row['bytes'] / 1e6:.2f}"
    return _joined([*start, size, *_time(race.get(key_of(row))), *numbers, floats])


def _time(found: Row | None) -> tuple[str, str]:
    if found is None:
        return "", ""
    quartiles = f"{found['low_ms']:.1f}-{found['high_ms']:.1f}"
    return f"{found['ms']:.1f} ({quartiles})", f"{found['keras_over_this']:.2f}"


def _joined(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
