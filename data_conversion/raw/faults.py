"""Faults that are said in one go: a data set with ten bad files is mended once, not ten times."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from roadseg.errors import RoadsegError

_NAMED = 20


def refuse_all(where: Path | str, faults: Sequence[RoadsegError]) -> None:
    """Raise RoadsegError for faults, if there are any: a single one as it is, else all in a line.

    where: what all of them are about, for the start of the line.
    """
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise RoadsegError(
            f"{where}: {len(faults)} faults: {in_one_line(faults, where)}; {way_out(faults)}"
        )


class FileAtFault(RoadsegError):
    """A pair of files cannot be converted; the message is that on its file."""


@contextlib.contextmanager
def kept(faults: list[RoadsegError]) -> Iterator[None]:
    """Append what is refused inside to `faults`, for `refuse_all` afterwards."""
    try:
        yield
    except RoadsegError as error:
        faults.append(error)


def in_one_line(faults: Sequence[RoadsegError | str], where: Path | str) -> str:
    """Return the first 20 faults without their ways out, and how many more there are.

    Paths below `where` are shown as seen from there, lines of the file `where` by their numbers.
    """
    texts = (str(fault).partition("; ")[0] for fault in faults)
    parts = [text.replace(f"{where}{os.sep}", "").replace(f"{where}, ", "") for text in texts]
    more = f"; and {len(parts) - _NAMED} more" if len(parts) > _NAMED else ""
    return "; ".join(parts[:_NAMED]) + more


def way_out(faults: Sequence[RoadsegError | str]) -> str:
    """Return the way out of all faults: their own, if they share one."""
    found = {str(fault).partition("; ")[2] for fault in faults}
    return found.pop() if len(found) == 1 and all(found) else "mend them all"


def common_folder(paths: Sequence[Path]) -> Path:
    """Return the folder below which all of `paths` lie."""
    return Path(os.path.commonpath([path.absolute().parent for path in paths]))
