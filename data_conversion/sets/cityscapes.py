"""Cityscapes from its downloaded folders, and everything else that has its layout.

Files: leftImg8bit/<split>/<city>/NAME_leftImg8bit.png and
gtFine/<split>/<city>/NAME_gtFine_labelIds.png (or _labelTrainIds.png); gtCoarse likewise. Each
archive may also be unpacked into a folder of its own name (gtFine_trainvaltest/gtFine), as
SFSegNets wants it.
trainval, train_plus and train_plus_plus are the published lists trainval, train+ and train++ made
from the folders. Source: Fast_Seg 7895738, data/cityscapes.
train_cv1 and val_cv1, train_cv2 and val_cv2 split trainval by other cities (0 is the official
split). Source: lxtGH/SFSegNets ba475ba.
"""

import dataclasses
import re
from pathlib import Path
from typing import Literal

from roadseg import label_tables
from roadseg.data_conversion.raw.find import Search, is_nobodys
from roadseg.data_conversion.raw.list_files import pairs_of_list, split_names
from roadseg.data_conversion.raw.pairing import below, leave_out_unlabelled, pair_up
from roadseg.data_conversion.raw.source import Pair, Source, existing_folder
from roadseg.errors import RoadsegError

SPLITS = ("train", "val", "test")
COARSE_SPLIT = "train_extra"
SIZES = {
    **{"train": 2975, "val": 500, "trainval": 3475, COARSE_SPLIT: 19998},
    **{"train_plus": 22973, "train_plus_plus": 23472},
}
BROKEN_FRAME = "troisdorf_000000_000073"
"""The one coarse frame that is damaged as published; train++ lacks it, train+ has it."""

# Name of a split -> (folder of the images, kind of its labels) of each of its parts.
_COARSE = (COARSE_SPLIT, "gtCoarse")
_PARTS = {
    COARSE_SPLIT: (_COARSE,),
    "trainval": (("train", "gtFine"), ("val", "gtFine")),
    "train_plus": (("train", "gtFine"), _COARSE),
    "train_plus_plus": (("train", "gtFine"), ("val", "gtFine"), _COARSE),
}
# Kind of files -> the archives that hold it, as folders.
_ARCHIVES = {
    "leftImg8bit": ("leftImg8bit_trainvaltest", "leftImg8bit_trainextra"),
    "gtFine": ("gtFine_trainvaltest",),
    "gtCoarse": ("gtCoarse",),
}
_FOLDS, _HELD_BACK = 3, 3  # of cross-validation; cities in each
_CROSS_SPLIT = re.compile(r"(train|val)_cv([012])")
_IMAGE_END = "_leftImg8bit"
_LABEL_END = {"ids": "labelIds", "train": "labelTrainIds"}


def as_classes(source: Source, classes: str) -> Source:
    """Return `source` with '19' classes, as it is, or with its seven 'categories'."""
    if classes == "19":
        return source
    if source.coding == "train":
        raise RoadsegError(
            f"--classes {classes} --labels train: train ids are those of 19 classes; read the "
            "label ids with --labels ids"
        )
    name = f"{source.name}_{classes}"
    return dataclasses.replace(source, name=name, table=label_tables.get(name))


def cityscapes_source(
    root: Path,
    labels: Literal["ids", "train"] = "ids",
    coarse: bool = False,
    splits: tuple[str, ...] = (),
    name: str = "cityscapes",
) -> Source:
    """Return the files below `root`.

    splits: those to take; by default those of train, val and test that have label files. There
        are trainval, train_plus (fine and coarse), train_plus_plus (both fine ones and coarse)
        and, for k in 0, 1, 2, train_cv<k> and val_cv<k> as well.
    coarse: add the split train_extra with the labels of gtCoarse.
    Raises RoadsegError for a missing folder, an image without label, a split without images.
    """
    way_out = "--source is the folder that holds leftImg8bit and gtFine"
    existing_folder(root, way_out)
    existing_folder(_folder(root, "leftImg8bit"), way_out)
    if not coarse or splits:
        existing_folder(_folder(root, "gtFine"), way_out)
    wanted = splits or tuple(split for split in SPLITS if _has_labels(root, split, labels))
    wanted = (*wanted, COARSE_SPLIT) if coarse and COARSE_SPLIT not in wanted else wanted
    search = Search()
    found = {split: _split(search, root, split, labels) for split in wanted}
    if not splits:  # those of test are not published
        others = (split for split in SPLITS if split not in (*wanted, "test"))
        images = (_folder(root, "leftImg8bit", split) / split for split in others)
        leave_out_unlabelled(search, images, _IMAGE_END)
    if not found:
        ending = f"*_gtFine_{_LABEL_END[labels]}.png"
        raise RoadsegError(
            f"{_folder(root, 'gtFine')}: no {ending} in {', '.join(SPLITS)}; label ids "
            "and train ids are told apart by --labels ids|train"
        )
    published = SIZES if name == "cityscapes" else {}
    table, left_out = label_tables.get(name), search.finish()
    return Source(name, table, found, labels, published=published, left_out=left_out)


def cityscapes_lists(
    root: Path,
    lists: tuple[Path, ...],
    names: tuple[str, ...] = (),
    labels: Literal["ids", "train"] = "ids",
) -> Source:
    """Return the files that lists of "image label" pairs name, one split for each list.

    names: of the splits; by default those of the lists (train+.txt gives train_plus).
    Raises RoadsegError for a line at fault, with its number, and for a missing file.
    """
    existing_folder(root, "--source is the folder that the paths of a list are relative to")
    found = {
        split: pairs_of_list(path, root, _name_of)
        for split, path in zip(split_names(lists, names), lists, strict=True)
    }
    return Source("cityscapes", label_tables.get("cityscapes"), found, coding=labels)


def _name_of(image: Path) -> str:
    return image.stem.removesuffix(_IMAGE_END)


def _folder(root: Path, kind: str, split: str = "") -> Path:
    """Return the folder of a kind of files that holds `split`; the plain one if none does."""
    places = [root / kind, *(root / archive / kind for archive in _ARCHIVES[kind])]
    return next((place for place in places if (place / split).is_dir()), places[0])


def _split(search: Search, root: Path, split: str, labels: str) -> tuple[Pair, ...]:
    crossed = _CROSS_SPLIT.fullmatch(split)
    if crossed:
        pairs = _split(search, root, "trainval", labels)
        held_back = _cities_held_back(pairs, int(crossed[2]))
        wanted = crossed[1] == "val"
        return tuple(pair for pair in pairs if (_city(pair) in held_back) == wanted)
    parts = _PARTS.get(split, ((split, "gtFine"),))
    found: list[Pair] = []
    for folder, kind in parts:
        if kind == "gtCoarse":
            way_out = f"split '{split}' needs gtCoarse/{COARSE_SPLIT}"
            existing_folder(_folder(root, kind, folder) / folder, way_out)
        if split == "test" and not _has_labels(root, split, labels):
            raise RoadsegError(
                f"{_folder(root, 'gtFine') / split}: no labels of test, which are not published, "
                "and records hold labels; `roadseg predict RUN --images "
                f"{_folder(root, 'leftImg8bit', split) / split}` needs none"
            )
        found += _pairs(search, root, folder, kind, labels)
    if split == "train_plus_plus":
        found = [pair for pair in found if pair.name != BROKEN_FRAME]
    return tuple(found)


def _city(pair: Pair) -> str:
    return pair.image.parent.name


def _cities_held_back(pairs: tuple[Pair, ...], fold: int) -> set[str]:
    """Return the three cities of a fold: those of val, then those of train, cut into thirds."""
    val = {_city(pair) for pair in pairs if pair.image.parent.parent.name == "val"}
    cities = [*sorted(val), *sorted({_city(pair) for pair in pairs} - val)]
    first = len(cities) * fold // _FOLDS
    return set(cities[first : first + _HELD_BACK])


def _has_labels(root: Path, split: str, labels: str) -> bool:
    pattern = f"*/*_gtFine_{_LABEL_END[labels]}.png"
    found = (_folder(root, "gtFine", split) / split).glob(pattern)
    return not all(map(is_nobodys, found))


def _pairs(search: Search, root: Path, split: str, kind: str, labels: str) -> list[Pair]:
    folder = existing_folder(
        _folder(root, "leftImg8bit", split) / split, f"leave split '{split}' out"
    )
    maps, end = _folder(root, kind, split) / split, f"_{kind}_{_LABEL_END[labels]}"
    files = []
    if maps.is_dir():
        others = re.compile(rf".+_{kind}_\w+\.(png|json)").fullmatch
        files = search.files(maps, {".png"}, end, companion=lambda path: bool(others(path.name)))
    images = search.images(folder, _IMAGE_END)
    if not images:
        raise RoadsegError(f"{folder}: no */*{_IMAGE_END}.png; leave split '{split}' out")
    key = below(folder, _IMAGE_END)
    pairs = pair_up(
        search,
        images,
        files,
        key,
        below(maps, end),
        lambda image: maps / f"{key(image)}{end}.png",
    )
    return [Pair(_name_of(image), image, label) for image, label in pairs]
