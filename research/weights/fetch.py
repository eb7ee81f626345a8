"""The file of a preset: from a local mirror, from Keras's cache, or fetched once into it."""

import fcntl
import hashlib
import os
import re
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from roadseg.errors import RoadsegError
from roadseg.files import disk_error
from roadseg.weights.presets import Preset

MIRROR = "ROADSEG_WEIGHTS"
"""Environment variable that names a folder of weights, which is looked at first."""
TIMEOUT_S = 30.0
"""Longest silence of a server."""
ATTEMPTS = 3
"""How often a transfer that breaks off is begun."""
PAUSE_S = 1.0
"""Seconds between them."""
# What errors of a connection that broke say; another failure would only come again.
_BROKEN = re.compile("got only|reset by peer|[Ii]ncomplete ?[Rr]ead|closed connection")
SHIPPED = Path(__file__).parent / "shipped"
"""Where weights lie that come with the package."""


def locate(name: str, preset: Preset, mirror: Path | str | None = None) -> Path:
    """Return the path of the weights of `preset`, fetched if need be.

    name: of the preset, for messages. mirror: folder looked at first; None: $ROADSEG_WEIGHTS, if
    that is set. There the authors' file counts as well as the same arrays as an `.npz`.
    Raises RoadsegError where the mirror is no folder, where the file is nowhere and cannot be
    fetched, and where a file has another checksum than the authors'.
    """
    if preset.shipped:
        return _shipped(name, preset)
    folder = mirror or os.environ.get(MIRROR)
    if folder:
        found = _in_mirror(Path(folder).expanduser(), name, preset)
        if found:
            return found
    if not preset.address:
        raise RoadsegError(
            f"{name}: its file, {preset.mirrored}, cannot be fetched ({preset.note}); put it into "
            f"a folder and name that by {MIRROR}"
        )
    return _fetched(name, preset)


def cache_folder() -> Path:
    """Return the folder of fetched weights, beside what Keras itself keeps."""
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    return Path(home) / "roadseg"


def is_here(preset: Preset, mirror: Path | str | None = None) -> bool:
    """Return whether the weights of `preset` are in the mirror or the cache already."""
    folder = mirror or os.environ.get(MIRROR)
    if preset.shipped:
        return (SHIPPED / preset.shipped).is_file()
    places = [cache_folder() / preset.file] if preset.file else []
    if folder:
        places += [Path(folder).expanduser() / name for name in _names(preset)]
    return any(place.is_file() for place in places)


def _shipped(name: str, preset: Preset) -> Path:
    path = SHIPPED / preset.shipped
    if not path.is_file():
        raise RoadsegError(f"{path}: the weights {name} are not there; install roadseg again")
    if _sum_differs(path, preset):
        raise RoadsegError(f"{path}: another checksum than that of {name}; install roadseg again")
    return path


def _names(preset: Preset) -> list[str]:
    """Return how the weights may be called in a mirror: here, by the authors, as arrays."""
    own = preset.address.rpartition("/")[2]
    return list(dict.fromkeys(name for name in (preset.file, own, preset.mirrored) if name))


def _in_mirror(folder: Path, name: str, preset: Preset) -> Path | None:
    if not folder.is_dir():
        raise RoadsegError(f"{MIRROR}={folder}: no such folder; name one, or unset it to fetch")
    others = []
    for path in (folder / file for file in _names(preset)):
        if not path.is_file():
            continue
        # Two files of ESPNet's authors have one name: the sum tells which this is.
        if path.name == preset.mirrored or not _sum_differs(path, preset):
            return path
        others.append(path)
    if others:
        raise RoadsegError(
            f"{others[0]}: another checksum than that of {name}; take the authors' file, from "
            f"{preset.address}, or take this one away"
        )
    return None


def _sum_differs(path: Path, preset: Preset) -> bool:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() != preset.sha256


def _fetched(name: str, preset: Preset) -> Path:
    target = cache_folder() / preset.file
    with _alone(target):
        if target.is_file():
            if not _sum_differs(target, preset):
                return target
            # Cut short or changed since: it is fetched anew.
            target.unlink()
        _fetch(name, preset, target)
    return target


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Let one process at a time fetch `target`; the others then find it there."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.with_name(f".{target.name}.lock").open("w") as lock:
            # The system lets go of it when the process ends, in whatever way.
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise disk_error(target, error) from None


def _fetch(name: str, preset: Preset, target: Path) -> None:
    """Fetch the authors' file beside `target`, and put it in place when it is whole.

    A transfer that breaks off is begun anew, a few times.
    """
    aside = target.with_name(f".unfinished-{target.name}")
    silence = socket.getdefaulttimeout()
    # `keras.utils.get_file` takes no limit of its own.
    socket.setdefaulttimeout(TIMEOUT_S)
    try:
        for left in reversed(range(ATTEMPTS)):
            print(f"{name}: fetching {preset.size / 1e6:.1f} MB", file=sys.stderr)
            # Keras raises plain exceptions, with the reason in their text.
            try:
                _transfer(preset, aside)
                break
            except Exception as error:
                if not (left and _BROKEN.search(str(error))):
                    raise
            time.sleep(PAUSE_S)
        aside.rename(target)
    except Exception as error:
        raise RoadsegError(
            f"{preset.address}: not fetched ({_reason(error)}); fetch its {preset.size} bytes "
            f"elsewhere and put them at {target}, or into a folder named by {MIRROR}"
        ) from None
    finally:
        socket.setdefaulttimeout(silence)
        aside.unlink(missing_ok=True)


def _transfer(preset: Preset, aside: Path) -> None:
    import keras

    aside.unlink(missing_ok=True)
    # Keras shows its progress on standard output, which is the command's.
    with redirect_stdout(sys.stderr):
        keras.utils.get_file(
            aside.name,
            origin=preset.address,
            file_hash=preset.sha256,
            hash_algorithm="sha256",
            cache_subdir=str(aside.parent.absolute()),
        )


def _reason(error: Exception) -> str:
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    # Keras says of a wrong checksum: "Incomplete or corrupted file detected".
    if "corrupted" in text or "nomplete" in text:
        return "another checksum than the authors'"
    return text.rpartition(": ")[2].removeprefix("None -- ")[:120]
