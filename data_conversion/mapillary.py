"""Mapillary Vistas: training|validation/images with labels beside them, as 19 classes.

seg19_lbl: PNG files of Cityscapes' label ids, as Fast_Seg reads them (it does not say how they were
made). labels: the palette PNG files of Vistas v1.2, whose ids `config.json` in the root names; how
they become 19 classes is the proposal in `roadseg.datasets.mapillary`.
"""

import json
from pathlib import Path
from typing import Literal

from roadseg import datasets
from roadseg.data_conversion.builder import RecordBuilder
from roadseg.data_conversion.source import Pair, Source, existing_folder, images_in
from roadseg.datasets import LabelTable
from roadseg.datasets.mapillary import vistas
from roadseg.errors import RoadsegError

FOLDERS = {"train": "training", "val": "validation"}
Labels = Literal["auto", "seg19_lbl", "labels"]
KINDS = ("seg19_lbl", "labels")
CONFIG = "config.json"
_NAMED = 20


class Mapillary(RecordBuilder):
    """tfds builder of Mapillary Vistas in Cityscapes' 19 classes."""

    name = "mapillary"


def mapillary_source(root: Path, labels: Labels = "auto") -> Source:
    """Return the files below `root`: splits train (18,000 images) and val (2,000) if there.

    labels: folder of the label files; 'auto' takes the one that is there, seg19_lbl first.
    Raises RoadsegError for images and labels that do not pair, naming them, and for a config.json
    of other classes than those of v1.2.
    """
    way_out = "--source is the folder that holds training and validation"
    existing_folder(root, way_out)
    there = {split: root / name for split, name in FOLDERS.items() if (root / name).is_dir()}
    if not there:
        raise RoadsegError(f"{root}: neither training nor validation; {way_out}")
    kind = _kind_there(there) if labels == "auto" else labels
    found = {split: paired(folder / "images", folder / kind) for split, folder in there.items()}
    table = datasets.get("mapillary") if kind == "seg19_lbl" else read_config(root / CONFIG)
    return Source("mapillary", table, found)


def paired(images: Path, labels: Path) -> tuple[Pair, ...]:
    """Return image and label of one name, sorted; raise RoadsegError naming every other file."""
    way_out = "labels are in seg19_lbl (Cityscapes' ids) or labels (v1.2); see --labels"
    pictures = images_in(existing_folder(images, "images belong there"))
    maps = {path.stem: path for path in images_in(existing_folder(labels, way_out))}
    lonely = [path for path in pictures if path.stem not in maps]
    stems = {path.stem for path in pictures}
    lonely += [path for stem, path in maps.items() if stem not in stems]
    if lonely:
        listed = ", ".join(f"{path.parent.name}/{path.name}" for path in lonely[:_NAMED])
        more = f" and {len(lonely) - _NAMED} more" if len(lonely) > _NAMED else ""
        raise RoadsegError(
            f"{images.parent}: {len(lonely)} files without the other of their pair: "
            f"{listed}{more}; add what is missing or remove them"
        )
    return tuple(Pair(path.stem, path, maps[path.stem]) for path in pictures)


def read_config(path: Path) -> LabelTable:
    """Return the label table of Vistas' config.json; RoadsegError for another release's."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["labels"]
        classes = [(str(entry["name"]), _colour(entry["color"])) for entry in entries]
    except OSError as error:
        raise RoadsegError(
            f"{path}: {error.strerror}; the ids in `labels` are named by this file of Vistas v1.2"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise RoadsegError(f"{path}: not the config.json of Vistas v1.2 ({error!r})") from None
    try:
        return vistas(classes)
    except ValueError as error:
        raise RoadsegError(f"{path}: {error}; classes of Vistas v1.2 are wanted") from None


def _colour(values: list[int]) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in values[:3])
    return red, green, blue


def _kind_there(folders: dict[str, Path]) -> str:
    for kind in KINDS:
        if any((folder / kind).is_dir() for folder in folders.values()):
            return kind
    first = next(iter(folders.values()))
    raise RoadsegError(f"{first}: neither {' nor '.join(KINDS)}; labels belong into one of them")
