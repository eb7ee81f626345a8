"""`roadseg export`: one checkpoint of a run to a model that needs nothing of this project."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from roadseg.command_line.arguments import parse
from roadseg.command_line.options import parse_size
from roadseg.errors import RoadsegError
from roadseg.files import refuse_unwritable

if TYPE_CHECKING:
    import keras

EXAMPLE = """\
roadseg export runs/adaptive128
roadseg export runs/icnet --format onnx --size 512x1024 --step best --to models/street"""

# Height and width of every image, None for any.
Size = tuple[int, int] | None


def _saved_model(model: "keras.Model", folder: Path, size: Size) -> None:
    from roadseg.export.saved_model import write_saved_model

    write_saved_model(model, folder, size)


def _two_views(model: "keras.Model", folder: Path, size: Size) -> None:
    from roadseg.export.two_views import write_two_views

    write_two_views(model, folder, size)


def _onnx(model: "keras.Model", folder: Path, size: Size) -> None:
    from roadseg.export.onnx import write_onnx

    write_onnx(model, folder, size)


def _litert(model: "keras.Model", folder: Path, size: Size) -> None:
    from roadseg.export.litert import write_litert

    write_litert(model, folder, size)


def _openvino(model: "keras.Model", folder: Path, size: Size) -> None:
    from roadseg.export.openvino import write_openvino

    write_openvino(model, folder, size)


# Name of each format -> what writes a model to an empty folder, for images of any size or of one,
# and checks what it wrote.
FORMATS: dict[str, Callable[["keras.Model", Path, Size], None]] = {
    "saved_model": _saved_model,
    "onnx": _onnx,
    "litert": _litert,
    "openvino": _openvino,
}


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Export a run: images of any size in, labels out, with a model card beside it; of two views
    both images in, both labels out."""

    run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """Folder of the run."""
    format: Annotated[str, tyro.conf.arg(metavar="NAME")] = "saved_model"
    """saved_model; or onnx, litert, openvino, each with the extra of that name."""
    step: Annotated[str, tyro.conf.arg(metavar="STEP")] = "last"
    """A step, 'last', or 'best'."""
    size: Annotated[str | None, tyro.conf.arg(metavar="HEIGHTxWIDTH")] = None
    """Of the one image that the file then takes at a time; any images of any size if left out."""
    to: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder to write; RUN/export/FORMAT if left out. An older export there is replaced."""


def main(argv: Sequence[str]) -> int:
    """Run `roadseg export` with the arguments `argv`; return the exit status."""
    arguments = parse(Arguments, argv, command="export", example=EXAMPLE)
    size = None if arguments.size is None else parse_size(arguments.size)
    folder = export_run(arguments.run, arguments.format, arguments.step, arguments.to, size)
    print(f"wrote {folder}")
    return 0


def export_run(
    run_path: Path,
    format_name: str = "saved_model",
    step: str = "last",
    to: Path | None = None,
    size: Size = None,
) -> Path:
    """Export one checkpoint of the run at `run_path` and return the folder that was written.

    size: height and width of the one image that the model takes then; None for any number of
        images of any size.
    Beside the model's own files lie model_card.json and model_card.md. The folder is written whole
    or not at all. Raises RoadsegError for a folder that is no run of a segmentation network, an
    unknown format or step, a format whose extra is not installed or that two views have not, a
    size that the network does not take, a target that holds something else, or a full disk.
    """
    if format_name not in FORMATS:
        raise RoadsegError(f"--format {format_name}: there is {', '.join(FORMATS)}")
    wanted = parse_step(step)
    from roadseg.export.converters import need
    from roadseg.export.fixed_size import check_size
    from roadseg.export.model_card import model_card, to_markdown
    from roadseg.folders import replace_folder
    from roadseg.runs.run_folder import RunFolder

    need(format_name)
    run = RunFolder(run_path)
    if not run.exists:
        raise RoadsegError(f"{run_path}: no run here; give the folder that `roadseg train` made")
    target = to if to is not None else run.export_folder / format_name
    _check_target(target)
    refuse_unwritable(target)
    number, _ = run.find_checkpoint(wanted)
    two_views = run.recipe.task == "two_views"
    if two_views and format_name != "saved_model":
        raise RoadsegError(f"{run_path}: two views are exported as saved_model alone")
    model = run.load_network(number) if two_views else run.load_segmenter(number)
    check_size(model, size)
    card = model_card(run, number, model, format_name, size)
    write_model = _two_views if two_views else FORMATS[format_name]

    def write(folder: Path) -> None:
        write_model(model, folder, size)
        text = json.dumps(card, indent=1) + "\n"
        (folder / "model_card.json").write_text(text, encoding="utf-8")
        (folder / "model_card.md").write_text(to_markdown(card), encoding="utf-8")

    replace_folder(target, write)
    return target


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
