"""Whether a video's own bytes say its frame rate: FFmpeg makes 25 of none, without a word."""

import struct
from pathlib import Path

_HEAD = 1 << 16
_PICTURES_ALONE = (b"\xff\xd8\xff", b"\0\0\0\1", b"\0\0\1\x09", b"\0\0\1\x67")
"""How streams without a container begin: JPEG, and H.264."""


def says_rate(path: Path) -> bool:
    """Return False where an AVI's header holds no rate, and for pictures without a container.

    Source: Microsoft's AVI RIFF file reference, `avih` and `strh`.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(_PICTURES_ALONE):
        return False
    if not (head.startswith(b"RIFF") and head[8:12] == b"AVI "):
        return True
    return bool(_number(head, b"avih", 0)) or all(
        _number(head, b"strh", place) for place in (20, 24)
    )


def _number(head: bytes, chunk: bytes, place: int) -> int:
    """Return the number at a place of the first chunk of that name; 0 where there is none."""
    start = head.find(chunk)
    if start < 0 or start + 8 + place + 4 > len(head):
        return 0
    return int(struct.unpack_from("<I", head, start + 8 + place)[0])
