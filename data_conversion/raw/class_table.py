"""The one reader of class tables: YAML, read as the text that it is.

    name: my_city                # name of the records; default: the folder's name
    ignore: [0, 255]             # values in label files that count nowhere; default [255]
    rest: 10                     # value of pixels that are none of the labelled classes; see below
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
      - name: sky
        colour: [70, 130, 180]
        labelled: false          # has no value of its own: it is somewhere among `rest`

With `labels: colours`, `ignore` and `rest` list colours; `ignore` is [[0, 0, 0]] by default. What
`rest` takes is ignored by default no more.

A data set that labels some classes only says `labelled: false` of the others, and `rest`. The loss
then punishes a network at such a pixel for what it gives the labelled classes, and for no more.

YAML by itself makes False of a class `no`, 8 of an id `010`, 1.1 of a name `1.10` and None of
`null`. Here names are what is written, values are decimal digits, flags are `true` or `false`, and
a key comes once.
"""

import re
import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roadseg.data_conversion.raw.source import Coding
from roadseg.errors import RoadsegError
from roadseg.label_tables import LabelId, LabelTable
from roadseg.label_tables.label_table import is_word
from roadseg.yaml_text import check_yaml

IGNORE = 255
REST = 254
_TABLE_KEYS = {"name", "ignore", "labels", "classes", "rest"}
_CLASS_KEYS = {"name", "colour", "ids", "colours", "target", "small", "labelled"}
_FLAGS = {"true": True, "false": False}


def read_class_table(path: Path, default_name: str = "folder") -> tuple[LabelTable, Coding]:
    """Return the label table of a YAML file, and what the label files hold.

    Raises RoadsegError naming the file and the entry that is wrong.
    """
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise RoadsegError(f"{path}: no class table (no regular file); see --help")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RoadsegError(f"{path}: no class table ({error.strerror}); see --help") from None
    try:
        return _table(_parsed(content), default_name)
    except RoadsegError:
        raise
    except (ValueError, TypeError) as error:
        raise RoadsegError(
            f"{path}: {' '.join(str(error).split())}; see docs/guides/data_sets.md"
        ) from None


def _parsed(content: bytes) -> Any:
    """Return what a YAML text says, every scalar as text; ValueError for what is no such text."""
    import yaml

    try:
        text = content.decode("utf-8-sig")
        check_yaml(text, "class table")
        return _without_repeated_keys(yaml.compose(text, yaml.BaseLoader))
    except yaml.YAMLError as error:
        raise ValueError(f"not YAML ({' '.join(str(error).split())})") from None
    except UnicodeDecodeError:
        raise ValueError("not YAML (not UTF-8); save it as UTF-8") from None


def _without_repeated_keys(node: Any) -> Any:
    """Return a composed node as dictionaries, lists and text; ValueError for a key given twice."""
    import yaml

    if isinstance(node, yaml.SequenceNode):
        return [_without_repeated_keys(value) for value in node.value]
    if not isinstance(node, yaml.MappingNode):
        return None if node is None else node.value
    found: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise ValueError(f"line {key.start_mark.line + 1}: a key is no word")
        if key.value in found:
            raise ValueError(
                f"line {key.start_mark.line + 1}: '{key.value}' is given twice; leave one of them"
            )
        found[key.value] = _without_repeated_keys(value)
    return found


def _table(values: Any, default_name: str) -> tuple[LabelTable, Coding]:
    _known_keys(values, _TABLE_KEYS, "the table")
    name = values.get("name", default_name)
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
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
            raise ValueError(f"class {index}: wanted name and colour, got {reprlib.repr(entry)}")
        if not is_word(entry["name"]):
            raise ValueError(f"class {index}: name {reprlib.repr(entry['name'])} is no word")
    unnamed = _rest_classes(values)
    table = LabelTable(
        name=name,
        names=tuple(entry["name"] for entry in classes),
        colours=tuple(_colour(entry["colour"], entry["name"]) for entry in classes),
        ignore=IGNORE,
        target_classes=tuple(i for i, entry in enumerate(classes) if _flag(entry, "target")),
        small_classes=tuple(i for i, entry in enumerate(classes) if _flag(entry, "small")),
        label_ids=_by_colour(values) if coding == "colours" else _by_id(values),
        rest=REST if unnamed else None,
        rest_classes=unnamed,
    )
    return table, coding


def _rest_classes(values: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the classes that are not labelled; ValueError where their pixels have no value."""
    classes = values["classes"]
    found = tuple(i for i, entry in enumerate(classes) if not _flag(entry, "labelled", "true"))
    for entry in (classes[index] for index in found):
        if "ids" in entry or "colours" in entry:
            raise ValueError(f"{entry['name']}: labelled: false, and it has ids; leave one of both")
    if found and "rest" not in values:
        raise ValueError(
            f"{classes[found[0]]['name']}: labelled: false, and no rest; say which value of label "
            "files means any class that is not labelled"
        )
    if found and not values["rest"]:
        raise ValueError("rest: no value; say which value of label files it is")
    if "rest" in values and not found:
        raise ValueError(
            "rest: every class is labelled; say labelled: false of the classes that it may be, "
            "or list it under ignore"
        )
    if len(found) == len(classes):
        raise ValueError("rest: no class is labelled; leave labelled: false out where one is")
    return found


def _flag(entry: Mapping[str, Any], key: str, default: str = "false") -> bool:
    text = entry.get(key, default)
    if not isinstance(text, str) or text.lower() not in _FLAGS:
        raise ValueError(f"{entry['name']}: {key} {reprlib.repr(text)}: wanted true or false")
    return _FLAGS[text.lower()]


def _by_id(values: Mapping[str, Any]) -> tuple[LabelId, ...]:
    """Return the label ids of a table whose label files hold ids."""
    found: dict[int, LabelId] = {}
    unnamed = _rest_classes(values)
    for train_id, entry in enumerate(values["classes"]):
        name, colour = entry["name"], _colour(entry["colour"], entry["name"])
        for text in _list(entry.get("ids", [] if train_id in unnamed else str(train_id))):
            value = _id(text, name)
            _add(found, value, LabelId(value, name, train_id, colour))
    for text in _list(values.get("rest", [])):
        value = _id(text, "rest")
        _add(found, value, LabelId(value, "rest", REST, (0, 0, 0)))
    for text in _list(values.get("ignore", [] if IGNORE in found else str(IGNORE))):
        value = _id(text, "ignore")
        _add(found, value, LabelId(value, "ignore", IGNORE, (0, 0, 0)))
    return tuple(found.values())


def _by_colour(values: Mapping[str, Any]) -> tuple[LabelId, ...]:
    """Return the label ids of a table whose label files hold colours; ids are only counted."""
    found: dict[Any, LabelId] = {}
    unnamed = _rest_classes(values)
    for train_id, entry in enumerate(values["classes"]):
        name = entry["name"]
        own = [] if train_id in unnamed else [entry["colour"]]
        for value in _colours(entry.get("colours", own), name):
            _add(found, value, LabelId(len(found), name, train_id, value))
    for value in _colours(values.get("rest", []), "rest"):
        _add(found, value, LabelId(len(found), "rest", REST, value))
    black = [] if (0, 0, 0) in found else [["0", "0", "0"]]
    for value in _colours(values.get("ignore", black), "ignore"):
        _add(found, value, LabelId(len(found), "ignore", IGNORE, value))
    return tuple(found.values())


def _add(found: dict[Any, LabelId], key: Any, label: LabelId) -> None:
    if key in found:
        raise ValueError(f"{label.name}: {key} belongs to '{found[key].name}' already")
    found[key] = label


def _known_keys(values: Any, known: set[str], where: str) -> None:
    if not isinstance(values, dict):
        keys = ", ".join(sorted(known))
        raise ValueError(f"{where}: wanted keys {keys}, got {reprlib.repr(values)}")
    unknown = sorted(set(values) - known)
    if unknown:
        listed = ", ".join(unknown[:5])
        raise ValueError(f"{where}: unknown {listed}; known: {', '.join(sorted(known))}")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _id(text: Any, where: str) -> int:
    if isinstance(text, str) and re.fullmatch(r"0*[0-9]{1,3}", text) and int(text) <= 255:
        return int(text)
    raise ValueError(
        f"{where}: id {reprlib.repr(text)} is not a whole number from 0 to 255, in digits"
    )


def _colours(values: Any, where: str) -> list[tuple[int, int, int]]:
    if not isinstance(values, list):
        raise ValueError(f"{where}: {reprlib.repr(values)} is no list of colours")
    return [_colour(value, where) for value in values]


def _colour(value: Any, where: str) -> tuple[int, int, int]:
    if not isinstance(value, list) or len(value) != 3:
        raise ValueError(f"{where}: colour {reprlib.repr(value)} is not [red, green, blue]")
    red, green, blue = (_id(part, where) for part in value)
    return red, green, blue
