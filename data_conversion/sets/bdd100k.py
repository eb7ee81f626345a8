"""BDD100K: the 7,000 training and 1,000 validation images that are labelled for segmentation.

Two layouts are published, and either may lie in the folder or in its folder `seg`:
images/SPLIT/NAME.jpg with labels/SPLIT/NAME_train_id.png, and, since 2020,
images/10k/SPLIT/NAME.jpg with labels/sem_seg/masks/SPLIT/NAME.png. Both hold train ids.
"""

from pathlib import Path

from roadseg import label_tables
from roadseg.data_conversion.raw.find import Search, is_nobodys
from roadseg.data_conversion.raw.pairing import below, leave_out_unlabelled, pair_up
from roadseg.data_conversion.raw.source import Pair, Source, existing_folder
from roadseg.errors import RoadsegError

SIZES = {"train": 7000, "val": 1000}
_COLOURS = "_train_color.png"
# Folders of images and labels, and how the name of a label ends.
_LAYOUTS = (
    ("images", "labels", "_train_id.png"),
    ("seg/images", "seg/labels", "_train_id.png"),
    ("images/10k", "labels/sem_seg/masks", ".png"),
)


def bdd100k_source(root: Path) -> Source:
    """Return the files below `root`: splits train and val, those that have a folder of labels.

    Images without label and labels without image, of which the download has some, are left out.
    Raises RoadsegError for a folder of neither layout.
    """
    way_out = "--source is the folder that holds images and labels (bdd100k/seg as downloaded)"
    existing_folder(root, way_out)
    for images, labels, end in _LAYOUTS:
        if not all(map(is_nobodys, (root / labels).glob(f"*/*{end}"))):
            there = [split for split in SIZES if (root / labels / split).is_dir()]
            search = Search()
            found = {s: _pairs(search, root / images / s, root / labels / s, end) for s in there}
            others = (root / images / split for split in SIZES if split not in there)
            leave_out_unlabelled(search, others)
            table, left_out = label_tables.get("bdd100k"), search.finish()
            return Source("bdd100k", table, found, published=SIZES, left_out=left_out)
    raise RoadsegError(
        f"{root}: no *_train_id.png in labels/train or labels/val, and no labels/sem_seg/masks; "
        f"{way_out}"
    )


def _pairs(search: Search, images: Path, labels: Path, end: str) -> tuple[Pair, ...]:
    existing_folder(images, f"the images of {labels} belong there")
    end = Path(end).stem if end != ".png" else ""
    pairs = pair_up(
        search,
        search.images(images, deep=False),
        search.files(labels, {".png"}, end, False, lambda path: path.name.endswith(_COLOURS)),
        below(images),
        below(labels, end),
    )
    return tuple(Pair(image.stem, image, label) for image, label in pairs)
