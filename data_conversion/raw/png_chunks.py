"""A PNG seen from outside: its chunks with their checksums, its header, labels of few bits.

Decoders differ in what they overlook; walking the chunks first settles it for all of them.
"""

import dataclasses
import struct
import zlib
from pathlib import Path

from roadseg.errors import RoadsegError

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE = 0, 2, 3
_COLOUR_TYPES = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGB with alpha"}
_DESCRIPTIONS = {b"eXIf", b"iTXt", b"tEXt", b"zTXt"}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


@dataclasses.dataclass(frozen=True)
class PngHeader:
    """What the header says, and three things that other chunks say.

    transparent: some colour or palette entry is see-through (tRNS). described: it holds text or
    EXIF data, which may stand behind the pixels. pictures: how many it shows one after another.
    """

    height: int
    width: int
    depth: int
    colour_type: int
    transparent: bool = False
    described: bool = False
    pictures: int = 1

    @property
    def form(self) -> str:
        """Depth and kind in words: '8-bit RGB'."""
        return f"{self.depth}-bit {_COLOUR_TYPES[self.colour_type]}"


def check_png(encoded: bytes, path: Path | str) -> PngHeader:
    """Return the header of a PNG whose chunks are whole up to the end mark.

    path: for messages. Raises RoadsegError for a truncated file, a wrong checksum, and a header
    that no PNG has.
    """
    position, header, kinds, pictures = len(PNG_SIGNATURE), None, set(), 1
    while position + 12 <= len(encoded):
        length, kind = struct.unpack_from(">I4s", encoded, position)
        end = position + 12 + length
        if end > len(encoded):
            break
        body = memoryview(encoded)[position + 4 : end - 4]
        if zlib.crc32(body) != struct.unpack_from(">I", encoded, end - 4)[0]:
            raise RoadsegError(f"{path}: damaged PNG (checksum of {kind!r}); copy the file again")
        if header is None:
            header = _header(kind, bytes(body[4:]), path)
        kinds.add(kind)
        if kind == b"acTL" and length >= 4:
            pictures = struct.unpack_from(">I", body, 4)[0]
        if kind == b"IEND":
            if b"IDAT" not in kinds:
                raise RoadsegError(f"{path}: damaged PNG (no pixels in it); copy the file again")
            described = bool(kinds & _DESCRIPTIONS)
            return dataclasses.replace(
                header, transparent=b"tRNS" in kinds, described=described, pictures=pictures
            )
        position = end
    raise RoadsegError(
        f"{path}: truncated PNG ({len(encoded)} bytes, no end mark); copy the file again"
    )


def _header(kind: bytes, body: bytes, path: Path | str) -> PngHeader:
    """Return the first chunk as a header; RoadsegError if it is none."""
    sound = kind == b"IHDR" and len(body) == 13
    if sound:
        width, height, depth, colour_type, *ways = struct.unpack(">IIBBBBB", body)
        sound = 0 < width < 1 << 31 and 0 < height < 1 << 31
        sound = sound and depth in _DEPTHS.get(colour_type, ())
        sound = sound and ways[:2] == [0, 0] and ways[2] in (0, 1)
    if not sound:
        raise RoadsegError(f"{path}: damaged PNG (no header that a PNG has); copy the file again")
    return PngHeader(height, width, depth, colour_type)
