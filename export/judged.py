"""A file in any precision with its verdict: written, run by its own runtime, compared, judged."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadseg.errors import RoadsegError
from roadseg.export.calibration import SPLIT as CALIBRATION_SPLIT
from roadseg.export.calibration import Calibration
from roadseg.export.formats import Format
from roadseg.export.interface import Interface
from roadseg.export.onnx_check import has_static_shapes
from roadseg.export.precision.options import Precision, records_of
from roadseg.export.precision.write import Int8, calibration_of, write_float16, write_int8
from roadseg.export.verdict import (
    Keras,
    compare_alone,
    compare_with_labels,
    frames_of,
    in_words,
    judge,
    open_evaluation,
)
from roadseg.export.views import parts

if TYPE_CHECKING:
    from roadseg.export.subject import Subject

Size = tuple[int, int]


def write_judged(
    subject: "Subject",
    kind: Format,
    size: Size | None,
    precision: Precision,
    interface: Interface,
    folder: Path,
    target: Path,
) -> dict[str, Any]:
    """Write the model's own files to `folder` and judge them; return what the card says of both.

    target: where the folder goes if it is good enough, for messages.

    The first entry, `size`, is that of the images that the file takes, None for any.
    A file in 8 bits that lost more than it may is written again with more layers in float, while
    that saves labels.
    Raises RoadsegError for records of other classes, and for a file that lost more than it may.
    """
    judged_by = _records(subject, precision)
    facts: dict[str, Any] = {"size": size, "precision": precision.name}
    images: Calibration | None = None
    int8: Int8 | None = None
    if precision.name == "int8":
        records = measured_on(subject.records, precision.records)
        images = calibration_of(precision, records, interface.views)
        (_, first), *_ = parts(images.images[0])
        size = interface.legal(size or subject.size or first.shape[:2])
        facts["size"] = size
        facts["calibration"] = images.source
        int8 = write_int8(subject.model, kind, images.images, size, folder, interface)
    elif precision.name == "float16":
        write_float16(subject.model, kind, size, folder, interface)
    else:
        kind.write(subject.model, folder, size, interface)
    if kind.name == "onnx":
        facts["static_shapes"] = has_static_shapes(folder / kind.file, target)
    # Pairs are shown as training and evaluation show them, whatever size records have.
    shown_at = subject.size if interface.views else None
    reference = Keras(subject.model, size, interface, shown_at)

    def verdict() -> dict[str, Any]:
        run = kind.run(folder)
        if judged_by is not None:
            frames = frames_of(judged_by, precision.verdict_images, interface.views)
            found = compare_with_labels(reference, run, frames, subject.label_table)
            return {**found, "records": f"{judged_by.path.name}, split {judged_by.split}"}
        measured = images or calibration_of(precision, None, interface.views)
        # Other images than ranges were measured on, if there are any.
        others = measured.others or measured.images
        return compare_alone(reference, run, others[: precision.verdict_images])

    while True:
        found = verdict()
        print(in_words(found), flush=True)
        try:
            judge(found, target, precision.allow_loss)
            break
        except RoadsegError:
            if int8 is None or not int8.further():
                raise
        in_float, layers = len(int8.card["layers_in_float"]), int8.card["layers"]
        print(f"too much lost; now {in_float} of {layers} layers in float", flush=True)
    if int8:
        facts["int8"] = int8.card
    facts["verdict"] = found
    return facts


def _records(subject: "Subject", precision: Precision) -> Any:
    """Return the records to judge by; None where none were named and the run's are gone."""
    table = subject.label_table
    if precision.records is not None:
        return open_evaluation(precision.records, precision.split, table, subject.views)
    if not _there(subject.records, precision.split):
        return None
    return open_evaluation(Path(str(subject.records)), precision.split, table, subject.views)


def measured_on(trained_on: Path | None, judged_by: Path | None) -> Path | None:
    """Return the records that ranges are measured on where nobody names any; None if none do.

    Those that the network was trained on, else those that it is judged by, which show streets too.
    """
    return next((path for path in (trained_on, judged_by) if _there(path, CALIBRATION_SPLIT)), None)


def _there(records: Path | None, split: str) -> bool:
    return records is not None and records_of(records, split)
