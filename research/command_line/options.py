"""`name=value` words of any command as keyword arguments of a network's builder: one grammar."""

import ast
import inspect
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from roadseg.errors import RoadsegError

_WORDS = {"true": True, "True": True, "false": False, "False": False, "None": None, "null": None}


def read_options(words: Iterable[str], flag: str = "--options") -> dict[str, Any]:
    """Return options from name=value words: flags, whole numbers, numbers, lists, or else text.

    Raises RoadsegError for a word that is not of this form, and for a name given twice.
    """
    options: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise RoadsegError(
                f"{flag} {word}: key=value wanted; write it as name=value, such as output_stride=8"
            )
        if name in options:
            raise RoadsegError(f"{flag} {word}: '{name}' is given twice; leave one of them")
        options[name] = read_value(text)
    return options


def read_value(text: str) -> Any:
    """Return what a word means: true, True, false, False, a number, a [list], or the text."""
    if text in _WORDS:
        return _WORDS[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    if text[:1] in ("[", "(", "'", '"'):
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return text
    return text


def check_types(build: Callable[..., Any], options: Mapping[str, Any], owner: str) -> None:
    """Raise RoadsegError for an option whose value is of another type than `build` takes.

    owner: whose options they are, for the message. A parameter without annotation takes anything.
    """
    try:
        parameters = inspect.signature(build, eval_str=True).parameters
    except (NameError, TypeError, ValueError):
        return
    for name, value in options.items():
        hint = parameters[name].annotation if name in parameters else Any
        if not _fits(value, hint):
            if typing.get_origin(hint) is typing.Literal:
                raise RoadsegError(f"{owner}: {name}={value!r}; there are {_wanted(hint)}")
            raise RoadsegError(
                f"{owner}: {name}={value!r} is of another type; give {_wanted(hint)}"
            )


def _fits(value: Any, hint: Any) -> bool:
    """Return whether a value is of the type that an annotation names."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, one) for one in arguments)
    if origin is typing.Literal:
        return any(value == one and type(value) is type(one) for one in arguments)
    if hint is bool:
        return isinstance(value, bool)
    if hint in (int, float):
        number = isinstance(value, (int, float) if hint is float else int)
        return number and not isinstance(value, bool)
    if hint is str:
        return isinstance(value, str)
    if hint in (None, type(None)):
        return value is None
    if origin in (tuple, list):
        return isinstance(value, list | tuple)
    return True


def _wanted(hint: Any) -> str:
    """Return what an annotation takes, in words."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_wanted(one) for one in arguments)
    if origin is typing.Literal:
        return ", ".join(str(x).lower() if isinstance(x, bool) else str(x) for x in arguments)
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}
    return names.get(hint, "none" if hint in (None, type(None)) else "a list of numbers")


def parse_size(text: str, option: str = "--size") -> tuple[int, int]:
    """Return (height, width) from '1024x2048'; raise RoadsegError for anything else."""
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise RoadsegError(f"{option} {text}: give height x width, such as 1024x2048")
    return int(parts[0]), int(parts[1])
