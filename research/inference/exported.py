"""What `roadseg export` wrote for ONNX Runtime, OpenVINO or LiteRT, run by these from pixels on."""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.inference.forward import best_share
from roadseg.inference.runtime_files import FileModel, of_two_cameras, open_file
from roadseg.inference.saved_model import read_card
from roadseg.label_tables.label_table import LabelTable
from roadseg.ops.nv12 import frames_of, size_taken

SCORES = ("logits", "probabilities")
"""Outputs of which the best class is the label."""


@dataclass(frozen=True)
class ExportedFile:
    """A file in its runtime, which takes bytes: values between them are rounded.

    path: of the file. loaded: what its runtime gives of it.
    """

    path: Path
    loaded: FileModel
    label_table: LabelTable

    @property
    def name(self) -> str:
        """What it is called: its folder."""
        return self.path.parent.name

    @property
    def is_nv12(self) -> bool:
        """Whether it takes frames of NV12, which are then made of images of RGB."""
        return len(self.loaded.shape or ()) == 3

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width of the one image that it takes at a time; None for any images."""
        return size_taken(self.loaded.shape or ())

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Return the outputs, by name, of RGB images (batch, height, width, 3), 0..255, any type.

        Where it takes NV12, sides have to be even.
        """
        levels = np.rint(np.clip(images, 0, 255)).astype(np.uint8)
        found = self.loaded.run(frames_of(levels) if self.is_nv12 else levels)
        return dict(zip(self.loaded.outputs, found, strict=True))


class FileForward:
    """Calls an exported file as `Forward` calls a network; nothing is traced or compiled."""

    trace_count = 0

    def __init__(self, file: ExportedFile) -> None:
        """Take a file that was read."""
        names = set(file.loaded.outputs)
        scored = not names.isdisjoint(SCORES)
        self._file, self._lock = file, threading.Lock()
        sure = {"confidence"} if scored or "confidence" in names else set()
        self.gives = frozenset({"labels", *(names & {"logits"}), *sure})

    def __call__(self, images: np.ndarray, *asked: str) -> dict[str, np.ndarray]:
        """Return `asked`, of `gives`, as arrays, and 'locations' where the file gives them."""
        with self._lock:  # a runtime has all cores, and one place for what it computes
            found = self._file(images)
        made = {name: found[name] for name in ("locations",) if name in found}
        scores = next((found[name] for name in SCORES if name in found), None)
        if scores is not None:
            made["broken"] = np.isnan(scores.sum())
        for name in asked:
            made[name] = found[name] if name in found else _of_scores(name, found)
        return made


def _of_scores(name: str, found: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the labels, or how sure they are, of an export that gives scores in place of them."""
    from keras import ops

    scores = next(found[score] for score in SCORES if score in found)
    if name == "labels":
        return np.argmax(scores, axis=-1).astype(np.int32)
    if "probabilities" in found:
        return np.max(found["probabilities"], axis=-1)
    return np.asarray(ops.convert_to_numpy(best_share(ops.convert_to_tensor(scores))))


def read_exported_file(path: Path) -> ExportedFile:
    """Return the export at `path`, loaded.

    Raises RoadsegError without its runtime, which names the extra to install; for a damaged file;
    without its model card; and for an export of two cameras, or that gives no labels.
    """
    table, _ = read_card(path.parent)
    loaded = open_file(path, os.cpu_count() or 1)
    names = set(loaded.outputs)
    if of_two_cameras(names):
        raise RoadsegError(f"{path}: takes the images of two cameras; give the run")
    if names.isdisjoint({"labels", *SCORES}):
        raise RoadsegError(
            f"{path}: gives {', '.join(loaded.outputs)} and no labels; export the run again with "
            "--outputs labels"
        )
    return ExportedFile(path, loaded, table)
