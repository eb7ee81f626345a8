"""BDD100K: the 7,000 training and 1,000 validation images that are labelled for segmentation.

Two layouts are published, and either may lie in the folder or in its folder `seg`:
images/SPLIT/NAME.jpg with labels/SPLIT/NAME_train_id.png, and, since 2020,
images/10k/SPLIT/NAME.jpg with labels/sem_seg/masks/SPLIT/NAME.png. Both hold train ids.
"""

from pathlib import Path

from roadseg import datasets
from roadseg.data_conversion.builder import RecordBuilder
from roadseg.data_conversion.raw.source import (
    Pair,
    Source,
    existing_folder,
    existing_label,
    images_in,
)
from roadseg.errors import RoadsegError

SIZES = {"train": 7000, "val": 1000}
# Folders of images and labels, and how the name of a label ends.
_LAYOUTS = (
    ("images", "labels", "_train_id.png"),
    ("seg/images", "seg/labels", "_train_id.png"),
    ("images/10k", "labels/sem_seg/masks", ".png"),
)


class BDD100K(RecordBuilder):
    """tfds builder of BDD100K's segmentation images."""

    name = "bdd100k"


def bdd100k_source(root: Path) -> Source:
    """Return the files below `root`: splits train and val, those that have a folder of labels.

    Raises RoadsegError for a folder of neither layout and for an image without label.
    """
    way_out = "--source is the folder that holds images and labels (bdd100k/seg as downloaded)"
    existing_folder(root, way_out)
    for images, labels, end in _LAYOUTS:
        if any((root / labels).glob(f"*/*{end}")):
            there = [split for split in SIZES if (root / labels / split).is_dir()]
            found = {s: _pairs(root / images / s, root / labels / s, end) for s in there}
            return Source("bdd100k", datasets.get("bdd100k"), found, published=SIZES)
    raise RoadsegError(
        f"{root}: no *_train_id.png in labels/train or labels/val, and no labels/sem_seg/masks; "
        f"{way_out}"
    )


def _pairs(images: Path, labels: Path, end: str) -> tuple[Pair, ...]:
    existing_folder(images, f"the images of {labels} belong there")
    return tuple(
        Pair(path.stem, path, existing_label(path, labels / f"{path.stem}{end}"))
        for path in images_in(images)
    )
