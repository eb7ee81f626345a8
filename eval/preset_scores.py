"""`roadseg eval --model`: what published weights score here, kept and shown beside the published.

Each is evaluated as `roadseg.load` gives it, at the size and by the protocol of its own score.
"""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.command_line.arguments import parse
from roadseg.errors import RoadsegError
from roadseg.eval.cores import share_cores
from roadseg.eval.progress import progress_bar
from roadseg.files import read_json, refuse_unwritable, write_text
from roadseg.regular_files import read_regular
from roadseg.weights.presets import PRESETS, find_preset

if TYPE_CHECKING:
    from roadseg.data_conversion.read.records import RecordSet
    from roadseg.eval.protocols import Pending
    from roadseg.inference.inference import Inference

EXAMPLE = """\
roadseg eval --model dabnet/cityscapes --records records/cityscapes
roadseg eval --model espnet/camvid --records records/camvid --split test --to scores.json"""
BEGIN, END = "<!-- presets: begin -->", "<!-- presets: end -->"
RULES = {
    "miou": "classes that occur or are found",
    "miou_with_void": "the same, and what is found on void pixels enlarges the union",
    "miou_absent_zero": "all classes, absent ones 0",
    "miou_absent_one": "all classes, absent ones 1",
}
Scores = dict[str, dict[str, dict[str, Any]]]
"""By preset, then by what it was scored on: images, the rule, percent, and each class."""


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Score published weights on records, by the protocol that their own score was counted by."""

    model: tuple[str, ...] = ()
    """Presets (roadseg list presets)."""
    records: Path | None = None
    """Folder of records, of the classes of the presets."""
    split: tuple[str, ...] = ("val",)
    """Splits, whose images count together."""
    name: str = ""
    """What the images are called in the table (default: the records' data set and splits)."""
    max_images: int | None = None
    """Images from the start of each split."""
    weights_folder: Path | None = None
    """Where weights are looked for first (default: $ROADSEG_WEIGHTS)."""
    to: Path | None = None
    """JSON file of scores to which these are added."""
    table: Path | None = None
    """Markdown page in which the table of that file is renewed, between its two markers."""


def main(argv: Sequence[str]) -> int:
    """Run the command; return 0."""
    arguments = parse(Arguments, argv, command="eval", example=EXAMPLE)
    if arguments.table is not None and arguments.to is None:
        raise RoadsegError("--table: shows what is in a file of scores; name that by --to as well")
    if arguments.model and arguments.records is None:
        raise RoadsegError("--model: nothing to score it on; give --records")
    if not arguments.model and arguments.table is None:
        raise RoadsegError("--model: name a preset (roadseg list presets)")
    for model in arguments.model:
        find_preset(model)
    if arguments.to is not None:
        refuse_unwritable(arguments.to)
        read_scores(arguments.to)
    if arguments.table is not None:
        refuse_unwritable(arguments.table, "--table")
        parts_of(arguments.table)
    if arguments.model:
        share_cores()
    for model in arguments.model:
        _score(model, arguments)
    if arguments.table is not None and arguments.to is not None:
        renew_table(arguments.table, read_scores(arguments.to))
    return 0


def _score(model: str, arguments: Arguments) -> None:
    from roadseg.data_conversion.read.records import open_records
    from roadseg.runs.load import load_inference

    assert arguments.records is not None
    opened = [open_records(arguments.records, split) for split in arguments.split]
    inference = load_inference(model, mirror=arguments.weights_folder)
    name = arguments.name or f"{opened[0].label_table.name} {'+'.join(arguments.split)}"
    found = score_preset(model, inference, opened, arguments.max_images)
    print(f"{model} on {name}: {found['percent']:.2f} % mIoU, {found['images']} images", flush=True)
    if arguments.to is not None:
        scores = read_scores(arguments.to)
        scores.setdefault(model, {})[name] = found
        write_text(arguments.to, json.dumps(scores, indent=1, sort_keys=True) + "\n")


def score_preset(
    model: str, inference: "Inference", records: Iterable["RecordSet"], limit: int | None = None
) -> dict[str, Any]:
    """Return the scores of a preset on all images of `records` together.

    Raises RoadsegError for records of other classes.
    """
    from roadseg.eval.evaluation import check_same_classes
    from roadseg.eval.frames import read_frames
    from roadseg.eval.tasks.segmentation import labels_side_by_side, score_frames

    records = list(records)
    table = inference.label_table
    for one in records:
        check_same_classes(table, one.label_table, Path(model), one.path)
    total = sum(min(one.num_examples, limit or one.num_examples) for one in records)
    frames = (frame for one in records for frame in read_frames(one, limit=limit))
    with progress_bar(model) as progress:
        scorer = score_frames(
            frames,
            labels_side_by_side(partial(_predict, inference), inference.protocol),
            table,
            progress=lambda done: progress(done, total),
        )
    values = scorer.values()
    rule = inference.protocol.metric
    return {
        "images": values["images"],
        "rule": rule,
        "percent": round(100 * values[rule], 3),
        "pixel_accuracy": round(100 * values["pixel_accuracy"], 3),
        "iou": {
            label: None if np.isnan(iou) else round(100 * iou, 2)
            for label, iou in values["iou"].items()
        },
    }


def _predict(inference: "Inference", images: np.ndarray) -> "list[Pending]":
    return [partial(np.asarray, labels) for labels in inference.predict_labels(images)]


def read_scores(path: Path) -> Scores:
    """Return the scores kept at `path`, none if there is no such file; RoadsegError if damaged."""
    if not path.is_file():
        return {}
    found = read_json(path, "write it anew by `roadseg eval --model ... --to`")
    if not isinstance(found, dict):
        raise RoadsegError(f"{path}: no scores of presets; write it anew by `roadseg eval --model`")
    return found


def table_of(scores: Scores) -> str:
    """Return a Markdown table of `scores`, a row for each preset and data set, and its rules."""
    lines = [
        "| weights | published mIoU % | on | mIoU % here | on | images |",
        "| --- | ---: | --- | ---: | --- | ---: |",
    ]
    rules = {}
    for model in sorted(scores):
        preset = PRESETS.get(model)
        if preset is None:
            continue
        published = "none" if preset.score is None else f"{preset.score:.2f}"
        for data, found in sorted(scores[model].items()):
            here = f"{found['percent']:.2f}"
            cells = (f"`{model}`", published, preset.scored_on, here, data, found["images"])
            lines.append(f"| {' | '.join(map(str, cells))} |")
            rules[preset.protocol] = RULES[found["rule"]]
    means = "; ".join(f"`{name}`: {rule}" for name, rule in sorted(rules.items()))
    return "\n".join([*lines, "", f"Means over classes, by protocol: {means}."])


def renew_table(page: Path, scores: Scores) -> None:
    """Put the table of `scores` between the markers of `page`; RoadsegError if it has none."""
    before, after = parts_of(page)
    write_text(page, f"{before}{BEGIN}\n{table_of(scores)}\n{END}{after}")


def parts_of(page: Path) -> tuple[str, str]:
    """Return what stands before and after the table in `page`; RoadsegError without markers."""
    try:
        text = read_regular(page).decode("utf-8")
    except OSError as error:
        raise RoadsegError(f"{page}: {error.strerror}; name a page with {BEGIN}") from None
    except UnicodeDecodeError:
        raise RoadsegError(f"{page}: not UTF-8; name a page with {BEGIN}") from None
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise RoadsegError(f"{page}: lacks {BEGIN} or {END}; put both where the table belongs")
    return before, after
