"""A folder of one's own: images, labels and a class table in YAML.

    my_city/
      classes.yaml
      images/train/NAME.png      8-bit RGB, PNG or JPEG
      labels/train/NAME.png      8-bit, one value a pixel (grey or palette), or colours
      images/val/ labels/val/    any number of splits, of any name

classes.yaml:

    name: my_city                # name of the records; default: the folder's name
    ignore: [0, 255]             # values in label files that count nowhere; default [255]
    labels: ids                  # or `colours`: label files are RGB pictures in these colours
    classes:                     # in the order of the train ids
      - name: road
        colour: [128, 64, 128]
        ids: [7, 9]              # values in label files; default: the place in this list
      - name: person
        colour: [220, 20, 60]
        colours: [[220, 20, 60], [255, 0, 0]]   # for `labels: colours`; default: [colour]
        target: true             # boundaries of this class attract samples
        small: true              # reported among the small classes

With `labels: colours`, `ignore` lists colours; default [[0, 0, 0]].
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roadseg.data_conversion.builder import RecordBuilder
from roadseg.data_conversion.raw.source import (
    Coding,
    Pair,
    Source,
    existing_folder,
    existing_label,
    images_in,
)
from roadseg.datasets import LabelId, LabelTable
from roadseg.errors import RoadsegError

CLASSES_FILE = "classes.yaml"
IGNORE = 255
_TABLE_KEYS = {"name", "ignore", "labels", "classes"}
_CLASS_KEYS = {"name", "colour", "ids", "colours", "target", "small"}


def folder_builder(name: str) -> type[RecordBuilder]:
    """Return a tfds builder of records called `name`."""

    class Folder(RecordBuilder):
        """tfds builder of a folder of one's own."""

    Folder.name = name
    return Folder


def folder_source(root: Path, classes: Path | None = None) -> Source:
    """Return the files of the folder; a split is each folder of images.

    Raises RoadsegError for a missing folder, an image without label and a class table at fault.
    """
    existing_folder(root, f"--source is the folder that holds images, labels and {CLASSES_FILE}")
    table, coding = read_class_table(classes or root / CLASSES_FILE, default_name=root.name)
    images = existing_folder(root / "images", "put the images into images/train and so on")
    found = {}
    for folder in sorted(path for path in images.iterdir() if path.is_dir()):
        labels = root / "labels" / folder.name
        found[folder.name] = tuple(
            Pair(path.stem, path, existing_label(path, labels / f"{path.stem}.png"))
            for path in images_in(folder)
        )
    if not found:
        raise RoadsegError(f"{images}: no folder for a split; put the images into images/train")
    return Source(table.name, table, found, coding)


def read_class_table(path: Path, default_name: str = "folder") -> tuple[LabelTable, Coding]:
    """Return the label table of a YAML file, and what the label files hold.

    Raises RoadsegError naming the file and the entry that is wrong.
    """
    import yaml

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RoadsegError(f"{path}: no class table ({error.strerror}); see --help") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RoadsegError(f"{path}: not YAML ({' '.join(str(error).split())})") from None
    try:
        return _table(values, default_name)
    except (ValueError, TypeError) as error:
        raise RoadsegError(f"{path}: {error}") from None


def _table(values: Any, default_name: str) -> tuple[LabelTable, Coding]:
    _known_keys(values, _TABLE_KEYS, "the table")
    name = str(values.get("name", default_name))
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"name '{name}': wanted small letters, digits and _, a letter first")
    coding: Coding = values.get("labels", "ids")
    if coding not in ("ids", "colours"):
        raise ValueError(f"labels: '{coding}' is neither ids nor colours")
    classes = values.get("classes")
    if not isinstance(classes, list) or not classes:
        raise ValueError("classes: wanted a list of classes, each with name and colour")
    for index, entry in enumerate(classes):
        _known_keys(entry, _CLASS_KEYS, f"class {index}")
        if "name" not in entry or "colour" not in entry:
            raise ValueError(f"class {index}: wanted name and colour, got {entry}")
    table = LabelTable(
        name=name,
        names=tuple(str(entry["name"]) for entry in classes),
        colours=tuple(_colour(entry["colour"], str(entry["name"])) for entry in classes),
        ignore=IGNORE,
        target_classes=tuple(i for i, entry in enumerate(classes) if entry.get("target")),
        small_classes=tuple(i for i, entry in enumerate(classes) if entry.get("small")),
        label_ids=_by_colour(values) if coding == "colours" else _by_id(values),
    )
    return table, coding


def _by_id(values: Mapping[str, Any]) -> tuple[LabelId, ...]:
    """Return the label ids of a table whose label files hold ids."""
    found: dict[int, LabelId] = {}
    for train_id, entry in enumerate(values["classes"]):
        name = str(entry["name"])
        for value in _list(entry.get("ids", train_id)):
            _add(found, _id(value, name), LabelId(value, name, train_id, tuple(entry["colour"])))
    for value in _list(values.get("ignore", IGNORE)):
        _add(found, _id(value, "ignore"), LabelId(value, "ignore", IGNORE, (0, 0, 0)))
    return tuple(found.values())


def _by_colour(values: Mapping[str, Any]) -> tuple[LabelId, ...]:
    """Return the label ids of a table whose label files hold colours; ids are only counted."""
    found: dict[Any, LabelId] = {}
    for train_id, entry in enumerate(values["classes"]):
        name = str(entry["name"])
        for value in entry.get("colours", [entry["colour"]]):
            colour = _colour(value, name)
            _add(found, colour, LabelId(len(found), name, train_id, colour))
    for value in values.get("ignore", [(0, 0, 0)]):
        colour = _colour(value, "ignore")
        _add(found, colour, LabelId(len(found), "ignore", IGNORE, colour))
    return tuple(found.values())


def _add(found: dict[Any, LabelId], key: Any, label: LabelId) -> None:
    if key in found:
        raise ValueError(f"{label.name}: {key} belongs to '{found[key].name}' already")
    found[key] = label


def _known_keys(values: Any, known: set[str], where: str) -> None:
    if not isinstance(values, dict):
        raise ValueError(f"{where}: wanted keys {', '.join(sorted(known))}, got {values!r}")
    unknown = sorted(str(key) for key in set(values) - known)
    if unknown:
        raise ValueError(
            f"{where}: unknown {', '.join(unknown)}; known: {', '.join(sorted(known))}"
        )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _id(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 255:
        raise ValueError(f"{where}: id {value!r} is not a whole number from 0 to 255")
    return value


def _colour(value: Any, where: str) -> tuple[int, int, int]:
    if not isinstance(value, list | tuple) or len(value) != 3:
        raise ValueError(f"{where}: colour {value!r} is not [red, green, blue]")
    red, green, blue = (_id(part, where) for part in value)
    return red, green, blue
