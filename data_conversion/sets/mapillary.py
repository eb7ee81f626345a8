"""Mapillary Vistas: training|validation/images with labels beside them, as 19 or 65 classes.

seg19_lbl: PNG files of Cityscapes' label ids, as Fast_Seg reads them (it does not say how they were
made). labels: the palette PNG files of Vistas v1.1 and v1.2, whose ids `config.json` in the root
names; the download of v2.0 holds them in v1.2/labels, with config_v1.2.json. They become 19 classes
by the proposal in `roadseg.label_tables.mapillary`, or as the merged set UDS maps them, or stay the
65 classes that they are.
"""

from pathlib import Path
from typing import Literal

from roadseg import label_tables
from roadseg.data_conversion.raw.faults import kept, refuse_all
from roadseg.data_conversion.raw.find import Search
from roadseg.data_conversion.raw.pairing import keyed
from roadseg.data_conversion.raw.source import (
    Pair,
    Source,
    existing_folder,
    refuse_lonely,
)
from roadseg.errors import RoadsegError
from roadseg.files import read_json
from roadseg.label_tables import LabelTable
from roadseg.label_tables.label_table import Colour
from roadseg.label_tables.mapillary import vistas
from roadseg.label_tables.uds import uds_member
from roadseg.label_tables.vistas import CLASSES

FOLDERS = {"train": "training", "val": "validation"}
Labels = Literal["auto", "seg19_lbl", "labels"]
Classes = Literal["19", "uds", "65"]
KINDS = ("seg19_lbl", "labels")
CONFIG = "config.json"
IN_V2 = {"labels": "v1.2/labels", CONFIG: "config_v1.2.json"}
"""Where the download of v2.0, which holds two releases, has the files of v1.2."""
CONVERTED = "_19labelTrainIds.png"
"""How maps end that SFSegNets writes beside the labels; they are no labels of their own."""
SIZES = {"train": 18000, "val": 2000}


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
    search = Search()
    found: dict[str, tuple[Pair, ...]] = {}
    faults: list[RoadsegError] = []
    for split, folder in there.items():
        with kept(faults):
            found[split] = paired(search, folder / "images", folder / kind)
    refuse_all(root, faults)
    name = "mapillary65" if classes == "65" else "mapillary"
    config = root / (CONFIG if (root / CONFIG).is_file() else IN_V2[CONFIG])
    table = _table(config if config.is_file() else root / CONFIG, kind, classes)
    return Source(name, table, found, published=SIZES, left_out=search.finish())


def paired(search: Search, images: Path, labels: Path) -> tuple[Pair, ...]:
    """Return image and label of one name, sorted; raise RoadsegError naming all without partner."""
    way_out = "labels are in seg19_lbl (Cityscapes' ids) or labels (v1.2); see --labels"
    pictures = search.images(existing_folder(images, "images belong there"), deep=False)
    files = search.labels(existing_folder(labels, way_out), deep=False)
    files = [path for path in files if not path.name.endswith(CONVERTED)]
    maps = keyed(files, lambda path: path.stem)
    lonely = [path for path in pictures if path.stem not in maps]
    stems = {path.stem for path in pictures}
    lonely += [path for stem, path in maps.items() if stem not in stems]
    refuse_lonely(images.parent, lonely, "add what is missing or remove them")
    return tuple(Pair(path.stem, path, maps[path.stem]) for path in pictures)


def read_config(path: Path) -> LabelTable:
    """Return the label table of Vistas' config.json; RoadsegError for another release's."""
    try:
        return vistas(_classes(path))
    except RoadsegError:
        raise
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
    values = read_json(path, "the ids in `labels` are named by this file of Vistas v1.2")
    try:
        return [(str(entry["name"]), _colour(entry["color"])) for entry in values["labels"]]
    except (ValueError, KeyError, TypeError) as error:
        raise RoadsegError(
            f"{path}: not the config.json of Vistas v1.2 ({error!r}); copy the file again"
        ) from None


def _colour(values: list[int]) -> Colour:
    red, green, blue = values[:3]
    if not all(type(value) is int and 0 <= value <= 255 for value in (red, green, blue)):
        raise ValueError(f"color {values[:3]} is not of whole numbers from 0 to 255")
    return red, green, blue


def _kind(folders: dict[str, Path], labels: Labels, classes: Classes) -> str:
    """Return the folder that label files are read from; RoadsegError if there is none."""
    if classes != "19" and labels == "seg19_lbl":
        raise RoadsegError(
            f"--classes {classes} --labels seg19_lbl: these files hold 19 classes already; "
            "leave --labels out"
        )
    kinds = KINDS if classes == "19" and labels == "auto" else ("labels",)
    kinds = (labels,) if labels != "auto" else kinds
    for kind in kinds:
        for place in (kind, IN_V2.get(kind, kind)):
            if any((folder / place).is_dir() for folder in folders.values()):
                return place
    if kinds != KINDS:
        return kinds[0]
    first = next(iter(folders.values()))
    raise RoadsegError(f"{first}: neither {' nor '.join(KINDS)}; labels belong into one of them")


def _table(config: Path, kind: str, classes: Classes) -> LabelTable:
    if kind == "seg19_lbl":
        return label_tables.get("mapillary")
    if classes == "19":
        return read_config(config)
    if config.is_file():
        refuse_other_ids(config)
    return label_tables.get("mapillary65") if classes == "65" else uds_member("mapillary")
