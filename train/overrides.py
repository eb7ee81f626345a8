"""`--field value` on the command line, read by the type of the recipe's field."""

import typing
from collections.abc import Sequence
from typing import Any

from roadseg.command_line.options import check_types, read_options
from roadseg.errors import RoadsegError
from roadseg.network_names import refuse_unknown_options
from roadseg.recipe.fields import FIELDS, SHORT, near_names
from roadseg.recipe.recipe import Recipe

_FIXED = ("name", "task", "source")


def override(recipe: Recipe, arguments: Sequence[str]) -> Recipe:
    """Return `recipe` with the fields that `arguments` name: --steps 9 --augment.crop-size 360 480.

    A boolean alone is true; a dictionary takes key=value. Raises RoadsegError for an unknown field,
    naming the near ones, and for a value of another type.
    """
    changes: dict[str, Any] = {}
    for name, words in _grouped(arguments):
        field = name.replace("-", "_")
        field = SHORT.get(field, field)
        if field not in FIELDS or field in _FIXED:
            near = near_names(field, "--").replace("_", "-")
            raise RoadsegError(f"--{name}: a recipe has no such field; {near}")
        changes[field] = _value(FIELDS[field], words, f"--{name}")
    changed = recipe.replace(**changes)
    for field in ("network.options", "network.evaluation_options"):
        if changes.get(field):
            _check_options(changed, field)
    return changed


def _check_options(recipe: Recipe, field: str) -> None:
    """Raise RoadsegError for an option of the network whose value is of another type."""
    refuse_unknown_options(recipe.model, recipe.value(field))
    from roadseg.models.registry import find, is_known

    if is_known(recipe.model):
        build = find(recipe.model).build
        check_types(build, recipe.value(field), f"--{field.replace('_', '-')}")


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
    origin = typing.get_origin(hint)
    if origin is tuple:
        kinds = typing.get_args(hint)
        count = None if kinds[-1] is Ellipsis else len(kinds)
        if count is not None and len(words) != count:
            order = " (height width)" if kinds[0] is int else ""
            raise RoadsegError(f"{name}: {count} values wanted{order}, got {len(words)}")
        return tuple(_scalar(kinds[0], word, name) for word in words)
    if origin is dict:
        return read_options(words, name)
    if hint is bool and not words:
        return True
    if len(words) != 1:
        raise RoadsegError(f"{name}: one value wanted, got {len(words)}")
    return _scalar(hint, words[0], name)


def _scalar(hint: Any, word: str, name: str) -> Any:
    if typing.get_origin(hint) is typing.Literal:
        options = typing.get_args(hint)
        if word not in options:
            raise RoadsegError(f"{name} {word}: there are {', '.join(options)}")
        return word
    if hint is bool:
        words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        if word.lower() not in words:
            raise RoadsegError(f"{name} {word}: true or false wanted")
        return words[word.lower()]
    try:
        return hint(word)
    except ValueError:
        kind = {"int": "a whole number", "float": "a number"}.get(hint.__name__, hint.__name__)
        raise RoadsegError(f"{name} {word}: {kind} wanted") from None
