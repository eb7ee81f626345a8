"""Files read and written whole: JSON and arrays that may be anybody's, and what a disk may do."""

import contextlib
import errno
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.npz import ArrayFile
from roadseg.regular_files import check_regular, read_regular

Arrays = dict[str, np.ndarray]
UNFINISHED = ".unfinished-"
"""How the name of a file or folder begins that is still being written."""
_PLAIN = re.compile(r"[A-Za-z0-9_./ +=,@-]*")


def read_json(path: Path, way_out: str, what: str = "") -> Any:
    """Return what a JSON file holds.

    way_out: what the user can do about a file that is absent or damaged. what: what is missed.
    Raises RoadsegError for such a file: not UTF-8, not JSON, numbers that JSON has not (NaN,
    Infinity), or nested too deeply.
    """
    try:
        content = read_regular(path)
    except OSError as error:
        missed = f"{what}: " if what else ""
        raise RoadsegError(f"{path}: {missed}{error.strerror}; {way_out}") from None
    try:
        return parse_json(content)
    except ValueError as error:
        raise RoadsegError(f"{path}: not JSON ({error}); {way_out}") from None


def parse_json(content: bytes | str) -> Any:
    """Return the value of a JSON text; ValueError, in one short line, for anything else."""
    try:
        # Some editors put a byte order mark before the text.
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError as error:
        raise ValueError(" ".join(str(error).split())[:200]) from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def printable(text: object) -> str:
    r"""Return `text` in one line that any terminal can show: 'stra\xdfe.png', 'a\nb.png'."""
    plain = str(text).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in plain
    )


def is_utf8(text: object) -> bool:
    """Return whether a name is one that every program can be given."""
    try:
        str(text).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def refuse_unwritable(path: Path, option: str = "--to", is_folder: bool = False) -> None:
    """Raise RoadsegError where nothing can be written at `path`, which need not exist yet.

    is_folder: whether it is to be a folder, where a file is in the way.
    Tried, not guessed, with a file that has no name: before work that takes minutes.
    """
    folder = path if path.is_dir() else path.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        if not folder.is_dir() or is_folder and path.exists() and not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "a file lies where a folder is needed")
        check_regular(path)
        if path.is_file() and not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise RoadsegError(
            f"{path}: cannot write here ({error.strerror}); change {option}"
        ) from None


@contextlib.contextmanager
def plain_path(path: Path) -> Iterator[Path]:
    """Yield a name for a file or folder that is there which no program takes for a pattern.

    TensorFlow takes [ ] { } * ? for patterns, OpenCV % for a number, and neither takes names that
    are not UTF-8. A path without such signs is given as it is, others by a link that goes away.
    """
    if _PLAIN.fullmatch(str(path)):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / f"plain{path.suffix if _PLAIN.fullmatch(path.suffix) else ''}"
        link.symlink_to(path.absolute(), path.is_dir())
        yield link


def disk_error(path: Path, error: OSError) -> RoadsegError:
    """Return `error`, met while writing `path`, as one line that says what to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RoadsegError(
            f"{path}: not written, the disk is full; what was complete is kept: "
            "free some space and run the same command again"
        )
    reason = error.strerror or str(error)
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        reason = "a file lies where a folder is needed"
    return RoadsegError(f"{path}: not written ({reason}); choose another place or mend this one")


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` in one step: readers see the old file or the new one."""
    write_file(path, lambda file: file.write(text.encode()))


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write `arrays` as the `.npz` at `path` in one step, as `write_text` does."""
    write_file(path, lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]


def write_file(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Let `write` fill a file beside `path`, made with its folders, then put it in place.

    Raises RoadsegError where the disk is full or not writable, and for a pipe or a device, which
    the file would take the place of; nothing half-written stays.
    """
    # The process in the name keeps two writers of one file apart.
    aside = path.with_name(f"{UNFINISHED}{path.name}-{os.getpid()}")
    try:
        check_regular(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            write(file)
            sync(file)
        aside.rename(path)
    # Interrupts too: nothing half-written may stay beside the file.
    except BaseException as error:
        with contextlib.suppress(OSError):  # where the folder is none, unlinking fails as well
            aside.unlink()
        if isinstance(error, OSError):
            raise disk_error(path, error) from None
        raise


def sync_path(path: Path) -> None:
    """Wait until the file, or the names in the folder, at `path` are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_arrays(path: Path) -> Arrays:
    """Return the arrays of an `.npz` by name; raise RoadsegError if it is absent or damaged."""
    return dict(ArrayFile(path))


def sync(file: Any) -> None:
    """Wait until what was written to an open `file` is on the disk."""
    file.flush()
    os.fsync(file.fileno())
