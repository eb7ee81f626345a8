"""`.flo` files of optical flow (Middlebury's form), read whole and written whole or not at all.

Little-endian: the float32 202021.25, int32 width, int32 height, then float32 (x, y) of each pixel,
row by row. Arrays are as the file has them: (height, width, 2) float32, the step to the right
before the step down, in pixels; `[..., ::-1]` gives the (y, x) of most of the project.
Source: Baker et al., "A Database and Evaluation Methodology for Optical Flow", IJCV 2011.
"""

import struct
from pathlib import Path

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.files import write_file
from roadseg.regular_files import read_regular

MAGIC = struct.pack("<f", 202021.25)
UNKNOWN_PX = 1e9
"""A component of this or more, or none at all (NaN), says that the flow of a pixel is unknown."""
_HEADER = struct.Struct("<4sii")
_LARGEST_SIDE = 99_999


def read_flow(path: Path) -> np.ndarray:
    """Return the flow in a file, (height, width, 2) float32, (x, y) in pixels.

    Raises RoadsegError naming the file that is absent, of another form, cut short or too long.
    """
    try:
        content = read_regular(path)
    except OSError as error:
        raise RoadsegError(f"{path}: cannot be read ({error.strerror}); check the file") from None
    return decode_flow(content, path)


def decode_flow(content: bytes, path: Path) -> np.ndarray:
    """Return the flow in the bytes of a file, as `read_flow` does; `path` is for messages."""
    way_out = "copy or compute the file again"
    if len(content) < _HEADER.size:
        raise RoadsegError(f"{path}: {len(content)} bytes are no .flo file; {way_out}")
    magic, width, height = _HEADER.unpack_from(content)
    if magic != MAGIC:
        found = struct.unpack("<f", magic)[0]
        raise RoadsegError(
            f"{path}: begins with {found:g}, a .flo file with 202021.25; name a .flo file"
        )
    if not (0 < width <= _LARGEST_SIDE and 0 < height <= _LARGEST_SIDE):
        raise RoadsegError(f"{path}: a flow of {height}x{width} (height x width); {way_out}")
    wanted = _HEADER.size + 8 * width * height
    if len(content) != wanted:
        what = "truncated" if len(content) < wanted else "too long"
        raise RoadsegError(
            f"{path}: {what}, {len(content)} bytes, a flow of {height}x{width} has {wanted}; "
            f"{way_out}"
        )
    values = np.frombuffer(content, "<f4", offset=_HEADER.size)
    # A copy, in the machine's byte order: an array over bytes cannot be written to.
    return values.reshape(height, width, 2).astype(np.float32)


def encode_flow(flow_xy_px: np.ndarray) -> bytes:
    """Return the bytes of a `.flo` file.

    flow_xy_px: (height, width, 2) numbers, (x, y) in pixels. Raises ValueError for another shape.
    """
    flow = np.asarray(flow_xy_px)
    if flow.ndim != 3 or flow.shape[2] != 2 or not 0 < min(flow.shape):
        raise ValueError(f"a flow is (height, width, 2), got {flow.shape}")
    height, width = flow.shape[:2]
    return _HEADER.pack(MAGIC, width, height) + flow.astype("<f4").tobytes()


def write_flow(path: Path, flow_xy_px: np.ndarray) -> None:
    """Write a flow (height, width, 2) to `path` in one step: whole, or what was there before.

    Raises RoadsegError where the disk is full or not writable, ValueError for another shape.
    """
    content = encode_flow(flow_xy_px)
    write_file(path, lambda file: file.write(content))


def known(flow_xy_px: np.ndarray) -> np.ndarray:
    """Return (height, width) bool: where the flow is known."""
    with np.errstate(invalid="ignore"):
        return (np.abs(flow_xy_px) < UNKNOWN_PX).all(-1)
