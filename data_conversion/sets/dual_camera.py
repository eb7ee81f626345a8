"""Frames of two cameras on one car: the "yuanqu" layout of Semantics Sharing.

Below one root, image_train and image_val hold frames fov120_NNNNN.jpg and fov60_NNNNN.jpg, at any
depth, and image_label their labels under the same names (.png); image_test holds frames without
labels. Equal numbers belong together; the wide view is the first of a pair. Paths with
"checkpoint" in them are left out, as in the original (Jupyter leaves such folders behind).
Source: zhenzhenxiang/SemanticsSharing 9fc1fde; layout and names only.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from roadseg import label_tables
from roadseg.data_conversion.raw.faults import kept, refuse_all
from roadseg.data_conversion.raw.find import Search
from roadseg.data_conversion.raw.image_files import DecodedLabel, read_label
from roadseg.data_conversion.raw.label_coding import LabelCoding
from roadseg.data_conversion.raw.pairing import NO_PICTURE, keyed
from roadseg.data_conversion.raw.source import (
    Pair,
    Source,
    TwoCameras,
    existing_folder,
    refuse_lonely,
)
from roadseg.errors import RoadsegError
from roadseg.label_tables import LabelTable

FOLDERS = {"train": "image_train", "val": "image_val", "test": "image_test"}
UNLABELLED = ("test",)
LABELS = "image_label"
CAMERAS = ("fov120", "fov60")
# Label file -> checksum of its values, as published mirrored left to right against its image.
_MIRRORED = {
    "fov60_21000.png": "d1a9c9d9cf6cf6fedaf97cfcb8e7c8865f7ffecdf16deee6e1a62aaeef7807b6",
}


class DualCameraCoding(LabelCoding):
    """Label ids, with the one published label that is mirrored turned round."""

    def read(self, path: Path) -> DecodedLabel:
        """Return what the label file holds, as its image shows it."""
        label = super().read(path)
        if not is_mirrored(path, label.values):
            return label
        return DecodedLabel(label.encoded, label.values[:, ::-1], plain=False)


def is_mirrored(path: Path, values: np.ndarray) -> bool:
    """Return whether these are the values of the label that was published mirrored."""
    if path.name not in _MIRRORED:
        return False
    return hashlib.sha256(values.tobytes()).hexdigest() == _MIRRORED[path.name]


def dual_camera_source(
    root: Path, views: tuple[str, str] = CAMERAS, table: LabelTable | None = None
) -> Source:
    """Return the pairs below `root`: splits train, val and test, those that are there.

    views: how the names of frames begin, the first view's before the other's.
    table: what label ids mean; by default the six classes of the published set.
    Raises RoadsegError naming every frame without its partner or, in train and val, without label.
    """
    way_out = f"--source is the folder that holds {', '.join(FOLDERS.values())} and {LABELS}"
    existing_folder(root, way_out)
    found: dict[str, tuple[Pair, ...]] = {}
    search = Search()
    faults: list[RoadsegError] = []
    for split, name in FOLDERS.items():
        if not (root / name).is_dir():
            continue
        with kept(faults):
            frames = paired_frames(root / name, views, search)
            labels = {} if split in UNLABELLED else _labels(search, root, frames)
            found[split] = tuple(_pair(first, second, labels) for first, second in frames)
    refuse_all(root, faults)
    if not found:
        raise RoadsegError(f"{root}: neither {' nor '.join(FOLDERS.values())}; {way_out}")
    names = {view.image.stem for pairs in found.values() for view in _views(pairs)}
    files = search.labels(root / LABELS) if (root / LABELS).is_dir() else []
    search.leave_out((path for path in files if path.stem not in names), NO_PICTURE)
    table = table or label_tables.get("dual_camera")
    return Source("dual_camera", table, found, notes=_notes(found), left_out=dict(search.left_out))


def paired_frames(
    folder: Path, views: tuple[str, str] = CAMERAS, search: Search | None = None
) -> list[tuple[Path, Path]]:
    """Return the frames of both cameras below `folder` that have one number, in its order.

    Raises RoadsegError naming every frame without its partner, a file that is no frame, and a
    number that a view has twice.
    """
    form = re.compile(f"({re.escape(views[0])}|{re.escape(views[1])})_([0-9]+)")
    frames: dict[str, dict[int, Path]] = {view: {} for view in views}
    search = search or Search()
    faults: list[RoadsegError] = []
    for path in _own(search, folder, search.images(folder)):
        with kept(faults):
            match = form.fullmatch(path.stem)
            if match is None:
                raise RoadsegError(
                    f"{path}: not the name of a frame ({views[0]}_00001.jpg, {views[1]}_00001.jpg);"
                    " remove it, or see --camera-prefixes"
                )
            other = frames[match[1]].setdefault(int(match[2]), path)
            if other is not path:
                raise RoadsegError(f"{path}: {other} has the same number; remove one of them")
    refuse_all(folder, faults)
    first, second = (frames[view] for view in views)
    lonely = [path for number, path in first.items() if number not in second]
    lonely += [path for number, path in second.items() if number not in first]
    refuse_lonely(folder, lonely, f"a number needs frames of {views[0]} and {views[1]}")
    return [(first[number], second[number]) for number in sorted(first)]


def _labels(search: Search, root: Path, frames: list[tuple[Path, Path]]) -> dict[str, Path]:
    """Return the label file of each frame, by name; RoadsegError naming frames without one."""
    folder = existing_folder(root / LABELS, "labels of image_train and image_val belong there")
    found = keyed(_own(search, folder, search.labels(folder)), lambda path: path.stem)
    lonely = [image for pair in frames for image in pair if image.stem not in found]
    refuse_lonely(root, lonely, f"their labels belong into {LABELS}, as NAME.png")
    return found


def _pair(first: Path, second: Path, labels: dict[str, Path]) -> TwoCameras:
    other = Pair(second.stem, second, labels.get(second.stem))
    return TwoCameras(first.stem, first, labels.get(first.stem), second=other)


def _notes(splits: dict[str, tuple[Pair, ...]]) -> tuple[str, ...]:
    views = [view for pairs in splits.values() for view in _views(pairs)]
    labels = {view.label for view in views if view.label and view.label.name in _MIRRORED}
    return tuple(
        f"{path} is published mirrored against its image, and is turned round"
        for path in sorted(labels)
        if is_mirrored(path, read_label(path).values)
    )


def _views(pairs: tuple[Pair, ...]) -> Iterator[Pair]:
    for pair in pairs:
        yield pair
        yield getattr(pair, "second", pair)


def _own(search: Search, folder: Path, files: list[Path]) -> Iterator[Path]:
    """Yield `files` but for those that Jupyter left behind."""
    for path in files:
        if "checkpoint" in path.relative_to(folder).as_posix():
            search.leave_out([path], "'checkpoint' in its path")
        else:
            yield path
