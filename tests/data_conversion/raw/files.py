"""Files of pictures and labels, drawn by hypothesis, with what is right beside them."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image

SIDES = st.integers(1, 19)
_PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2))
INTERLACED = (*_PASSES, (1, 0, 2, 1))
# EXIF orientation -> what turns the upright picture into the stored one.
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


def pixels(seed: int, *shape: int, dtype: Any = np.uint8) -> np.ndarray:
    """Return random pixels."""
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype, True)


def encoded(array: np.ndarray, form: str, mode: str | None = None, **options: Any) -> bytes:
    """Return a picture file by Pillow."""
    file = io.BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(array))
    (picture.convert(mode) if mode else picture).save(file, form, **options)
    return file.getvalue()


def exif(orientation: int) -> Image.Exif:
    """Return EXIF data of an orientation alone."""
    entry = Image.Exif()
    entry[0x0112] = orientation
    return entry


def grey_png(values: np.ndarray, depth: int, interlaced: bool = False) -> bytes:
    """Return a grey PNG whose samples, of `depth` bits, are `values`."""
    rows = bytearray()
    for top, left, down, right in INTERLACED if interlaced else ((0, 0, 1, 1),):
        for line in values[top::down, left::right]:
            if line.size:
                bits = np.unpackbits(line.astype(">u2").view(np.uint8)).reshape(-1, 16)
                rows += b"\0" + np.packbits(bits[:, 16 - depth :].ravel()).tobytes()
    size = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], depth, 0, 0, 0, interlaced)
    chunks = ((b"IHDR", size), (b"IDAT", zlib.compress(bytes(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


@st.composite
def lossless_pictures(draw: Any) -> tuple[bytes, str, np.ndarray]:
    """Return a file, its ending and the upright RGB picture in it, equal to the bit."""
    height, width, seed = draw(SIDES), draw(SIDES), draw(st.integers(0, 1 << 16))
    colour, grey = pixels(seed, height, width, 3), pixels(seed, height, width)
    deep = pixels(seed, height, width, dtype=np.uint16)
    three = np.repeat(grey[..., None], 3, axis=2)
    turn = draw(st.integers(1, 8))
    ways = {
        "rgb": lambda: (encoded(colour, "PNG"), ".png", colour),
        "rgba": lambda: (encoded(np.dstack([colour, grey]), "PNG"), ".png", colour),
        "grey": lambda: (encoded(grey, "PNG"), ".PNG", three),
        "turned": lambda: (encoded(STORED[turn](colour), "PNG", exif=exif(turn)), ".png", colour),
        "tiff": lambda: (encoded(colour, "TIFF"), ".tif", colour),
        "turned tiff": lambda: (
            encoded(STORED[turn](colour), "TIFF", exif=exif(turn)),
            ".tiff",
            colour,
        ),
        "bmp": lambda: (encoded(colour, "BMP"), ".bmp", colour),
        "ppm": lambda: (encoded(colour, "PPM"), ".ppm", colour),
        "webp": lambda: (encoded(colour, "WEBP", lossless=True, exact=True), ".webp", colour),
        "16 bits": lambda: (grey_png(deep, 16), ".png", _upper(deep)),
        "16-bit tiff": lambda: (encoded(deep, "TIFF"), ".tif", _upper(deep)),
        "16-bit ppm": lambda: (
            _deep_ppm(seed, height, width),
            ".ppm",
            _deep_colours(seed, height, width),
        ),
    }
    return ways[draw(st.sampled_from(sorted(ways)))]()


def _upper(deep: np.ndarray) -> np.ndarray:
    return np.repeat((deep >> 8).astype(np.uint8)[..., None], 3, axis=2)


def _deep_ppm(seed: int, height: int, width: int) -> bytes:
    deep = pixels(seed, height, width, 3, dtype=np.uint16)
    return b"P6\n# deep\n%d %d\n65535\n" % (width, height) + deep.astype(">u2").tobytes()


def _deep_colours(seed: int, height: int, width: int) -> np.ndarray:
    return (pixels(seed, height, width, 3, dtype=np.uint16) >> 8).astype(np.uint8)


@st.composite
def labels(draw: Any) -> tuple[bytes, np.ndarray]:
    """Return a label file, grey of any depth or with a palette, and its values."""
    height, width, seed = draw(SIDES), draw(SIDES), draw(st.integers(0, 1 << 16))
    kind = draw(st.sampled_from([1, 2, 4, 8, 16, "palette"]))
    if kind == "palette":
        values = pixels(seed, height, width)
        picture = Image.fromarray(values)
        picture.putpalette(bytes(pixels(seed, 768)))
        file = io.BytesIO()
        picture.save(file, "PNG")
        return file.getvalue(), values
    dtype = np.uint16 if kind == 16 else np.uint8
    values = pixels(seed, height, width, dtype=dtype) >> (np.iinfo(dtype).bits - kind)
    return grey_png(values, kind, draw(st.booleans())), values


@st.composite
def damage(draw: Any, content: bytes) -> bytes:
    """Return `content` cut short, with some bits flipped, or with another header."""
    way = draw(st.sampled_from(["cut", "flip", "header", "insert"]))
    place = draw(st.integers(0, max(len(content) - 1, 0)))
    if way == "cut":
        return content[:place]
    if way == "header":
        return draw(st.binary(min_size=1, max_size=16)) + content[16:]
    if way == "insert":
        return content[:place] + draw(st.binary(min_size=1, max_size=8)) + content[place:]
    spoilt = bytearray(content)
    for _ in range(draw(st.integers(1, 3))):
        spoilt[draw(st.integers(0, len(content) - 1))] ^= 1 << draw(st.integers(0, 7))
    return bytes(spoilt)
