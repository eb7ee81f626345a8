"""Which form a file of weights has: told by what it holds; by its name where that says nothing."""

import zipfile
from pathlib import Path
from typing import Literal

from roadseg.weights.pickled import is_paddle
from roadseg.weights.pytorch import SUFFIXES, is_pytorch
from roadseg.weights.safetensors import SUFFIX as SAFETENSORS
from roadseg.weights.safetensors import is_safetensors
from roadseg.weights.slim import ARCHIVES, index_file

Form = Literal["pytorch", "paddle", "npz", "safetensors", "keras", "slim", "unknown"]
_HDF5 = b"\x89HDF\r\n\x1a\n"
_GZIP = b"\x1f\x8b"
_TAR, _TAR_AT = b"ustar", 257
_PICKLE = tuple(bytes([0x80, version]) for version in range(2, 6))


def form_of(path: Path) -> Form:
    """Return the form of the weights at `path`, which need not be there."""
    if is_paddle(path):
        return "paddle"
    if path.is_file():
        with path.open("rb") as file:
            begin = file.read(512)
        if begin.startswith(b"PK"):
            form = _zipped(path)
            if form != "unknown":
                return form
        if begin.startswith(_HDF5):
            return "keras"
        if is_safetensors(begin):
            return "safetensors"
        if begin.startswith(_PICKLE):
            return "pytorch"
        if begin.startswith(_GZIP) or begin[_TAR_AT:].startswith(_TAR):
            # PyTorch's earliest files were tar archives too.
            return "pytorch" if path.name.endswith(SUFFIXES) else "slim"
    return _by_name(path)


def _zipped(path: Path) -> Form:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except Exception:  # damaged: its name says who is to complain
        return "unknown"
    if any(name.endswith("data.pkl") for name in names):
        return "pytorch"
    return "npz" if any(name.endswith(".npy") for name in names) else "unknown"


def _by_name(path: Path) -> Form:
    if is_pytorch(path):
        return "pytorch"
    if path.suffix == ".npz":
        return "npz"
    if path.suffix == ".h5":
        return "keras"
    if path.suffix == SAFETENSORS:
        return "safetensors"
    if path.name.endswith(ARCHIVES) or index_file(path).is_file():
        return "slim"
    return "unknown"
