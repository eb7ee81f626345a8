"""What a recipe that is read from a file may hold: values of the types and sizes of its fields."""

import reprlib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roadseg.errors import RoadsegError

_AT_LEAST_1 = ("batch_size", "steps", "keep_checkpoints", "summary_every_steps", "shuffle_buffer")

_BY_FRAME = ("crop_size", "auxiliary_input")
"""Sizes that may be 0 0: taken from the frames."""


def check_values(
    values: Mapping[str, Any],
    hints: Mapping[str, Any],
    place: Path | str,
    way_out: str = "write it again, or begin another run",
) -> None:
    """Raise RoadsegError naming `place`, and the field whose value is of another type or size."""
    for name, value in values.items():
        if not _is_of(value, hints[name]):
            raise RoadsegError(
                f"{place}: {name} is {reprlib.repr(value)}, which no recipe has; {way_out}"
            )
    for name in _AT_LEAST_1:
        if values.get(name, 1) < 1:
            raise RoadsegError(f"{place}: {name} is {values[name]}; at least 1 is wanted")
    for name in ("crop_size", "sampling_size", "grid_size", "auxiliary_input"):
        given = values.get(name, (2, 2))
        if min(given) < 2 and not (name in _BY_FRAME and given == (0, 0)):
            raise RoadsegError(f"{place}: {name} is {values[name]}; at least 2 a side is wanted")


def _is_of(value: Any, hint: Any) -> bool:
    """Return whether a value of a recipe is of the type of its field."""
    origin, kinds = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return isinstance(value, str) and value in kinds
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        if kinds[-1] is Ellipsis:
            return all(_is_of(part, kinds[0]) for part in value)
        pairs = zip(value, kinds, strict=False)
        return len(value) == len(kinds) and all(_is_of(part, kind) for part, kind in pairs)
    if origin is dict:
        return isinstance(value, dict) and all(isinstance(key, str) for key in value)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint) if isinstance(hint, type) else True
