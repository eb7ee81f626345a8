"""Words and values by the type that an annotation names: one reader for every flag and recipe."""

import ast
import collections.abc
import difflib
import math
import types
import typing
from pathlib import Path
from typing import Any

from roadseg.errors import RoadsegError

FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
"""Words of a flag, in any case."""
NONE = ("none", "null")
_UNIONS = (typing.Union, types.UnionType)
_LISTS = (tuple, list, collections.abc.Sequence)


def read_word(text: str, hint: Any, said: str) -> Any:
    """Return the value that `text` stands for, of the type `hint`.

    A flag is true, false, yes, no, 1 or 0, in any case; nothing is none; several values are 2x3,
    2,3 or [2, 3]. Without a type (Any) a word is what it looks like.
    said: what was written, '--steps 9.5', for the message.
    Raises RoadsegError for another word, naming what is wanted and the nearest right one.
    """
    try:
        return _read(text, hint)
    except ValueError:
        if typing.get_origin(hint) is typing.Literal:
            raise RoadsegError(f"{said}: there are {wanted(hint)}{nearest(text, hint)}") from None
        raise RoadsegError(
            f"{said}: of another type; give {wanted(hint)}{nearest(text, hint)}"
        ) from None


def _read(text: str, hint: Any) -> Any:
    """Return the value of a word; raise ValueError where it is none of that type."""
    origin, kinds = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return guess(text)
    if origin in _UNIONS:
        return _read_one_of(text, kinds)
    if origin is typing.Literal:
        found = [one for one in kinds if str(one) == text]
        return found[0] if found else _refuse(text)
    if hint is bool:
        return FLAGS[text.lower()] if text.lower() in FLAGS else _refuse(text)
    if hint in (None, type(None)):
        return None if text.lower() in NONE else _refuse(text)
    if hint is int:
        return int(text)
    if hint is float:
        value = float(text)
        return _refuse(text) if math.isnan(value) else value
    if hint in (str, Path):
        return hint(text)
    if origin in _LISTS:
        return _read_list(text, hint)
    return _refuse(text) if _is_class(hint) else guess(text)


def _read_one_of(text: str, kinds: tuple[Any, ...]) -> Any:
    # Any word is a str, so that comes last; then what no word can be, which is refused.
    for kind in sorted(kinds, key=lambda kind: (kind is Any, kind is Path, kind is str)):
        try:
            return _read(text, kind)
        except ValueError:
            continue
    return _refuse(text)


def _read_list(text: str, hint: Any) -> tuple[Any, ...]:
    kinds, count = _parts(hint)
    text = text.strip().removeprefix("[").removeprefix("(").removesuffix("]").removesuffix(")")
    # A word may hold an x.
    by = "," if "," in text or str in kinds else "x"
    words = [word.strip() for word in text.split(by) if word.strip()]
    if count is not None and len(words) != count:
        return _refuse(text)
    kinds = kinds if count is not None else kinds * len(words)
    return tuple(_read(word, kind) for word, kind in zip(words, kinds, strict=True))


def _parts(hint: Any) -> tuple[tuple[Any, ...], int | None]:
    """Return (types, count) of what a list holds; one type and None for any number of them."""
    origin, kinds = typing.get_origin(hint), typing.get_args(hint) or (Any,)
    if origin is tuple and kinds[-1] is not Ellipsis:
        return kinds, len(kinds)
    return kinds[:1], None


def _refuse(text: str) -> Any:
    raise ValueError(text)


def guess(text: str) -> Any:
    """Return what a word looks like: a flag, nothing, a number, a [list], or the text."""
    if text.lower() in ("true", "false"):
        return FLAGS[text.lower()]
    if text.lower() in NONE:
        return None
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


def fits(value: Any, hint: Any) -> bool:
    """Return whether a value is of the type that an annotation names; a list is a tuple as well."""
    origin, kinds = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return True
    if origin in _UNIONS:
        return any(fits(value, kind) for kind in kinds)
    if origin is typing.Literal:
        return any(value == one and type(value) is type(one) for one in kinds)
    if hint in (int, float):
        return isinstance(value, (int, hint)) and not isinstance(value, bool)
    if hint is None:
        return value is None
    if origin in _LISTS:
        if not isinstance(value, list | tuple):
            return False
        inside, count = _parts(hint)
        if count is None:
            return all(fits(part, inside[0]) for part in value)
        return len(value) == count and all(map(fits, value, inside))
    if origin is dict:
        return isinstance(value, dict) and all(isinstance(key, str) for key in value)
    try:
        return isinstance(value, hint) if isinstance(hint, type) else True
    except TypeError:  # a protocol, which nothing can be asked about
        return True


def wanted(hint: Any) -> str:
    """Return what an annotation takes, in words."""
    origin, kinds = typing.get_origin(hint), typing.get_args(hint)
    if origin in _UNIONS:
        named = [kind for kind in kinds if kind is not Any and not _is_class(kind)]
        return " or ".join(wanted(kind) for kind in named) or "another value"
    if origin is typing.Literal:
        return ", ".join(str(x).lower() if isinstance(x, bool) else str(x) for x in kinds)
    if origin in _LISTS:
        inside, count = _parts(hint)
        number = "" if count is None else f"{count} "
        kind = "numbers" if not {str, bool} & set(inside) else "words"
        return f"a list of {number}{kind}"
    names: dict[Any, str] = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "a word",
    }
    names |= {Path: "a path", dict: "name=value", type(None): "none", None: "none"}
    return names.get(origin or hint, str(getattr(hint, "__name__", "another value")))


def _is_class(hint: Any) -> bool:
    """Return whether no word can be of this type."""
    readable = (Any, bool, int, float, str, Path, type(None))
    return isinstance(hint, type) and hint not in readable


def nearest(value: Any, hint: Any) -> str:
    """Return '; did you mean X?' with the right word that is nearest to `value`, or nothing."""
    near = difflib.get_close_matches(str(value).lower(), _words(hint), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _words(hint: Any) -> list[str]:
    """Return the words that a type takes, where there are not any number of them."""
    origin, kinds = typing.get_origin(hint), typing.get_args(hint)
    if origin in _UNIONS:
        return [word for kind in kinds for word in _words(kind)]
    if origin is typing.Literal:
        return [str(one) for one in kinds]
    if hint is bool:
        return [word for word in FLAGS if word.isalpha()]
    return ["none"] if hint in (None, type(None)) else []
