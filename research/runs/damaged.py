"""Damaged checkpoints: found before one is read, named, and passed over for the one before.

A disk that fails, a copy cut short: checkpoints are written whole, and may be damaged later.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roadseg.errors import RoadsegError
from roadseg.npz import ArrayFile
from roadseg.runs import checkpoint

# Files that were found whole, by their path, time and size; and what was told already: a command
# looks for the newest checkpoint more than once.
_whole: set[tuple[Path, int, int]] = set()
_told: set[str] = set()
_WEIGHTS = ("weights", "ema")


def newest_whole(folder: Path, training: bool = False) -> int | None:
    """Return the step of the newest checkpoint in `folder` that is whole; name those after it.

    training: it is to go on from: every file is looked at, else those with weights alone.
    Where none is whole it is the newest: whoever reads it says what is wrong. None: there is none.
    """
    found = checkpoint.list_checkpoints(folder)
    damaged = damaged_after_whole(folder, training)
    steps = {step for step, _, _ in damaged}
    newest = max((step for step, _ in found if step not in steps), default=None)
    for _, _, what in damaged:
        if what not in _told:
            _told.add(what)
            print(f"warning: {what}; step {newest} before it is taken", file=sys.stderr)
    return newest


def damaged_after_whole(folder: Path, training: bool = False) -> list[tuple[int, Path, str]]:
    """Return (step, folder, what is wrong) of the checkpoints after the newest that is whole.

    Nothing where none is whole.
    """
    damaged: list[tuple[int, Path, str]] = []
    for step, path in reversed(checkpoint.named(folder)):
        what = damage(path, training)
        if not what:
            return damaged
        damaged.append((step, path, what))
    return []


def damage(path: Path, training: bool = False) -> str:
    """Return what is wrong with a checkpoint, naming the file; '' if nothing is."""
    try:
        state = checkpoint.read_state(path)
        for name in _files(state, path):
            if training or name in _WEIGHTS:
                _check(path / f"{name}.npz")
    except RoadsegError as error:
        return str(error)
    return ""


def _files(state: Mapping[str, Any], path: Path) -> list[str]:
    """Return what a checkpoint was written with; of those before that was noted, what is there."""
    written = state.get("files")
    if isinstance(written, list) and all(isinstance(name, str) for name in written):
        return sorted({*written, "weights"})
    return sorted({*(file.stem for file in path.glob("*.npz")), "weights"})


def _check(path: Path) -> None:
    """Raise RoadsegError for a damaged file; one that was found whole is not read again."""
    mark = None
    if path.is_file():
        found = path.stat()
        mark = (path, found.st_mtime_ns, found.st_size)
    if mark is None or mark not in _whole:
        ArrayFile(path).check()
        if mark is not None:
            _whole.add(mark)
