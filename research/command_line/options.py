"""`name=value` words of any command as keyword arguments of a network's builder: one grammar."""

import inspect
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from roadseg.command_line.values import fits, nearest, read_word, wanted
from roadseg.errors import RoadsegError
from roadseg.network_names import no_option


def parse_options(
    build: Callable[..., Any], words: Iterable[str], flag: str = "--options"
) -> dict[str, Any]:
    """Return keyword arguments from name=value words, each read by its annotation in `build`.

    Raises RoadsegError as `read_options` does.
    """
    name = getattr(build, "__name__", "the network")
    return read_options(words, flag, hints_of(build), name)


def read_options(
    words: Iterable[str],
    flag: str = "--options",
    hints: Mapping[str, Any] | None = None,
    owner: str = "the network",
) -> dict[str, Any]:
    """Return options from name=value words, each of the type that `hints` has for it.

    hints: by name; None: not known, so that a word is what it looks like.
    owner: whose options they are, for the message.
    Raises RoadsegError, naming the nearest right one, for a name that `hints` has not and for a
    value of another type; and for a word that is not of this form, and for a name given twice.
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
        if hints is not None and name not in hints:
            raise no_option(owner, name, [*hints])
        hint = Any if hints is None else hints[name]
        options[name] = read_word(text, hint, f"{flag} {word}")
    return options


def hints_of(build: Callable[..., Any]) -> dict[str, Any]:
    """Return the type of each option of a network's builder; Any for one without an annotation."""
    try:
        parameters = inspect.signature(build, eval_str=True).parameters
    # An annotation may name what only type checkers import.
    except (NameError, TypeError, ValueError):
        return {}
    return {
        name: Any if parameter.annotation is parameter.empty else parameter.annotation
        for name, parameter in parameters.items()
        if name != "num_classes"
    }


def check_types(build: Callable[..., Any], options: Mapping[str, Any], owner: str) -> None:
    """Raise RoadsegError for an option whose value is of another type than `build` takes.

    owner: whose options they are, for the message. A parameter without annotation takes anything.
    """
    hints = hints_of(build)
    for name, value in options.items():
        hint = hints.get(name, Any)
        if not fits(value, hint):
            near = nearest(value, hint)
            if typing.get_origin(hint) is typing.Literal:
                raise RoadsegError(f"{owner}: {name}={value!r}; there are {wanted(hint)}{near}")
            raise RoadsegError(
                f"{owner}: {name}={value!r} is of another type; give {wanted(hint)}{near}"
            )


def parse_size(
    text: str, option: str = "--size", least: int = 1, square: bool = False
) -> tuple[int, int]:
    """Return (height, width) from '1024x2048'; raise RoadsegError for anything else.

    least: of a side. square: whether '128' alone is 128x128.
    """
    parts = text.lower().split("x")
    known = len(parts) == 2 or (square and len(parts) == 1)
    if not known or not all(part.isdecimal() and int(part) >= least for part in parts):
        way_out = "height x width, such as 1024x2048"
        way_out += ", or one number for both" if square else ""
        raise RoadsegError(f"{option} {text}: give {way_out}; at least {least} a side")
    return int(parts[0]), int(parts[-1])
