"""A folder of one's own: images, labels and a class table in YAML.

    my_city/
      classes.yaml
      images/train/NAME.png      8-bit RGB, PNG or JPEG
      labels/train/NAME.png      8-bit, one value a pixel (grey or palette), or colours
      images/val/ labels/val/    any number of splits, of any name

The class table is described in `raw/class_table.py`.
"""

from collections.abc import Collection
from pathlib import Path

from roadseg.data_conversion.raw.class_table import read_class_table
from roadseg.data_conversion.raw.find import Search, is_nobodys, walk
from roadseg.data_conversion.raw.pairing import NO_PICTURE, below, pair_up
from roadseg.data_conversion.raw.source import Pair, Source, existing_folder
from roadseg.errors import RoadsegError

CLASSES_FILE = "classes.yaml"


def folder_source(root: Path, classes: Path | None = None) -> Source:
    """Return the files of the folder; a split is each folder of images.

    Raises RoadsegError for a missing folder, an image without label and a class table at fault.
    """
    existing_folder(root, f"--source is the folder that holds images, labels and {CLASSES_FILE}")
    table, coding = read_class_table(classes or root / CLASSES_FILE, default_name=root.name)
    images = existing_folder(root / "images", "put the images into images/train and so on")
    search, found = Search(), {}
    for folder in sorted(path for path in images.iterdir() if path.is_dir()):
        if not is_nobodys(folder):
            found[folder.name] = _pairs(search, folder, root / "labels" / folder.name)
    if not found:
        raise RoadsegError(f"{images}: no folder for a split; put the images into images/train")
    search.leave_out(_outside(images, found), "in no folder of a split")
    if (root / "labels").is_dir():
        search.leave_out(_outside(root / "labels", found), NO_PICTURE)
    return Source(table.name, table, found, coding, left_out=search.finish())


def _pairs(search: Search, images: Path, labels: Path) -> tuple[Pair, ...]:
    """Return the pairs of a split; pictures may lie in folders of their own, labels likewise."""
    files = search.labels(labels) if labels.is_dir() else []
    key = below(images)

    def expected(image: Path) -> Path:
        return labels / f"{key(image)}.png"

    pairs = pair_up(search, search.images(images), files, key, below(labels), expected)
    return tuple(Pair(key(image).replace("/", "_"), image, label) for image, label in pairs)


def _outside(folder: Path, splits: Collection[str]) -> list[Path]:
    """Return the files below `folder` that lie in the folder of no split."""
    return [path for path in walk(folder) if path.relative_to(folder).parts[0] not in splits]
