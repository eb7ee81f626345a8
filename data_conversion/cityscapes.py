"""Cityscapes from its downloaded folders, and everything else that has its layout.

Files: leftImg8bit/<split>/<city>/NAME_leftImg8bit.png and
gtFine/<split>/<city>/NAME_gtFine_labelIds.png (or _labelTrainIds.png); gtCoarse likewise.
"""

from pathlib import Path
from typing import Literal

from roadseg import datasets
from roadseg.data_conversion.builder import RecordBuilder
from roadseg.data_conversion.source import Pair, Source, existing_folder, existing_label
from roadseg.errors import RoadsegError

SPLITS = ("train", "val", "test")
COARSE_SPLIT = "train_extra"
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

    splits: those to take; by default those of train, val and test that have label files.
    coarse: add the split train_extra with the labels of gtCoarse.
    Raises RoadsegError for a missing folder, an image without label, a split without images.
    """
    way_out = "--source is the folder that holds leftImg8bit and gtFine"
    existing_folder(root, way_out)
    existing_folder(root / "leftImg8bit", way_out)
    if not coarse or splits:
        existing_folder(root / "gtFine", way_out)
    wanted = splits or tuple(split for split in SPLITS if _has_labels(root, split, labels))
    found = {split: _pairs(root, split, "gtFine", labels) for split in wanted}
    if coarse:
        existing_folder(root / "gtCoarse" / COARSE_SPLIT, "--coarse needs gtCoarse/train_extra")
        found[COARSE_SPLIT] = _pairs(root, COARSE_SPLIT, "gtCoarse", labels)
    if not found:
        raise RoadsegError(
            f"{root / 'gtFine'}: no *_gtFine_{_LABEL_END[labels]}.png in {', '.join(SPLITS)}; "
            "label ids and train ids are told apart by --labels ids|train"
        )
    return Source(name, datasets.get(name), found, coding=labels)


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
