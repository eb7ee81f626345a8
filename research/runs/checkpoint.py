"""Checkpoints as folders that are either whole or not there: written aside, synced, renamed.

`checkpoints/step-00001200/` holds `<group>.npz` files (weights, optimizer, ema) and `state.json`.
"""

import errno
import itertools
import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.files import UNFINISHED, Arrays, disk_error, read_json, sync, sync_path
from roadseg.npz import ArrayFile

_NAME = re.compile(r"step-(\d{8,})")


def checkpoint_name(step: int) -> str:
    """Return the folder name of the checkpoint at `step`."""
    return f"step-{step:08d}"


def list_checkpoints(folder: Path) -> list[tuple[int, Path]]:
    """Return (step, folder) of every complete checkpoint in `folder`, oldest first."""
    if not folder.is_dir():
        return []
    return [(step, path) for step, path in named(folder) if (path / "state.json").is_file()]


def named(folder: Path) -> list[tuple[int, Path]]:
    """Return (step, folder) of what has the name of a checkpoint in `folder`, oldest first."""
    matches = [(_NAME.fullmatch(path.name), path) for path in folder.iterdir()]
    return sorted((int(match.group(1)), path) for match, path in matches if match)


def write_checkpoint(
    folder: Path, step: int, groups: Mapping[str, Arrays], state: Mapping[str, Any]
) -> Path:
    """Write the checkpoint of `step` below `folder` and return its path.

    groups: arrays by variable name for each file, {"weights": {...}, "optimizer": {...}}.
    Killed at any moment, it leaves either the whole checkpoint or none under its final name.
    Raises RoadsegError where the disk is full or not writable; nothing half-written stays.
    """
    target = folder / checkpoint_name(step)
    if (target / "state.json").is_file():
        return target
    set_aside(target)  # what is left of a damaged one
    aside = folder / f"{UNFINISHED}{checkpoint_name(step)}-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # What a killed process left: the lock of the run lets one training alone write here.
        _clear_unfinished(folder)
        aside.mkdir()
        for group, arrays in groups.items():
            _write_arrays(aside / f"{group}.npz", arrays)
        # Written last, since a checkpoint is counted by it.
        with (aside / "state.json").open("w", encoding="utf-8") as file:
            json.dump({"step": step, **state, "files": sorted(groups)}, file, indent=2)
            sync(file)
        sync_path(aside)
        aside.rename(target)
        # The new name is on the disk once its folder is.
        sync_path(folder)
    # Interrupts too: nothing half-written may stay in the folder.
    except BaseException as error:
        shutil.rmtree(aside, ignore_errors=True)
        if isinstance(error, OSError):
            raise disk_error(target, error) from None
        raise
    return target


def read_weights(folder: Path) -> "Mapping[str, np.ndarray]":
    """Return the weights of a checkpoint by name, averaged ones where it has them.

    Each is read when it is asked for. Raises RoadsegError if a file is absent or damaged.
    """
    weights = ArrayFile(folder / "weights.npz")
    if not (folder / "ema.npz").is_file():
        return weights
    return weights.with_those_of(ArrayFile(folder / "ema.npz"))


def read_state(checkpoint: Path) -> dict[str, Any]:
    """Return `state.json` of one checkpoint; raise RoadsegError if it is absent or damaged."""
    path = checkpoint / "state.json"
    state = read_json(path, "is this a checkpoint of roadseg?")
    if not isinstance(state, dict) or not isinstance(state.get("step"), int):
        raise RoadsegError(f"{path}: no 'step' in it; is this a checkpoint of roadseg?")
    return state


def set_aside(path: Path) -> None:
    """Rename a damaged checkpoint, so that it is not counted as one any more; keep its files.

    Another process of the same run may have done so already.
    """
    for number in itertools.count(1):
        aside = path.with_name(f"damaged-{path.name}{f'-{number}' if number > 1 else ''}")
        try:
            path.rename(aside)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise disk_error(path, error) from None
        else:
            return


def prune(folder: Path, keep: int, also: Iterable[int] = ()) -> None:
    """Delete all but the newest `keep` checkpoints of `folder` and the steps in `also`.

    What a killed process left unfinished goes too.
    """
    spared = set(also)
    if folder.is_dir():
        _clear_unfinished(folder)
    # One stays at least: a run that was stopped goes on from it.
    for step, path in list_checkpoints(folder)[: -max(keep, 1)]:
        if step in spared:
            continue
        # Renamed first, so that no reader finds a checkpoint with half of its files gone.
        doomed = path.with_name(f"{UNFINISHED}{path.name}-deleted-{os.getpid()}")
        path.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)


def _write_arrays(path: Path, arrays: Arrays) -> None:
    with path.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
        sync(file)


def _clear_unfinished(folder: Path) -> None:
    for path in folder.glob(f"{UNFINISHED}*"):
        shutil.rmtree(path, ignore_errors=True)
