"""`--field value` on the command line, read by the type of the recipe's field."""

import typing
from collections.abc import Sequence
from typing import Any

from roadseg.command_line.values import read_word
from roadseg.errors import RoadsegError
from roadseg.models.options import options_of
from roadseg.recipe.fields import FIELDS, SHORT, near_names
from roadseg.recipe.old_format import NEW_VALUES
from roadseg.recipe.recipe import Recipe

_FIXED = ("name", "task", "source")


def override(recipe: Recipe, arguments: Sequence[str]) -> Recipe:
    """Return `recipe` with the fields that `arguments` name: --steps 9 --augment.crop-size 360 480.

    A boolean alone is true; the network's options are name=value, each by its own type.
    Raises RoadsegError for an unknown field or option, naming the near ones, and for a value of
    another type.
    """
    changes: dict[str, Any] = {}
    options: dict[str, list[str]] = {}
    for name, words in _grouped(arguments):
        field = name.replace("-", "_")
        field = SHORT.get(field, field)
        if field not in FIELDS or field in _FIXED:
            near = near_names(field, "--").replace("_", "-")
            raise RoadsegError(f"--{name}: a recipe has no such field; {near}")
        if typing.get_origin(FIELDS[field]) is dict:
            options[field] = words
        else:
            for word in words:
                _refuse_old(field, word, name)
            changes[field] = _value(FIELDS[field], words, f"--{name}")
    changed = recipe.replace(**changes)
    # The network, which says what its options are, may be named after them.
    for field, words in options.items():
        read = options_of(changed.model, words, f"--{field.replace('_', '-')}")
        changed = changed.replace(**{field: read})
    return changed


def _refuse_old(field: str, word: str, name: str) -> None:
    """Raise RoadsegError for a value that is called otherwise now, naming that."""
    new = NEW_VALUES.get((field, word))
    if new:
        raise RoadsegError(f"--{name} {word}: it is called {new} now")


def _grouped(arguments: Sequence[str]) -> list[tuple[str, list[str]]]:
    groups: list[tuple[str, list[str]]] = []
    for word in arguments:
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            groups.append((name, [value] if equals else []))
        elif groups:
            groups[-1][1].append(word)
        else:
            raise RoadsegError(f"'{word}': a --field of the recipe has to come before its value")
    return groups


def _value(hint: Any, words: list[str], name: str) -> Any:
    if typing.get_origin(hint) is tuple:
        kinds = typing.get_args(hint)
        count = None if kinds[-1] is Ellipsis else len(kinds)
        if count is not None and len(words) == 1 and len(words[0].split("x")) == count:
            words = words[0].split("x")
        if count is not None and len(words) != count:
            order = " (height width)" if kinds[0] is int else ""
            raise RoadsegError(f"{name}: {count} values wanted{order}, got {len(words)}")
        return tuple(read_word(word, kinds[0], f"{name} {word}") for word in words)
    if hint is bool and not words:
        return True
    if len(words) != 1:
        raise RoadsegError(f"{name}: one value wanted, got {len(words)}")
    return read_word(words[0], hint, f"{name} {words[0]}")
