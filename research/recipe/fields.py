"""The fields of a recipe by their dotted names, and what each may hold."""

import difflib
import reprlib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roadseg.command_line.values import fits, nearest, wanted
from roadseg.errors import RoadsegError
from roadseg.recipe import groups
from roadseg.recipe.old_format import NEW_NAMES

FIELDS: dict[str, Any] = typing.get_type_hints(groups.Top) | {
    f"{name}.{field}": hint
    for name, group in groups.GROUPS.items()
    for field, hint in typing.get_type_hints(group).items()
}
"""Type of every field by its name: "steps", "augment.crop_size"."""
SHORT = {
    "sampler": "sampling.kind",
    "sampler_run": "sampling.sampler_run",
    "sampling_size": "sampling.size",
}
"""Fields that have a short flag: every command that samples spells them alike."""
_AT_LEAST_1 = (
    "batch_size",
    "steps",
    "log.keep_checkpoints",
    "log.summary_every_steps",
    "data.shuffle_buffer",
)
_SIZES = ("augment.crop_size", "sampling.size", "sampler.grid_size", "sampler.input_size")
_BY_FRAME = ("augment.crop_size", "sampler.input_size")
"""Sizes that may be 0 0: taken from the frames."""


def flag(field: str) -> str:
    """Return the flag of `roadseg train` that sets a field."""
    short = next((name for name, path in SHORT.items() if path == field), field)
    return f"--{short.replace('_', '-')}"


def near_names(path: str, prefix: str = "") -> str:
    """Return the fields whose names are near to `path`, old names of them included, as a hint."""
    old = NEW_NAMES.get(path)
    if old:
        return f"it is called {prefix}{old}"
    # Backwards, so that of fields that end alike the first stays.
    last = {field.rpartition(".")[2]: field for field in reversed(FIELDS)}
    near = difflib.get_close_matches(path, FIELDS, n=3, cutoff=0.6)
    near += [last[n] for n in difflib.get_close_matches(path.rpartition(".")[2], last, cutoff=0.7)]
    near = list(dict.fromkeys(near))[:3]
    return f"near: {', '.join(prefix + n for n in near)}" if near else "--show prints all of them"


def check_types(values: Mapping[str, Any], place: Path | str, way_out: str) -> None:
    """Raise RoadsegError naming `place`, and the field whose value is of another type."""
    for name, value in values.items():
        hint = FIELDS[name]
        if not fits(value, hint):
            what = f"give {wanted(hint)}{nearest(value, hint)}"
            raise RoadsegError(f"{place}: {name} is {reprlib.repr(value)}; {what}; {way_out}")


def check_values(values: Mapping[str, Any], path: Path | str) -> None:
    """Raise RoadsegError naming the file, and the field whose value is of another type or size."""
    check_types(values, path, "write it again, or begin another run")
    for name in _AT_LEAST_1:
        if values.get(name, 1) < 1:
            raise RoadsegError(f"{path}: {name} is {values[name]}; at least 1 is wanted")
    for name in _SIZES:
        given = values.get(name, (2, 2))
        if min(given) < 2 and not (name in _BY_FRAME and given == (0, 0)):
            raise RoadsegError(f"{path}: {name} is {values[name]}; at least 2 a side is wanted")
