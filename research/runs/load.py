"""From a name, a run folder, an export or a `.keras` file to what labels images with it."""

import colorsys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadseg import label_tables
from roadseg.errors import RoadsegError
from roadseg.files import plain_path
from roadseg.inference.exported import FileForward, read_exported_file
from roadseg.inference.images import Reader
from roadseg.inference.inference import Inference
from roadseg.inference.runtime_files import exported_file
from roadseg.label_tables.label_table import Colour, LabelTable
from roadseg.recipe.protocol import Protocol, find_protocol
from roadseg.runs.run_folder import RunFolder, Step
from roadseg.tasks.table import task_of
from roadseg.weights.presets import PRESETS, USUAL, Preset, find_preset

if TYPE_CHECKING:
    from roadseg.sampling.sampler import Sampler

LARGEST_KERAS_FILE = 1 << 30
"""Bytes of a `.keras` file when it is unpacked, which Keras does in memory."""


def load_inference(
    source: Path | str | None = None,
    step: Step = None,
    label_table: LabelTable | str | None = None,
    mirror: Path | str | None = None,
    read: Reader | None = None,
    protocol: Protocol | str | Mapping[str, Any] | None = None,
) -> Inference:
    """Return what labels images with the network that `source` names.

    source: a run folder; a folder that `roadseg export` wrote, in any format whose runtime is
        installed; a `.keras` file of a network from RGB 0..255 to class logits; or a preset,
        'dabnet/cityscapes'. None: the one shipped.
    step: of a run: a checkpoint's, 'best', or None for the last one.
    label_table: classes of a `.keras` file, which holds none; None numbers them. All others know
        theirs.
    mirror: folder of weights that is looked at first; None: $ROADSEG_WEIGHTS.
    read: reads pictures by their path; None refuses paths.
    protocol: how images are shown: one, the name of one, or changes of the usual one, which is that
        of a preset's own score, else whole images as they are (None).
    Raises RoadsegError for whatever `source` is not, and for options that it does not take.
    """
    path = Path(source or USUAL).expanduser()
    kind = _kind_of(str(source or USUAL), path)
    if step is not None and kind != "run":
        raise RoadsegError(f"{path}: holds no steps; leave step {step} out")
    if label_table is not None and kind != "keras":
        raise RoadsegError(f"{path}: knows its classes; leave the label table out")
    if mirror is not None and kind != "preset":
        raise RoadsegError(f"{path}: its weights are in it; leave the folder of weights out")
    if isinstance(protocol, str):
        protocol = find_protocol(protocol)
    if kind == "run":
        found = inference_of_run(RunFolder(path), step, read=read)
    elif kind == "saved_model":
        found = _of_saved_model(path, read)
    elif kind == "file":
        found = _of_exported_file(path, read)
    elif kind == "keras":
        found = _of_keras_file(path, label_table, read)
    else:
        found = _of_preset(str(source or USUAL), mirror, read)
    if isinstance(protocol, Mapping):
        protocol = found.protocol.replace(protocol)
    return found if protocol in (None, found.protocol) else found.by_protocol(protocol)


def _kind_of(source: str, path: Path) -> str:
    """Return what `source` is: 'run', 'saved_model', 'file', 'keras' or 'preset'.

    Raises RoadsegError for what is none of these.
    """
    if source in PRESETS:
        return "preset"
    if (path / "saved_model.pb").is_file():
        return "saved_model"
    if exported_file(path) is not None:
        return "file"
    if path.is_dir():
        return "run"
    if path.suffix == ".keras" or path.is_file():
        if path.suffix == ".keras" and path.is_file():
            return "keras"
        what = "neither a run, an export nor a .keras file" if path.is_file() else "no such file"
        raise RoadsegError(f"{path}: {what}; check the path, or give a preset (roadseg list)")
    # Meant as a path: the name of a preset has one slash at most.
    if path.is_absolute() or source.count("/") > 1 or source.startswith("."):
        raise RoadsegError(f"{path}: no such run or export; check the path")
    if source == USUAL:
        raise RoadsegError(
            "no network comes with this version; name one, dabnet/cityscapes or another preset "
            "(roadseg list presets), or a run"
        )
    find_preset(source)
    return "preset"


def inference_of_run(
    run: RunFolder,
    step: Step = None,
    sampler: "Sampler | None" = None,
    read: Reader | None = None,
    protocol: Protocol | None = None,
) -> Inference:
    """Return what labels images with a checkpoint of `run`.

    sampler: samples in place of the run's own. protocol: how images are shown; None: whole.
    Raises RoadsegError if there is no such run or checkpoint, for a run that labels no single
    images, and for a protocol that its network cannot follow.
    """
    run.check(step)
    if task_of(run.recipe).labels_pairs:
        raise RoadsegError(f"{run.path}: labels pairs of images; `roadseg predict` takes it")
    number, _ = run.find_checkpoint(step)
    model = run.load_segmenter(number, sampler=sampler)
    title = f"{run.path.name}, step {number}"
    title += f", sampled by '{sampler.kind}'" if sampler is not None else ""
    found = Inference(model, run.label_table, read=read, title=title)
    return found if protocol is None else found.by_protocol(protocol)


def _of_saved_model(folder: Path, read: Reader | None) -> Inference:
    from roadseg.inference.saved_model import read_saved_model

    model = read_saved_model(folder)
    outputs = model.outputs()
    return Inference(model, model.label_table, outputs=outputs, size=model.size, read=read)


def _of_exported_file(folder: Path, read: Reader | None) -> Inference:
    path = exported_file(folder)
    assert path is not None
    file = read_exported_file(path)
    forward = FileForward(file)
    return Inference(file, file.label_table, forward=forward, size=file.size, read=read)


def _of_preset(name: str, mirror: Path | str | None, read: Reader | None) -> Inference:
    from roadseg.models.legal_sizes import padded_to_legal
    from roadseg.weights.published import load_preset

    network, preset = load_preset(name, mirror)
    table = label_tables.get(preset.label_table)
    model = network if preset.sampled else padded_to_legal(network)
    return Inference(model, table, protocol_of(preset), read=read, title=name)


def protocol_of(preset: Preset) -> Protocol:
    """Return how the score of `preset` was counted."""
    protocol = find_protocol(preset.protocol)
    if not preset.resize or preset.image_size is None:
        return protocol
    height = {"input_height": preset.image_size[0], "input_resize": preset.resize}
    return protocol.replace(height)


def _of_keras_file(path: Path, label_table: Any, read: Reader | None) -> Inference:
    import keras

    from roadseg.models.legal_sizes import padded_to_legal

    _check_keras_file(path)
    try:
        with plain_path(path) as plain:
            # Safe mode runs no code of the file; its losses, perhaps unknown, are not needed.
            model = keras.saving.load_model(plain, compile=False, safe_mode=True)
    # Keras raises plain exceptions for files that are none, and for layers that it does not know.
    except Exception as error:
        reason = " ".join(str(error).split())[:160]
        raise RoadsegError(
            f"{path}: not a .keras file of a network ({reason}); save it again by `model.save`"
        ) from None
    classes = _outputs(model)
    if classes is None:
        raise RoadsegError(
            f"{path}: no network from single images to class logits; label with the run it is of"
        )
    sampled = hasattr(model, "locations")
    table = _table_of(label_table, classes, path)
    shown = model if sampled else padded_to_legal(model)
    return Inference(shown, table, read=read, title=path.name)


def _check_keras_file(path: Path) -> None:
    """Raise RoadsegError for an archive that would fill memory, or lead out of its folder.

    A file that is no archive is left to Keras, which says so.
    """
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise RoadsegError(f"{path}: damaged ({error}); copy the file again") from None
    size = sum(member.file_size for member in members)
    if size > LARGEST_KERAS_FILE:
        raise RoadsegError(
            f"{path}: unpacks to {size:,} bytes, {LARGEST_KERAS_FILE:,} at most are read; no "
            "network here is that large"
        )
    for member in members:
        parts = Path(member.filename).parts
        if member.filename.startswith("/") or ".." in parts:
            raise RoadsegError(
                f"{path}: '{member.filename}' in it leads out of its folder; save it again by "
                "`model.save`"
            )


def _outputs(model: Any) -> int | None:
    """Return how many logits `model` gives a pixel; None if it is no network of single images."""
    network = getattr(model, "network", model)
    if not hasattr(network, "output_shape") or isinstance(network.input_shape, dict | list):
        return None
    shape = network.output_shape
    if isinstance(shape, dict):
        shape = shape.get("logits", ())
    return shape[-1] if isinstance(shape, tuple) and len(shape) == 4 else None


def _table_of(given: LabelTable | str | None, outputs: int, path: Path) -> LabelTable:
    """Return the classes of a network with `outputs`, of which one more than classes is void."""
    if given is None:
        names = tuple(f"class {number}" for number in range(outputs))
        # Hues a golden section apart differ most from those before them.
        hues = [number * 0.618 % 1 for number in range(outputs)]
        colours = tuple(_colour(hue) for hue in hues)
        return LabelTable(path.stem, names, colours)
    table = label_tables.get(given) if isinstance(given, str) else given
    if outputs not in (table.num_classes, table.num_classes + 1):
        raise RoadsegError(
            f"{path}: gives {outputs} outputs, and '{table.name}' has {table.num_classes} classes; "
            "name the label table that it was trained on"
        )
    return table


def _colour(hue: float) -> Colour:
    """Return a colour of a hue of 0..1."""
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.6, 0.9))
    return red, green, blue
