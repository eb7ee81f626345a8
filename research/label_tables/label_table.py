"""What the numbers in a label map mean: class names, colours, groups and the ids of label files."""

import dataclasses
import json
import re
import reprlib
from collections import Counter
from pathlib import Path
from typing import Any

from roadseg.errors import RoadsegError
from roadseg.files import parse_json
from roadseg.regular_files import read_regular

Colour = tuple[int, int, int]
# What moves the cursor of a terminal, or begins another line.
_NO_SIGNS = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]")


@dataclasses.dataclass(frozen=True)
class LabelId:
    """One value of a data set's own label files, and the class it becomes.

    id: value in the label file; -1 is read from 8-bit files as 255.
    train_id: index of the class, or the table's ignore value.
    colour: (red, green, blue), also the code of the class in label files that are pictures.
    """

    id: int
    name: str
    train_id: int
    colour: Colour
    category: str = ""


@dataclasses.dataclass(frozen=True)
class LabelTable:
    """Classes of a data set by train id (0..n-1), and how its label files map to them.

    names, colours: one for each class; colours are (red, green, blue), 0..255.
    ignore: label of pixels that count neither in the loss nor in the metrics.
    categories: group of each class (Cityscapes' seven), empty if the data set has none.
    target_classes: train ids whose boundaries are wanted most (NUS: people and vehicles).
    small_classes: train ids that are small or thin in most images, reported on their own.
    label_ids: the values of the data set's own label files; empty if these are train ids.
    rest, rest_classes: for a data set that labels some classes only, the label of pixels that are
        none of those, and the classes that such a pixel may be; None and () where all are labelled.
    """

    name: str
    names: tuple[str, ...]
    colours: tuple[Colour, ...]
    ignore: int = 255
    categories: tuple[str, ...] = ()
    target_classes: tuple[int, ...] = ()
    small_classes: tuple[int, ...] = ()
    label_ids: tuple[LabelId, ...] = ()
    rest: int | None = None
    rest_classes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Check that every list fits the number of classes; raise ValueError otherwise."""
        count = len(self.names)
        _check_words(self)
        if not 1 <= count <= 255:
            raise ValueError(f"{self.name}: wanted 1 to 255 classes, got {count}")
        twice = next((name for name, uses in Counter(self.names).items() if uses > 1), None)
        if twice is not None:
            raise ValueError(f"{self.name}: two classes are called '{twice}'")
        if len(self.colours) != count or self.categories and len(self.categories) != count:
            raise ValueError(f"{self.name}: {count} names need as many colours and categories")
        if 0 <= self.ignore < count:
            raise ValueError(f"{self.name}: the ignore value {self.ignore} is a class")
        _check_rest(self)
        for train_id in (*self.target_classes, *self.small_classes, *self.rest_classes):
            if not 0 <= train_id < count:
                raise ValueError(f"{self.name}: there is no class {train_id} among {count}")
        for label in self.label_ids:
            if not -1 <= label.id <= 255:
                raise ValueError(
                    f"{self.name}: {label.name} has the id {label.id}, wanted -1 to 255"
                )
            if label.train_id not in (*range(count), self.ignore, self.rest):
                raise ValueError(f"{self.name}: {label.name} maps to no class ({label.train_id})")

    @property
    def num_classes(self) -> int:
        """Number of classes, the ignored one not counted."""
        return len(self.names)

    @property
    def labels(self) -> tuple[int, ...]:
        """Every label that records may hold: train ids, `rest` if there is one, and `ignore`."""
        rest = () if self.rest is None else (self.rest,)
        return (*range(self.num_classes), *rest, self.ignore)

    @property
    def id_to_train(self) -> dict[int, int]:
        """Value in the data set's label files -> one of `labels` (identity if they agree)."""
        if self.label_ids:
            return {label.id: label.train_id for label in self.label_ids}
        return {label: label for label in self.labels}

    @property
    def colour_to_train(self) -> dict[Colour, int]:
        """Colour in label files that are pictures -> one of `labels`.

        Where several ids share a colour, the first wins (Cityscapes: pole before polegroup).
        """
        mapping: dict[Colour, int] = {}
        for label in self.label_ids:
            mapping.setdefault(label.colour, label.train_id)
        return mapping or dict(zip(self.colours, range(self.num_classes), strict=True))

    @property
    def category_names(self) -> tuple[str, ...]:
        """The groups, each once, in order of their first class."""
        return tuple(dict.fromkeys(self.categories))

    def to_json(self) -> str:
        """Return the table as indented JSON, which `from_json` reads back equal."""
        return json.dumps(dataclasses.asdict(self), indent=1)

    @classmethod
    def from_json(cls, source: str | Path) -> "LabelTable":
        """Return the table in JSON text, or in the file at a `Path`; RoadsegError if it is none."""
        place = str(source) if isinstance(source, Path) else "label table"
        try:
            text = read_regular(source) if isinstance(source, Path) else source
            return cls._from_values(parse_json(text))
        except OSError as error:
            raise RoadsegError(
                f"{place}: no label table ({error.strerror}); write one with `roadseg convert "
                "table --name NAME --to FOLDER`"
            ) from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reason = " ".join(str(error).split())
            raise RoadsegError(
                f"{place}: not a label table ({reason}); convert the data set again"
            ) from None

    @classmethod
    def _from_values(cls, values: dict[str, Any]) -> "LabelTable":
        ids = tuple(
            LabelId(**{**label, "colour": tuple(label["colour"])})
            for label in values.pop("label_ids", ())
        )
        colours: Any = tuple(tuple(colour) for colour in values.pop("colours"))
        lists: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in values.items()
        }
        return cls(colours=colours, label_ids=ids, **lists)


def _check_rest(table: LabelTable) -> None:
    """Raise ValueError for a rest without classes, or classes without a rest."""
    if (table.rest is None) == bool(table.rest_classes):
        raise ValueError(f"{table.name}: rest and rest_classes belong together; give both or none")
    if len(set(table.rest_classes)) != len(table.rest_classes):
        raise ValueError(f"{table.name}: a class comes twice in rest_classes")
    if table.rest is not None and (table.rest < len(table.names) or table.rest == table.ignore):
        raise ValueError(f"{table.name}: the rest {table.rest} is a class, or the ignore value")


def is_word(name: Any) -> bool:
    """Return whether a name is text that shows, in one line."""
    return isinstance(name, str) and bool(name.strip()) and not _NO_SIGNS.search(name)


def _check_words(table: LabelTable) -> None:
    """Raise ValueError for a value of a kind that a table never holds, wherever it came from."""
    words = (
        table.name,
        *table.names,
        *table.categories,
        *(label.name for label in table.label_ids),
    )
    for word in (*words, *(label.category or "none" for label in table.label_ids)):
        if not is_word(word):
            raise ValueError(f"{reprlib.repr(word)} is no name")
    numbers = (table.ignore, *table.target_classes, *table.small_classes, *table.rest_classes)
    numbers += () if table.rest is None else (table.rest,)
    for number in (*numbers, *(n for label in table.label_ids for n in (label.id, label.train_id))):
        # Not isinstance: True is an int to Python as well.
        if type(number) is not int:
            raise ValueError(f"{number!r} is no whole number")
    for number in (table.ignore, table.rest or 0):
        if not 0 <= number <= 255:
            raise ValueError(f"the value {number} of ignored or other pixels is none of 0 to 255")
    for colour in (*table.colours, *(label.colour for label in table.label_ids)):
        parts = len(colour) == 3 and all(type(part) is int and 0 <= part <= 255 for part in colour)
        if not parts:
            raise ValueError(f"{colour!r} is no colour of three whole numbers from 0 to 255")
