"""What a conversion reads: pairs of image and label files, and what the labels say."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from roadseg.datasets import LabelTable
from roadseg.errors import RoadsegError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")

Coding = Literal["ids", "train", "colours"]


@dataclasses.dataclass(frozen=True)
class Pair:
    """One image with its label; `name` is what the record calls it (published base name)."""

    name: str
    image: Path
    label: Path


@dataclasses.dataclass(frozen=True)
class Source:
    """The files of a data set.

    splits: split name -> pairs, in the order in which they are written.
    coding: what label files hold: the data set's own ids, train ids, or colours of the table.
    """

    name: str
    table: LabelTable
    splits: Mapping[str, tuple[Pair, ...]]
    coding: Coding = "ids"

    def __post_init__(self) -> None:
        """Raise RoadsegError for a split without images, or two images of one name."""
        if not self.splits:
            raise RoadsegError(f"{self.name}: no split to convert; check --source")
        for split, pairs in self.splits.items():
            if not pairs:
                raise RoadsegError(f"{self.name}: split '{split}' has no images; leave it out")
            names = {pair.name for pair in pairs}
            if len(names) < len(pairs):
                twice = sorted(p.name for p in pairs if sum(p.name == q.name for q in pairs) > 1)
                raise RoadsegError(
                    f"{self.name}: two images of '{split}' are called '{twice[0]}'; rename one"
                )

    @property
    def num_examples(self) -> int:
        """Number of pairs over all splits."""
        return sum(len(pairs) for pairs in self.splits.values())


def existing_folder(path: Path, way_out: str) -> Path:
    """Return `path` if it is a folder; raise RoadsegError with the way out if not."""
    if not path.is_dir():
        what = "not a folder" if path.exists() else "no such folder"
        raise RoadsegError(f"{path}: {what}; {way_out}")
    return path


def existing_label(image: Path, label: Path) -> Path:
    """Return `label` if it is a file; raise RoadsegError naming the image without one."""
    if not label.is_file():
        raise RoadsegError(
            f"{image}: image without label, {label} is missing; add it or remove both"
        )
    return label


def images_in(folder: Path) -> list[Path]:
    """Return the image files of a folder, sorted by name; hidden files are left out."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")
    )
