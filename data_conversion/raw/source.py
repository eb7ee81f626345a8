"""What a conversion reads: pairs of image and label files, and what the labels say."""

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from roadseg.data_conversion.raw.find import listed
from roadseg.data_conversion.raw.pictures import USUAL, PictureRules
from roadseg.errors import RoadsegError
from roadseg.label_tables import LabelTable

_NAMED = 20
Coding = Literal["ids", "train", "colours", "polygons"]


@dataclasses.dataclass(frozen=True)
class Pair:
    """One image with its label; `name` is what the record calls it (published base name).

    label: None for an image without one, whose record is ignored everywhere.
    member: the data set that it comes from, in a merged one; "" in all others.
    """

    name: str
    image: Path
    label: Path | None
    member: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TwoCameras(Pair):
    """Frames of two cameras at one moment: a `Pair`, the first view, with the second one.

    flow: file of the optical flow from the first view to the second, if there is one.
    """

    second: Pair
    flow: Path | None = None


@dataclasses.dataclass(frozen=True)
class Source:
    """The files of a data set.

    splits: split name -> pairs, in the order in which they are written.
    coding: what label files hold: the data set's own ids, train ids, colours of the table, or
        outlines with the names of ids.
    members: of a merged set: name -> the table and coding of that member's label files, whose
        train ids are those of `table`.
    published: split name -> number of images that the data set is known to have there.
    notes: what the user should know about these files.
    left_out: files that were found and not taken, with the reason.
    rules: what the readers of pictures are told.
    """

    name: str
    table: LabelTable
    splits: Mapping[str, tuple[Pair, ...]]
    coding: Coding = "ids"
    members: Mapping[str, tuple[LabelTable, Coding]] = dataclasses.field(default_factory=dict)
    published: Mapping[str, int] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    left_out: Mapping[Path, str] = dataclasses.field(default_factory=dict)
    rules: PictureRules = USUAL

    def __post_init__(self) -> None:
        """Raise RoadsegError for a split without images or of no name, and for names twice."""
        if not self.splits:
            raise RoadsegError(f"{self.name}: no split to convert; check --source")
        for split, pairs in self.splits.items():
            # Names of shards are made of it, and + stands between splits that are read as one.
            if not re.fullmatch(r"\w[\w-]*", split):
                raise RoadsegError(
                    f"{self.name}: a split is called '{split}'; wanted letters, digits, _ and -, "
                    "as in train_plus: rename its folder"
                )
            if not pairs:
                raise RoadsegError(f"{self.name}: split '{split}' has no images; leave it out")
            names = Counter(pair.name for pair in pairs)
            twice = sorted(name for name, count in names.items() if count > 1)
            if twice:
                called = ", ".join(f"'{name}'" for name in twice[:_NAMED])
                more = f" and {len(twice) - _NAMED} more" if len(twice) > _NAMED else ""
                raise RoadsegError(
                    f"{self.name}: two images of '{split}' are called {called}{more}; rename one"
                )

    def remarks(self) -> list[str]:
        """Return the notes, and a line for each split that is not of the published size."""
        lines = list(self.notes)
        for split, count in self.published.items():
            pairs = self.splits.get(split, ())
            if pairs and len(pairs) != count:
                by_member = Counter(pair.member for pair in pairs if pair.member)
                parts = ", ".join(f"{member} {n:,}" for member, n in by_member.items())
                parts = f" ({parts})" if parts else ""
                lines.append(f"{split} has {len(pairs):,} images{parts}, {count:,} are published")
        return lines

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


def refuse_lonely(folder: Path, lonely: Iterable[Path], way_out: str) -> None:
    """Raise RoadsegError that names files below `folder` (the first 20) that lack a partner."""
    found = sorted(lonely)
    if found:
        raise RoadsegError(
            f"{folder}: {len(found)} files without the other of their pair: "
            f"{listed(found, folder)}; {way_out}"
        )
