"""KITTI semantics: 200 images in Cityscapes' label ids, training/image_2 and training/semantic.

The set is not split by itself. SFSegNets holds back 21 of the images, in one of three ways; its
training runs validate on all 200, which is the sum train+val. Source: lxtGH/SFSegNets ba475ba.
"""

import re
from pathlib import Path

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

SIZES = {"train": 179, "val": 21}
# Fold -> numbers of the images that it holds back.
VALIDATION: tuple[tuple[int, ...], ...] = (
    (1, 5, 11, 29, 35, 49, 57, 68, 72, 82, 93, 115, 119, 130, 145, 154, 156, 167, 169, 189, 198),
    (0, 12, 24, 31, 42, 50, 63, 71, 84, 96, 101, 112, 121, 133, 141, 155, 164, 171, 187, 191, 197),
    (3, 6, 13, 21, 41, 54, 61, 73, 88, 91, 110, 121, 126, 131, 142, 149, 150, 163, 173, 183, 199),
)


def kitti_source(root: Path, fold: int = 0) -> Source:
    """Return the files below `root`, split into train and val as in one of the three folds.

    Raises RoadsegError for a missing folder, for images and labels that do not pair, naming them,
    and for a name that is no frame's.
    """
    way_out = "--source is the folder that holds training/image_2 and training/semantic"
    existing_folder(root, way_out)
    training = root / "training"
    search = Search()
    images = search.images(existing_folder(training / "image_2", way_out), deep=False)
    labels = search.labels(existing_folder(training / "semantic", way_out), deep=False)
    by_name = keyed(labels, lambda path: path.stem)
    pairs = [Pair(path.stem, path, by_name.pop(path.stem, None)) for path in images]
    lonely = [pair.image for pair in pairs if pair.label is None]
    refuse_lonely(training, [*lonely, *by_name.values()], "add what is missing or remove them")
    found: dict[str, list[Pair]] = {}
    faults: list[RoadsegError] = []
    for pair in pairs:
        with kept(faults):
            split = "val" if frame_number(pair.image) in VALIDATION[fold] else "train"
            found.setdefault(split, []).append(pair)
    refuse_all(training / "image_2", faults)
    splits = {split: tuple(found[split]) for split in SIZES if split in found}
    table, left_out = label_tables.get("kitti"), search.finish()
    return Source("kitti", table, splits, published=SIZES, left_out=left_out)


def frame_number(image: Path) -> int:
    """Return the number of a frame, 000123_10.png; RoadsegError for another name."""
    match = re.fullmatch(r"(\d{6})_10", image.stem)
    if match is None:
        raise RoadsegError(f"{image}: not the name of a KITTI frame (000123_10.png); remove it")
    return int(match.group(1))
