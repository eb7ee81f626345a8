"""Cityscapes from its downloaded folders, and everything else that has its layout.

Files: leftImg8bit/<split>/<city>/NAME_leftImg8bit.png and
gtFine/<split>/<city>/NAME_gtFine_labelIds.png (or _labelTrainIds.png); gtCoarse likewise.
trainval, train_plus and train_plus_plus are the published lists trainval, train+ and train++ made
from the folders. Source: Fast_Seg 7895738, data/cityscapes.
"""

from pathlib import Path
from typing import Literal

from roadseg import datasets
from roadseg.data_conversion.builder import RecordBuilder
from roadseg.data_conversion.list_files import pairs_of_list, split_names
from roadseg.data_conversion.source import Pair, Source, existing_folder, existing_label
from roadseg.errors import RoadsegError

SPLITS = ("train", "val", "test")
COARSE_SPLIT = "train_extra"
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
_IMAGE_END = "_leftImg8bit.png"
_LABEL_END = {"ids": "labelIds", "train": "labelTrainIds"}


class Cityscapes(RecordBuilder):
    """tfds builder of Cityscapes records."""

    name = "cityscapes"


class StreetScenes(RecordBuilder):
    """tfds builder of drawn street scenes, which have Cityscapes' layout and ids."""

    name = "street_scenes"


def cityscapes_source(
    root: Path,
    labels: Literal["ids", "train"] = "ids",
    coarse: bool = False,
    splits: tuple[str, ...] = (),
    name: str = "cityscapes",
) -> Source:
    """Return the files below `root`.

    splits: those to take; by default those of train, val and test that have label files. There
        are trainval, train_plus (fine and coarse) and train_plus_plus (both fine ones and coarse)
        as well.
    coarse: add the split train_extra with the labels of gtCoarse.
    Raises RoadsegError for a missing folder, an image without label, a split without images.
    """
    way_out = "--source is the folder that holds leftImg8bit and gtFine"
    existing_folder(root, way_out)
    existing_folder(root / "leftImg8bit", way_out)
    if not coarse or splits:
        existing_folder(root / "gtFine", way_out)
    wanted = splits or tuple(split for split in SPLITS if _has_labels(root, split, labels))
    wanted = (*wanted, COARSE_SPLIT) if coarse and COARSE_SPLIT not in wanted else wanted
    found = {split: _split(root, split, labels) for split in wanted}
    if not found:
        raise RoadsegError(
            f"{root / 'gtFine'}: no *_gtFine_{_LABEL_END[labels]}.png in {', '.join(SPLITS)}; "
            "label ids and train ids are told apart by --labels ids|train"
        )
    return Source(name, datasets.get(name), found, coding=labels)


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
    return Source("cityscapes", datasets.get("cityscapes"), found, coding=labels)


def _name_of(image: Path) -> str:
    return image.name.removesuffix(_IMAGE_END) if image.name.endswith(_IMAGE_END) else image.stem


def _split(root: Path, split: str, labels: str) -> tuple[Pair, ...]:
    parts = _PARTS.get(split, ((split, "gtFine"),))
    found: list[Pair] = []
    for folder, kind in parts:
        if kind == "gtCoarse":
            way_out = f"split '{split}' needs gtCoarse/{COARSE_SPLIT}"
            existing_folder(root / kind / folder, way_out)
        if split == "test" and not _has_labels(root, split, labels):
            raise RoadsegError(
                f"{root / 'gtFine' / split}: no labels of test, which are not published, and "
                "records hold labels; `roadseg predict RUN --images "
                f"{root / 'leftImg8bit' / split}` needs none"
            )
        found += _pairs(root, folder, kind, labels)
    if split == "train_plus_plus":
        found = [pair for pair in found if pair.name != BROKEN_FRAME]
    return tuple(found)


def _has_labels(root: Path, split: str, labels: str) -> bool:
    pattern = f"*/*_gtFine_{_LABEL_END[labels]}.png"
    return any((root / "gtFine" / split).glob(pattern))


def _pairs(root: Path, split: str, kind: str, labels: str) -> tuple[Pair, ...]:
    folder = existing_folder(root / "leftImg8bit" / split, f"leave split '{split}' out")
    pairs = []
    for image in sorted(folder.glob(f"*/*{_IMAGE_END}")):
        name = image.name.removesuffix(_IMAGE_END)
        label = f"{name}_{kind}_{_LABEL_END[labels]}.png"
        path = root / kind / split / image.parent.name / label
        pairs.append(Pair(name, image, existing_label(image, path)))
    if not pairs:
        raise RoadsegError(f"{folder}: no */*{_IMAGE_END}; leave split '{split}' out")
    return tuple(pairs)
