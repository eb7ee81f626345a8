"""IDD segmentation: leftImg8bit and gtFine, train and val, a folder for each drive.

Images are leftImg8bit/SPLIT/DRIVE/NAME_leftImg8bit.png (.jpg in its second part). As downloaded,
gtFine holds outlines, NAME_gtFine_polygons.json; AutoNUE/public-code draws NAME_gtFine_labelids.png
from them (`createLabels.py --id-type id`), which are read where they are there. Maps of other ids
(level3Ids, _19labelTrainIds) are not read.
"""

from pathlib import Path
from typing import Literal

from roadseg import datasets
from roadseg.data_conversion.builder import RecordBuilder
from roadseg.data_conversion.raw.source import (
    Coding,
    Pair,
    Source,
    existing_folder,
    existing_label,
    images_in,
)
from roadseg.errors import RoadsegError

SIZES = {"train": 6993, "val": 981}
"""Of the first part, which is what the merged set holds (Varma et al., WACV 2019)."""
Labels = Literal["auto", "ids", "polygons"]
_IMAGE_END = "_leftImg8bit"
_LABEL_END: dict[Coding, str] = {"ids": "_gtFine_labelids.png", "polygons": "_gtFine_polygons.json"}


class IDD(RecordBuilder):
    """tfds builder of IDD in Cityscapes' 19 classes."""

    name = "idd"


def idd_source(root: Path, labels: Labels = "auto") -> Source:
    """Return the files below `root`: splits train and val, those that are in gtFine.

    labels: 'ids' reads *_labelids.png, 'polygons' draws *_polygons.json; 'auto' takes the ids
        where any are there.
    Raises RoadsegError for a missing folder and for an image without label.
    """
    way_out = "--source is the folder IDD_Segmentation, which holds leftImg8bit and gtFine"
    existing_folder(root, way_out)
    existing_folder(root / "leftImg8bit", way_out)
    existing_folder(root / "gtFine", way_out)
    kinds: tuple[Coding, ...] = ("ids", "polygons") if labels == "auto" else (labels,)
    for kind in kinds:
        if any((root / "gtFine").glob(f"*/*/*{_LABEL_END[kind]}")):
            there = [split for split in SIZES if (root / "gtFine" / split).is_dir()]
            found = {split: _pairs(root, split, _LABEL_END[kind]) for split in there}
            return Source("idd", datasets.get("idd"), found, kind, published=SIZES)
    wanted = " nor ".join(f"*{_LABEL_END[kind]}" for kind in kinds)
    raise RoadsegError(
        f"{root / 'gtFine'}: no {wanted} in train/* or val/*; {way_out}; see --labels"
    )


def _pairs(root: Path, split: str, end: str) -> tuple[Pair, ...]:
    images = existing_folder(root / "leftImg8bit" / split, f"images of '{split}' belong there")
    pairs = []
    for drive in sorted(path for path in images.iterdir() if path.is_dir()):
        for image in images_in(drive):
            if not image.stem.endswith(_IMAGE_END):
                raise RoadsegError(
                    f"{image}: not the name of an image (*{_IMAGE_END}.*); remove it"
                )
            name = image.stem.removesuffix(_IMAGE_END)
            label = root / "gtFine" / split / drive.name / f"{name}{end}"
            # Drives count their frames from the same number on.
            pairs.append(Pair(f"{drive.name}_{name}", image, existing_label(image, label)))
    return tuple(pairs)
