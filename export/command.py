"""`roadseg export`: one checkpoint of a run to a model that needs nothing of this project."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from roadseg.command_line.arguments import parse
from roadseg.command_line.options import parse_size
from roadseg.errors import RoadsegError
from roadseg.export.calibration import USUAL_COUNT
from roadseg.export.formats import Format, find_format
from roadseg.export.interface import LABELS_OF_RGB, Interface
from roadseg.export.precision.options import Precision
from roadseg.files import refuse_unwritable
from roadseg.tasks.table import task_of

if TYPE_CHECKING:
    from roadseg.export.subject import Subject

EXAMPLE = """\
roadseg export runs/adaptive128
roadseg export runs/icnet --format onnx --size 512x1024 --step best --to models/street
roadseg export --model espnet/camvid --format litert --precision int8 --calibration streets"""

# Height and width of every image, None for any.
Size = tuple[int, int] | None


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Export a run: images of any size in, labels out, with a model card beside it; of two cameras
    both images in, both labels out."""

    run: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")] = None
    """Folder of the run."""
    model: Annotated[str | None, tyro.conf.arg(metavar="PRESET")] = None
    """In place of a run: a network with published weights (roadseg list presets)."""
    format: Annotated[str, tyro.conf.arg(metavar="NAME")] = "saved_model"
    """saved_model; or onnx, litert, openvino, each with the extra of that name."""
    precision: Annotated[str, tyro.conf.arg(metavar="NAME")] = "float32"
    """float32, float16 (a file of half the size) or int8."""
    outputs: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME...")] = LABELS_OF_RGB.outputs
    """Of each pixel: labels, logits, probabilities, confidence; one or more."""
    input_format: Annotated[str, tyro.conf.arg(metavar="NAME")] = LABELS_OF_RGB.input_format
    """rgb, or nv12 as cameras give it (BT.601, limited range; not litert)."""
    calibration: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Of int8: records, of which split 'train' is taken, or a folder of images."""
    calibration_images: Annotated[int, tyro.conf.arg(metavar="N")] = USUAL_COUNT
    """Of int8: images to measure ranges on."""
    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Chooses these images."""
    records: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Labelled records to judge the file by; those of the run if left out."""
    split: Annotated[str, tyro.conf.arg(metavar="NAME")] = "val"
    """Of the records to judge by."""
    verdict_images: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Images to judge by; all of the split if left out."""
    allow_loss: Annotated[float | None, tyro.conf.arg(metavar="POINTS")] = None
    """Points of mIoU, and of accuracy at boundaries, that the file may lose; 1 if left out."""
    step: Annotated[str, tyro.conf.arg(metavar="STEP")] = "last"
    """A step, 'last', or 'best'."""
    size: Annotated[str | None, tyro.conf.arg(metavar="HEIGHTxWIDTH")] = None
    """Of the one image that the file then takes at a time; any images of any size if left out,
    but with int8 that of the images measured."""
    to: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder to write; RUN/export/FORMAT if left out. An older export there is replaced."""


def main(argv: Sequence[str]) -> int:
    """Run `roadseg export` with the arguments `argv`; return the exit status."""
    given = parse(Arguments, argv, command="export", example=EXAMPLE)
    size = None if given.size is None else parse_size(given.size)
    if (given.run is None) == (given.model is None):
        raise RoadsegError("roadseg export: give either a run folder or --model PRESET")
    precision = Precision(
        given.precision,
        given.calibration,
        given.calibration_images,
        given.seed,
        given.records,
        given.split,
        given.verdict_images,
        given.allow_loss,
    )
    interface = Interface(given.outputs, given.input_format)
    if given.run is not None:
        folder = export_run(
            given.run, given.format, given.step, given.to, size, precision, interface
        )
    elif given.step != "last":
        raise RoadsegError(f"--step {given.step}: of a run; leave it out with --model")
    else:
        name = str(given.model)
        folder = export_preset(name, given.format, given.to, size, precision, interface)
    print(f"wrote {folder}")
    return 0


def export_run(
    run_path: Path,
    format_name: str = "saved_model",
    step: str = "last",
    to: Path | None = None,
    size: Size = None,
    precision: Precision | None = None,
    interface: Interface = LABELS_OF_RGB,
) -> Path:
    """Export one checkpoint of the run at `run_path` and return the folder that was written.

    size: height and width of the one image that the model takes then; None for any number of
        images of any size. precision: None for float32, judged by nothing but the trial images.
    interface: what the model takes and gives for each pixel.
    Beside the model's own files lie model_card.json and model_card.md. The folder is written whole
    or not at all. Raises RoadsegError for a folder that is no run of a segmentation network, an
    unknown format, precision, output or step, a format whose extra is not installed, a size that
    the network does not take, images and records that do not fit, a file that lost more than it
    may, a target that holds something else, or a full disk.
    """
    precision = precision or Precision()
    kind = _refuse_early(format_name, size, precision, interface)
    wanted = parse_step(step)
    from roadseg.runs.run_folder import RunFolder

    run = RunFolder(run_path)
    if not run.exists:
        raise RoadsegError(f"{run_path}: no run here; give the folder that `roadseg train` made")
    target = to if to is not None else run.export_folder / folder_name(format_name, precision)
    _check_target(target)
    refuse_unwritable(target)
    number, _ = run.find_checkpoint(wanted)
    if task_of(run.recipe).labels_pairs:
        precision.refuse_singles()
    from roadseg.export.subject import subject_of_run

    _export(subject_of_run(run, number), kind, size, precision, interface, target)
    return target


def export_preset(
    name: str,
    format_name: str = "saved_model",
    to: Path | None = None,
    size: Size = None,
    precision: Precision | None = None,
    interface: Interface = LABELS_OF_RGB,
) -> Path:
    """Export the network with the published weights called `name`; otherwise as `export_run`.

    to: None for exports/NAME/FORMAT. Raises RoadsegError for an unknown name too, and for weights
    that label no images, or that are not to be had.
    """
    precision = precision or Precision()
    kind = _refuse_early(format_name, size, precision, interface)
    from roadseg.weights.presets import find_preset

    find_preset(name)
    usual = Path("exports", name.replace("/", "_"), folder_name(format_name, precision))
    target = to if to is not None else usual
    _check_target(target)
    refuse_unwritable(target)
    from roadseg.export.subject import subject_of_preset

    _export(subject_of_preset(name), kind, size, precision, interface, target)
    return target


def folder_name(format_name: str, precision: Precision) -> str:
    """Return what the folder of an export is called where nobody says: onnx, onnx-int8, ..."""
    return format_name if precision.name == "float32" else f"{format_name}-{precision.name}"


def _refuse_early(
    format_name: str, size: Size, precision: Precision, interface: Interface
) -> Format:
    """Return the format; raise RoadsegError for what is seen to be wrong without TensorFlow."""
    kind = find_format(format_name)
    precision.refuse_early(kind)
    interface.refuse_early(kind, size, precision.is_judged)
    from roadseg.export.extras import need

    need(format_name)
    # Some formats need a further package for that (OpenVINO: NNCF).
    if precision.name == "int8":
        need(f"{format_name}-int8")
    return kind


def _export(
    subject: "Subject",
    kind: Format,
    size: Size,
    precision: Precision,
    interface: Interface,
    target: Path,
) -> None:
    """Write `subject` with its model card to `target`, whole or not at all."""
    from roadseg.export.fixed_size import check_size
    from roadseg.export.model_card import to_markdown
    from roadseg.folders import replace_folder

    check_size(subject.model, size)
    interface = dataclasses.replace(interface, views=subject.views)

    def write(folder: Path) -> None:
        facts = _write(subject, kind, size, precision, interface, folder, target)
        card = {**subject.card(kind.name, facts.pop("size"), interface), **facts}
        text = json.dumps(card, indent=1) + "\n"
        (folder / "model_card.json").write_text(text, encoding="utf-8")
        (folder / "model_card.md").write_text(to_markdown(card), encoding="utf-8")

    replace_folder(target, write)


def _write(
    subject: "Subject",
    kind: Format,
    size: Size,
    precision: Precision,
    interface: Interface,
    folder: Path,
    target: Path,
) -> dict[str, Any]:
    """Write the model's own files; return what the card says of precision, and the `size`."""
    if precision.is_judged:
        from roadseg.export.judged import write_judged

        return write_judged(subject, kind, size, precision, interface, folder, target)
    kind.write(subject.model, folder, size, interface)
    return {"size": size}


def parse_step(text: str) -> int | Literal["best"] | None:
    """Return the step that `text` names, None for the last; raise RoadsegError for other words."""
    if text == "last":
        return None
    if text == "best":
        return "best"
    if not text.isdecimal():
        raise RoadsegError(f"--step {text}: give a step (a whole number), 'last' or 'best'")
    return int(text)


def _check_target(target: Path) -> None:
    """Refuse to replace anything but an older export or an empty folder."""
    if target.is_file():
        raise RoadsegError(f"{target}: a file; give a folder with --to")
    if target.is_dir() and any(target.iterdir()) and not (target / "model_card.json").is_file():
        raise RoadsegError(
            f"{target}: a folder with other files in it; give a new or empty one with --to"
        )
