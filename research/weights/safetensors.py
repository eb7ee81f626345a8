"""Reads `.safetensors`: a length, JSON that says where each array lies, and their bytes.

NumPy alone is needed, and nothing in the file can be run. Source: the format's own description
(huggingface/safetensors, README).
"""

import struct
from pathlib import Path
from typing import Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.files import parse_json
from roadseg.regular_files import read_regular

SUFFIX = ".safetensors"
# The limit of the format's own reader.
_LARGEST_HEADER = 100_000_000
_TYPES = {
    **{"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "BOOL": "?"},
    **{"I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "<i1"},
    **{"U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "<u1"},
}


def is_safetensors(begin: bytes) -> bool:
    """Return whether a file that begins with these 9 bytes or more is of this form."""
    return len(begin) >= 9 and begin[8:9] == b"{" and _length(begin) <= _LARGEST_HEADER


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a file by name; bfloat16, which NumPy has not, as float32.

    Raises RoadsegError for a file that is absent, cut short, or says what cannot be.
    """
    try:
        content = read_regular(path)
    except OSError as error:
        raise RoadsegError(f"{path}: {error.strerror}; check the path") from None
    try:
        if not is_safetensors(content):
            raise ValueError("no header of this form")
        begin = 8 + _length(content)
        header = parse_json(content[8:begin])
        places = {name: entry for name, entry in header.items() if name != "__metadata__"}
        arrays = {name: _array(entry, content, begin) for name, entry in places.items()}
        if sum(array[1] for array in arrays.values()) != len(content) - begin:
            raise ValueError("arrays overlap, or leave bytes that belong to none")
        return {name: values for name, (values, _) in arrays.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RoadsegError(
            f"{path}: damaged .safetensors ({' '.join(str(error).split())[:160]}); copy it again"
        ) from None


def _length(begin: bytes) -> int:
    return int(struct.unpack_from("<Q", begin)[0])


def _array(entry: dict[str, Any], content: bytes, begin: int) -> tuple[np.ndarray, int]:
    """Return one array, and how many bytes it takes."""
    kind, shape, (first, last) = entry["dtype"], entry["shape"], entry["data_offsets"]
    if kind not in _TYPES:
        raise ValueError(f"arrays of type {kind!r}")
    # Not isinstance: JSON's true is an int to Python as well.
    whole = all(type(side) is int and side >= 0 for side in (*shape, first, last))
    dtype = np.dtype(_TYPES[kind])
    # In Python's integers: a damaged file may claim more than 64 bits hold.
    size = int(np.prod(shape, dtype=object)) * dtype.itemsize if whole else -1
    if not whole or last - first != size or begin + last > len(content):
        raise ValueError(f"an array of shape {shape} at bytes {first} to {last}")
    values = np.frombuffer(content, dtype, size // dtype.itemsize, begin + first).reshape(shape)
    if kind == "BF16":
        # bfloat16 is the upper half of a float32.
        values = (values.astype(np.uint32) << 16).view(np.float32)
    return values, size
