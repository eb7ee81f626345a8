"""Files are read if they are regular ones: a pipe would be waited for, a device may have no end."""

import errno
from pathlib import Path


def read_regular(path: Path) -> bytes:
    """Return the bytes of a file; OSError if it is absent, and if it is no regular file."""
    check_regular(path)
    return path.read_bytes()


def check_regular(path: Path) -> None:
    """Raise OSError if something lies at `path` that is neither a regular file nor a folder."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise OSError(errno.EINVAL, "no regular file", str(path))
