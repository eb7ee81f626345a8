"""One training a run folder: a lock that names its holder, on one machine and across machines.

The system's own lock (flock) decides: it ends with its process, however that ends, and Linux hands
it on to the servers of NFS, Lustre and GPFS, so that other machines see it. Some shared file
systems keep it to each machine. There a sign of life decides: the holder touches the file every few
seconds, and whoever finds the file of another machine watches it before taking it over. Clocks of
two machines are never compared, only times that the file system itself gave.
"""

import contextlib
import errno
import fcntl
import json
import os
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from roadseg.errors import RoadsegError
from roadseg.files import disk_error, printable

NAME = ".training.lock"
BEAT_S = 5.0
"""Seconds between two signs of life."""
GONE_S = 60.0
"""Seconds without a sign of life after which a holder on another machine counts as gone."""
_NOT_HERE = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


def refuse_locked(folder: Path) -> None:
    """Raise RoadsegError where a training that can be seen at once holds `folder`."""
    with contextlib.suppress(OSError):
        handle = os.open(folder / NAME, os.O_RDWR | os.O_CLOEXEC)
        try:
            if try_lock(handle) is False:
                raise _refusal(folder, _read(handle))
        finally:
            os.close(handle)


@contextlib.contextmanager
def run_lock(folder: Path, patience_s: float = 0.0) -> Iterator[None]:
    """Hold the run at `folder`, which is made, so that no other training writes into it.

    patience_s: how long to wait for a lock that another holds.
    The lock of a process that is gone is taken over, with a line that says so.
    Raises RoadsegError where another holds it, naming host, process and since when, and where no
    lock can be written.
    """
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = _take(folder, patience_s)
    except OSError as error:
        raise disk_error(folder / NAME, error) from None
    over = threading.Event()
    beat = threading.Thread(target=_beat, args=(handle, over), name="run-lock", daemon=True)
    beat.start()
    try:
        yield
    finally:
        over.set()
        beat.join()
        # Removed while it is still held: who opened it before looks again, see `_take`.
        with contextlib.suppress(OSError):
            (folder / NAME).unlink()
        os.close(handle)
        if made:
            with contextlib.suppress(OSError):  # not empty: a run was begun
                folder.rmdir()


@contextlib.contextmanager
def alone_with(path: Path) -> Iterator[None]:
    """Hold the file at `path`, which is made, for a moment: others who do so wait.

    On a disk without locks, or where nothing can be written, it holds nothing.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError:
        yield
        return
    try:
        wait_for_lock(handle)
        yield
    finally:
        os.close(handle)


def wait_for_lock(handle: int) -> None:
    """Lock an open file until it is closed, once whoever holds it lets go; see `alone_with`."""
    with contextlib.suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX)


def _take(folder: Path, patience_s: float = 0.0) -> int:
    """Return the open file of the lock, held and with this process in it."""
    path = folder / NAME
    while True:
        # Not handed on to programs started from here, which would hold the lock after this process.
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            locked = _flock_within(handle, patience_s)
            holder = _read(handle)
            if locked is False:
                raise _refusal(folder, holder)
            if not _is_at(handle, path):
                os.close(handle)
                continue
            if holder:
                here = locked and holder.get("boot") == _boot()
                if not here and _lives(path):
                    raise _refusal(folder, holder)
                print(f"{folder}: taken over; {_named(holder)}, is gone", flush=True)
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps(_own()).encode() + b"\n", 0)
            return handle
        # An interrupt too must not leave the lock held.
        except BaseException:
            os.close(handle)
            raise


def _flock_within(handle: int, seconds: float) -> bool | None:
    """Return what `try_lock` does, tried again for so long; past those who only look, at least."""
    until = time.monotonic() + max(seconds, 0.2)
    while (locked := try_lock(handle)) is False and time.monotonic() < until:
        time.sleep(0.05)
    return locked


def try_lock(handle: int) -> bool | None:
    """Return whether the file is locked now; False: by another; None: this disk has no locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _NOT_HERE:
            return None
        raise
    return True


def _is_at(handle: int, path: Path) -> bool:
    """Return whether the open file is still the one of this name."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _lives(path: Path) -> bool:
    """Return whether the holder gives a sign of life; False once it has given none for long."""
    seen = None
    while True:
        # Opened again each time: NFS asks its server for the times of a file when it is opened.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            touched = os.fstat(handle).st_mtime
        finally:
            os.close(handle)
        if seen not in (None, touched):
            return True
        # A new file has the time of the file system itself.
        with tempfile.TemporaryFile(dir=path.parent) as now:
            if os.fstat(now.fileno()).st_mtime - touched > GONE_S:
                return False
        seen = touched
        time.sleep(BEAT_S / 10)


def _beat(handle: int, over: threading.Event) -> None:
    while not over.wait(BEAT_S):
        with contextlib.suppress(OSError):
            os.utime(handle)


def _own() -> dict[str, Any]:
    since = time.strftime("%Y-%m-%d %H:%M:%S %z")
    return {"host": socket.gethostname(), "pid": os.getpid(), "since": since, "boot": _boot()}


def _boot() -> str:
    """Return what tells this start of this machine from all others; containers share it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return socket.gethostname()


def _read(handle: int) -> dict[str, Any]:
    """Return what the holder wrote; empty where nobody did."""
    content = os.pread(handle, 4096, 0)
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    # Somebody wrote half of it: held, by whom is not known.
    return found if isinstance(found, dict) else {"host": "?"} if content.strip() else {}


def _named(holder: dict[str, Any]) -> str:
    host, pid, since = (printable(holder.get(key, "?")) for key in ("host", "pid", "since"))
    return f"process {pid} on {host}, which began at {since}"


def _refusal(folder: Path, holder: dict[str, Any]) -> RoadsegError:
    return RoadsegError(
        f"{folder}: trained by {_named(holder)}; end that one first, or take another --run"
    )
