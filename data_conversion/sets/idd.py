"""IDD segmentation: leftImg8bit and gtFine, train and val, a folder for each drive.

Images are leftImg8bit/SPLIT/DRIVE/NAME_leftImg8bit.png (.jpg in its second part). As downloaded,
gtFine holds outlines, NAME_gtFine_polygons.json; AutoNUE/public-code draws NAME_gtFine_labelids.png
from them (`createLabels.py --id-type id`), which are read where they are there. Maps of other ids
(level3Ids, _19labelTrainIds) are not read.
"""

from pathlib import Path
from typing import Literal

from roadseg import label_tables
from roadseg.data_conversion.raw.find import Search, is_nobodys
from roadseg.data_conversion.raw.pairing import below, leave_out_unlabelled, pair_up
from roadseg.data_conversion.raw.source import Coding, Pair, Source, existing_folder
from roadseg.errors import RoadsegError

SIZES = {"train": 6993, "val": 981}
"""Of the first part, which is what the merged set holds (Varma et al., WACV 2019)."""
Labels = Literal["auto", "ids", "polygons"]
_IMAGE_END = "_leftImg8bit"
_LABEL_END: dict[Coding, str] = {"ids": "_gtFine_labelids.png", "polygons": "_gtFine_polygons.json"}


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
        files = (root / "gtFine").glob(f"*/*/*{_LABEL_END[kind]}")
        if not all(map(is_nobodys, files)):
            there = [split for split in SIZES if (root / "gtFine" / split).is_dir()]
            search = Search()
            found = {split: _pairs(search, root, split, _LABEL_END[kind]) for split in there}
            others = (root / "leftImg8bit" / split for split in SIZES if split not in there)
            leave_out_unlabelled(search, others, _IMAGE_END)
            table, left_out = label_tables.get("idd"), search.finish()
            return Source("idd", table, found, kind, published=SIZES, left_out=left_out)
    wanted = " nor ".join(f"*{_LABEL_END[kind]}" for kind in kinds)
    raise RoadsegError(
        f"{root / 'gtFine'}: no {wanted} in train/* or val/*; {way_out}; see --labels"
    )


def _pairs(search: Search, root: Path, split: str, end: str) -> tuple[Pair, ...]:
    folder = existing_folder(root / "leftImg8bit" / split, f"images of '{split}' belong there")
    labels, ending = root / "gtFine" / split, Path(end).suffix
    key = below(folder, _IMAGE_END)
    pairs = pair_up(
        search,
        search.images(folder, _IMAGE_END),
        search.files(labels, {ending}, Path(end).stem, companion=lambda p: "_gtFine_" in p.name),
        key,
        below(labels, Path(end).stem),
        lambda image: labels / f"{key(image)}{end}",
    )
    # Drives count their frames from the same number on.
    return tuple(Pair(key(image).replace("/", "_"), image, label) for image, label in pairs)
