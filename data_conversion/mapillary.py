"""Mapillary Vistas: training|validation/images with labels beside them, as 19 or 65 classes.

seg19_lbl: PNG files of Cityscapes' label ids, as Fast_Seg reads them (it does not say how they were
made). labels: the palette PNG files of Vistas v1.1 and v1.2, whose ids `config.json` in the root
names. They become 19 classes by the proposal in `roadseg.datasets.mapillary`, or as the merged set
UDS maps them, or stay the 65 classes that they are.
"""

import json
from pathlib import Path
from typing import Literal

from roadseg import datasets
from roadseg.data_conversion.builder import RecordBuilder
from roadseg.data_conversion.raw.source import (
    Pair,
    Source,
    existing_folder,
    images_in,
    refuse_lonely,
)
from roadseg.datasets import LabelTable
from roadseg.datasets.label_table import Colour
from roadseg.datasets.mapillary import vistas
from roadseg.datasets.uds import uds_member
from roadseg.datasets.vistas import CLASSES
from roadseg.errors import RoadsegError

FOLDERS = {"train": "training", "val": "validation"}
Labels = Literal["auto", "seg19_lbl", "labels"]
Classes = Literal["19", "uds", "65"]
KINDS = ("seg19_lbl", "labels")
CONFIG = "config.json"
CONVERTED = "_19labelTrainIds.png"
"""How maps end that SFSegNets writes beside the labels; they are no labels of their own."""
SIZES = {"train": 18000, "val": 2000}


class Mapillary(RecordBuilder):
    """tfds builder of Mapillary Vistas in Cityscapes' 19 classes."""

    name = "mapillary"


class Mapillary65(RecordBuilder):
    """tfds builder of Mapillary Vistas in its own 65 classes."""

    name = "mapillary65"


def mapillary_source(root: Path, labels: Labels = "auto", classes: Classes = "19") -> Source:
    """Return the files below `root`: splits train (18,000 images) and val (2,000) if there.

    labels: folder of the label files; 'auto' takes the one that is there, seg19_lbl first.
    classes: '19' by the proposal, 'uds' as the merged set maps them, '65' as they are; the last
        two are of the folder `labels`, and need no config.json.
    Raises RoadsegError for images and labels that do not pair, naming them, and for a config.json
    of other classes than those of v1.2.
    """
    way_out = "--source is the folder that holds training and validation"
    existing_folder(root, way_out)
    there = {split: root / name for split, name in FOLDERS.items() if (root / name).is_dir()}
    if not there:
        raise RoadsegError(f"{root}: neither training nor validation; {way_out}")
    kind = _kind(there, labels, classes)
    found = {split: paired(folder / "images", folder / kind) for split, folder in there.items()}
    name = "mapillary65" if classes == "65" else "mapillary"
    return Source(name, _table(root / CONFIG, kind, classes), found, published=SIZES)


def paired(images: Path, labels: Path) -> tuple[Pair, ...]:
    """Return image and label of one name, sorted; raise RoadsegError naming every other file."""
    way_out = "labels are in seg19_lbl (Cityscapes' ids) or labels (v1.2); see --labels"
    pictures = images_in(existing_folder(images, "images belong there"))
    files = images_in(existing_folder(labels, way_out))
    maps = {path.stem: path for path in files if not path.name.endswith(CONVERTED)}
    lonely = [path for path in pictures if path.stem not in maps]
    stems = {path.stem for path in pictures}
    lonely += [path for stem, path in maps.items() if stem not in stems]
    refuse_lonely(images.parent, lonely, "add what is missing or remove them")
    return tuple(Pair(path.stem, path, maps[path.stem]) for path in pictures)


def read_config(path: Path) -> LabelTable:
    """Return the label table of Vistas' config.json; RoadsegError for another release's."""
    try:
        return vistas(_classes(path))
    except ValueError as error:
        raise RoadsegError(f"{path}: {error}; classes of Vistas v1.2 are wanted") from None


def refuse_other_ids(path: Path) -> None:
    """Raise RoadsegError for a config.json that names other ids than v1.1 and v1.2 have."""
    found = [name for name, _ in _classes(path)]
    for number, (name, _) in enumerate(CLASSES):
        if found[number : number + 1] != [name]:
            there = f"is '{found[number]}'" if number < len(found) else "is missing"
            raise RoadsegError(
                f"{path}: id {number} {there}, in Vistas v1.1 and v1.2 it is '{name}'; "
                "labels of one of these are wanted"
            )


def _classes(path: Path) -> list[tuple[str, Colour]]:
    """Return name and colour of each id in a config.json."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["labels"]
        return [(str(entry["name"]), _colour(entry["color"])) for entry in entries]
    except OSError as error:
        raise RoadsegError(
            f"{path}: {error.strerror}; the ids in `labels` are named by this file of Vistas v1.2"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise RoadsegError(f"{path}: not the config.json of Vistas v1.2 ({error!r})") from None


def _colour(values: list[int]) -> Colour:
    red, green, blue = (int(value) for value in values[:3])
    return red, green, blue


def _kind(folders: dict[str, Path], labels: Labels, classes: Classes) -> str:
    """Return the folder that label files are read from; RoadsegError if there is none."""
    if classes != "19" and labels == "seg19_lbl":
        raise RoadsegError(
            f"--classes {classes} --labels seg19_lbl: these files hold 19 classes already; "
            "leave --labels out"
        )
    if classes != "19" or labels != "auto":
        return "labels" if labels == "auto" else labels
    for kind in KINDS:
        if any((folder / kind).is_dir() for folder in folders.values()):
            return kind
    first = next(iter(folders.values()))
    raise RoadsegError(f"{first}: neither {' nor '.join(KINDS)}; labels belong into one of them")


def _table(config: Path, kind: str, classes: Classes) -> LabelTable:
    if kind == "seg19_lbl":
        return datasets.get("mapillary")
    if classes == "19":
        return read_config(config)
    if config.is_file():
        refuse_other_ids(config)
    return datasets.get("mapillary65") if classes == "65" else uds_member("mapillary")
