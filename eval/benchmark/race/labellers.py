"""Everything that can be raced, as one function from a uint8 RGB image to labels of every pixel."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.eval.benchmark.race.contestants import Contestant, Setting
from roadseg.eval.benchmark.race.labels import labels_of, labels_output
from roadseg.eval.benchmark.race.pixels import InputOptions, Pixels, layout_of, resized
from roadseg.eval.benchmark.race.turns import Lap
from roadseg.files import read_json
from roadseg.inference.runtime_files import FileModel, open_file, runtime_of
from roadseg.ops.nv12 import frames_of, size_of

if TYPE_CHECKING:
    from roadseg.label_tables.label_table import LabelTable

Prepare = Callable[[np.ndarray], Any]
Run = Callable[[Any], Any]
Finish = Callable[[Any, tuple[int, int]], np.ndarray]
CARD = "model_card.json"


class Labeller:
    """An image to labels in three steps, of which the second is the network's own."""

    def __init__(
        self,
        prepare: Prepare,
        run: Run,
        finish: Finish,
        names: tuple[str, ...] | None = None,
        camera: Prepare | None = None,
    ) -> None:
        """Take the steps, and the names of the classes where they are known.

        camera: makes of an image what a camera gives where that is no RGB; before the clock starts.
        """
        self.prepare, self.run, self.finish, self.names = prepare, run, finish, names
        self.camera = camera or (lambda image: image)

    def label(self, image: np.ndarray) -> np.ndarray:
        """Return labels (height, width) of RGB uint8 (height, width, 3)."""
        return self.finish(self.run(self.prepare(self.camera(image))), image.shape[:2])

    def lap(self, image: np.ndarray) -> Lap:
        """Return the times of labelling `image` once."""
        frame = self.camera(image)
        cpu, start = time.process_time(), time.perf_counter()
        given = self.prepare(frame)
        begin = time.perf_counter()
        found = self.run(given)
        end = time.perf_counter()
        self.finish(found, image.shape[:2])
        done = time.perf_counter()
        cpu_ms = 1000 * (time.process_time() - cpu)
        return Lap(1000 * (done - start), cpu_ms, 1000 * (end - begin))


def labeller_of(contestant: Contestant, setting: Setting) -> Labeller:
    """Return what labels images with a contestant; RoadsegError where it cannot be loaded."""
    if contestant.kind == "file":
        return labeller_of_file(Path(contestant.source), setting)
    from roadseg.eval.benchmark.latency import set_threads

    set_threads(setting.threads)
    if contestant.kind == "saved_model":
        return _saved_model(Path(contestant.source))
    return _keras(contestant, setting)


def labeller_of_file(path: Path, setting: Setting) -> Labeller:
    """Return what labels images with the file at `path` as a user of it would do it."""
    import cv2

    cv2.setNumThreads(setting.threads)
    model = open_file(path, setting.threads)
    number = output_number(path, model.outputs, setting.output)
    layout = setting.inputs.layout or layout_of(model.shape, runtime_of(path).usual_layout)
    prepare: Prepare
    if _is_nv12(model):
        camera, prepare = partial(_frame, path, model), _batched
    else:
        size = _size(model, layout, path)
        camera, prepare = None, Pixels(layout, size, model.dtype, *_values(model, setting))

    def finish(outputs: Any, size: tuple[int, int]) -> np.ndarray:
        if not outputs:
            raise RoadsegError(
                f"{path}: it has no output {number}; --file-output counts them from 0"
            )
        try:
            return labels_of(outputs[0], size, layout)
        except ValueError as error:
            raise RoadsegError(f"{path}: {error}; name another with --file-output") from None

    run = partial(model.run, output=number)
    return Labeller(prepare, run, finish, _class_names(path.parent), camera)


def _is_nv12(model: FileModel) -> bool:
    """Return whether a file takes frames of NV12: bytes of three axes."""
    return model.shape is not None and len(model.shape) == 3 and model.dtype == np.uint8


def _frame(path: Path, model: FileModel, image: np.ndarray) -> np.ndarray:
    """Return an image as a frame of NV12 that a file takes; RoadsegError for odd sides."""
    _, rows, width = model.shape or (None, None, None)
    if rows is not None and width is not None:
        image = resized(image, size_of((rows, width)))
    return frames_of(image[None], f"{path}: image of")[0]


def _batched(frame: np.ndarray) -> np.ndarray:
    return frame[None]


def output_number(path: Path, names: tuple[str, ...], wanted: str | None) -> int:
    """Return the number of the output that holds the labels or logits.

    wanted: its name or number; None: that of `labels_output`.
    """
    if wanted is None:
        return labels_output(names, path)
    if wanted in names:
        return names.index(wanted)
    if wanted.isdecimal() and (not names or int(wanted) < len(names)):
        return int(wanted)
    raise RoadsegError(
        f"{path}: no output '{wanted}'; --file-output takes a number"
        + (f" or one of {', '.join(names)}" if names else "")
    )


def _size(model: FileModel, layout: str, path: Path) -> tuple[int, int] | None:
    """Return height and width of the images that a file takes; None for any."""
    if model.shape is None:
        return None
    if len(model.shape) != 4:
        raise RoadsegError(
            f"{path}: its input has shape {model.shape}; an image of four axes can be timed"
        )
    height, width = model.shape[2:] if layout == "nchw" else model.shape[1:3]
    return None if height is None or width is None else (height, width)


def _values(model: FileModel, setting: Setting) -> tuple[InputOptions, Any]:
    # Bytes stay bytes, whatever a quantised file takes them for.
    return setting.inputs, None if model.dtype == np.uint8 else model.quantised


def _class_names(folder: Path) -> tuple[str, ...] | None:
    """Return the class names of the card that an export has beside it; None without one."""
    card = folder / CARD
    if not card.is_file():
        return None
    table = read_json(card, "export it again").get("label_table") or {}
    return tuple(table["names"]) if "names" in table else None


def _saved_model(folder: Path) -> Labeller:
    import tensorflow as tf

    from roadseg.eval.benchmark.saved_model import SavedLabels

    function = SavedLabels(folder)
    return Labeller(
        lambda frame: tf.constant(frame[None]),
        lambda frames: function(frames).numpy(),
        lambda labels, _: np.asarray(labels[0]),
        _class_names(folder),
        (lambda image: frames_of(image[None], f"{folder}: image of")[0])
        if function.is_nv12
        else None,
    )


def _keras(contestant: Contestant, setting: Setting) -> Labeller:
    import tensorflow as tf

    from roadseg.eval.benchmark.saved_model import labelling_function

    model, table = _model_of(contestant, setting)
    function = labelling_function(model)
    return Labeller(
        lambda image: tf.constant(image[None]),
        lambda images: function(images).numpy(),
        lambda labels, _: np.asarray(labels[0]),
        None if table is None else table.names,
    )


def _model_of(contestant: Contestant, setting: Setting) -> "tuple[Any, LabelTable | None]":
    if contestant.kind == "network":
        from roadseg.models import registry

        return registry.create(contestant.source, setting.num_classes, **setting.options), None
    from roadseg.runs.load import load_inference

    inference = load_inference(contestant.source)
    return inference.model, inference.label_table
