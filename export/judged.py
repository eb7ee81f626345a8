"""A file in any precision with its verdict: written, run by its own runtime, compared, judged."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadseg.export.calibration import Calibration
from roadseg.export.onnx import FILE
from roadseg.export.onnx_check import has_static_shapes
from roadseg.export.precision.options import Precision, records_of
from roadseg.export.precision.write import calibration_of, write_float16, write_int8
from roadseg.export.verdict import (
    compare_alone,
    compare_with_labels,
    frames_of,
    in_words,
    judge,
    open_evaluation,
)

if TYPE_CHECKING:
    import keras

    from roadseg.export.subject import Subject

Size = tuple[int, int]


def write_judged(
    subject: "Subject",
    format_name: str,
    size: Size | None,
    precision: Precision,
    folder: Path,
    target: Path,
    write_float32: "Callable[[keras.Model, Path, Size | None], None]",
) -> dict[str, Any]:
    """Write the model's own files to `folder` and judge them; return what the card says of both.

    target: where the folder goes if it is good enough, for messages.

    The first entry, `size`, is that of the images that the file takes, None for any.
    Raises RoadsegError for records of other classes, and for a file that lost more than it may.
    """
    judged_by = _records(subject, precision)
    facts: dict[str, Any] = {"size": size, "precision": precision.name}
    images: Calibration | None = None
    if precision.name == "int8":
        trained_on = subject.records if _there(subject.records, "train") else None
        images = calibration_of(precision, trained_on)
        facts["size"] = size = size or subject.size or images.images[0].shape[:2]
        facts["calibration"] = images.source
        facts["int8"] = write_int8(subject.model, format_name, images.images, size, folder)
    elif precision.name == "float16":
        write_float16(subject.model, format_name, size, folder)
    else:
        write_float32(subject.model, folder, size)
    if format_name == "onnx":
        facts["static_shapes"] = has_static_shapes(folder / FILE, target)
    run = runner(format_name, folder)
    if judged_by is not None:
        frames = frames_of(judged_by, precision.verdict_images)
        found = compare_with_labels(subject.model, run, frames, subject.label_table, size)
        found["records"] = f"{judged_by.path.name}, split {judged_by.split}"
    else:
        images = images or calibration_of(precision, None)
        # Other images than ranges were measured on, if there are any.
        shown = images.others or images.images
        found = compare_alone(subject.model, run, shown[: precision.verdict_images], size)
    facts["verdict"] = found
    print(in_words(found), flush=True)
    judge(found, target, precision.allow_loss)
    return facts


def _records(subject: "Subject", precision: Precision) -> Any:
    """Return the records to judge by; None where none were named and the run's are gone."""
    if precision.records is not None:
        return open_evaluation(precision.records, precision.split, subject.label_table)
    if not _there(subject.records, precision.split):
        return None
    return open_evaluation(Path(str(subject.records)), precision.split, subject.label_table)


def _there(records: Path | None, split: str) -> bool:
    return records is not None and records_of(records, split)


def runner(format_name: str, folder: Path) -> Callable[..., Any]:
    """Return what runs the file in `folder` by its own runtime: images to outputs by name."""
    if format_name == "onnx":
        from roadseg.export.onnx import FILE, run_onnx

        return run_onnx(folder / FILE)
    if format_name == "litert":
        from roadseg.export.litert import FILE, run_litert

        return run_litert(folder / FILE)
    if format_name == "openvino":
        from roadseg.export.openvino import FILE, run_openvino

        return run_openvino(folder / FILE)
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder))
    signature = loaded.signatures["serving_default"]

    def run(images: Any) -> dict[str, Any]:
        # The module is kept: without it the weights of the signature would be gone.
        assert loaded is not None
        return {name: value.numpy() for name, value in signature(image=tf.constant(images)).items()}

    return run
