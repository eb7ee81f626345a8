"""A folder that is written whole or not at all, and only then takes the place of an older one."""

import errno
import glob
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from roadseg.errors import RoadsegError
from roadseg.files import UNFINISHED, plain_path, sync_path


def replace_folder(target: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a new folder, then put it at `target`.

    write: is given an empty folder beside `target`, by a name that is no pattern. Whatever it
    raises, that folder goes away and an older `target` stays; OSError and TensorFlow's file errors
    become a RoadsegError that names `target` and the way out.
    """
    aside = target.with_name(f"{UNFINISHED}{target.name}-{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(target)
        aside.mkdir()
        with plain_path(aside) as plain:
            write(plain)
        _sync_all(aside)
        _swap(aside, target)
    except Exception as error:
        if not _is_file_error(error):
            raise
        raise _write_error(target, error) from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _remove_leftovers(target: Path) -> None:
    """Remove what a killed export left; bring back the old folder if it fell between renames."""
    old = _old_name(target)
    if old.is_dir() and not target.exists():
        old.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    for path in target.parent.glob(f"{UNFINISHED}{glob.escape(target.name)}-*"):
        shutil.rmtree(path, ignore_errors=True)


def _swap(aside: Path, target: Path) -> None:
    old = _old_name(target)
    if target.exists() and not target.is_dir():  # a device would be moved aside as well
        raise NotADirectoryError(errno.ENOTDIR, "no folder lies there", str(target))
    if target.exists():
        target.rename(old)
    try:
        aside.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _old_name(target: Path) -> Path:
    return target.with_name(f".old-{target.name}")


def _sync_all(folder: Path) -> None:
    """Wait until every file of `folder` is on the disk; a full one shows here at the latest."""
    for path in folder.rglob("*"):
        if path.is_file():
            sync_path(path)


def _is_file_error(error: Exception) -> bool:
    if isinstance(error, OSError):
        return True
    tensorflow = sys.modules.get("tensorflow")  # where nobody loaded it, it raised nothing
    return tensorflow is not None and isinstance(error, tensorflow.errors.OpError)


def _write_error(target: Path, error: Exception) -> RoadsegError:
    text = " ".join(str(error).split())
    full = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    # TensorFlow's errors have the system's words and not its number.
    no_space = getattr(error, "errno", None) in full or any(
        os.strerror(number).lower() in text.lower() for number in full
    )
    if no_space:
        return RoadsegError(
            f"{target}: not exported, the disk is full; what was there before is kept: free some "
            "space, or give another folder with --to"
        )
    reason = getattr(error, "strerror", None) or text[:200]
    return RoadsegError(f"{target}: not exported ({reason}); give another folder with --to")
