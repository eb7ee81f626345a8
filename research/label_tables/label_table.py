"""What the numbers in a label map mean: class names, colours, groups and the ids of label files."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from roadseg.errors import RoadsegError
from roadseg.files import parse_json

Colour = tuple[int, int, int]


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
    """

    name: str
    names: tuple[str, ...]
    colours: tuple[Colour, ...]
    ignore: int = 255
    categories: tuple[str, ...] = ()
    target_classes: tuple[int, ...] = ()
    small_classes: tuple[int, ...] = ()
    label_ids: tuple[LabelId, ...] = ()

    def __post_init__(self) -> None:
        """Check that every list fits the number of classes; raise ValueError otherwise."""
        count = len(self.names)
        _check_words(self)
        if not 1 <= count <= 255 or len(set(self.names)) != count:
            raise ValueError(f"{self.name}: wanted 1 to 255 different names, got {self.names}")
        if len(self.colours) != count or self.categories and len(self.categories) != count:
            raise ValueError(f"{self.name}: {count} names need as many colours and categories")
        if 0 <= self.ignore < count:
            raise ValueError(f"{self.name}: the ignore value {self.ignore} is a class")
        for train_id in (*self.target_classes, *self.small_classes):
            if not 0 <= train_id < count:
                raise ValueError(f"{self.name}: there is no class {train_id} among {count}")
        for label in self.label_ids:
            if not -1 <= label.id <= 255:
                raise ValueError(
                    f"{self.name}: {label.name} has the id {label.id}, wanted -1 to 255"
                )
            if label.train_id != self.ignore and not 0 <= label.train_id < count:
                raise ValueError(f"{self.name}: {label.name} maps to no class ({label.train_id})")

    @property
    def num_classes(self) -> int:
        """Number of classes, the ignored one not counted."""
        return len(self.names)

    @property
    def id_to_train(self) -> dict[int, int]:
        """Value in the data set's label files -> train id or `ignore` (identity if they agree)."""
        if self.label_ids:
            return {label.id: label.train_id for label in self.label_ids}
        return {train_id: train_id for train_id in (*range(self.num_classes), self.ignore)}

    @property
    def colour_to_train(self) -> dict[Colour, int]:
        """Colour in label files that are pictures -> train id or `ignore`.

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
            text = source.read_bytes() if isinstance(source, Path) else source
            return cls._from_values(parse_json(text))
        except OSError as error:
            raise RoadsegError(f"{place}: no label table ({error.strerror})") from None
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


def _check_words(table: LabelTable) -> None:
    """Raise ValueError for a value of a kind that a table never holds, wherever it came from."""
    words = (
        table.name,
        *table.names,
        *table.categories,
        *(label.name for label in table.label_ids),
    )
    for word in words:
        if not isinstance(word, str) or not word:
            raise ValueError(f"{word!r} is no name")
    numbers = (table.ignore, *table.target_classes, *table.small_classes)
    for number in (*numbers, *(n for label in table.label_ids for n in (label.id, label.train_id))):
        if type(number) is not int:
            raise ValueError(f"{number!r} is no whole number")
    if not 0 <= table.ignore <= 255:
        raise ValueError(f"the ignore value {table.ignore} is none from 0 to 255")
    for colour in (*table.colours, *(label.colour for label in table.label_ids)):
        parts = len(colour) == 3 and all(type(part) is int and 0 <= part <= 255 for part in colour)
        if not parts:
            raise ValueError(f"{colour!r} is no colour of three whole numbers from 0 to 255")
