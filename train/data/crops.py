"""Crops cut straight out of images: only what a crop shows is decoded, unfiltered and resized.

The pixels are those of the whole image, scaled, padded, cropped and flipped, to the last bit:
`ops.resize` in float32, rounded to bytes. What is native runs without Python's lock.
"""

import zlib
from typing import Any, NamedTuple

import numpy as np

from roadseg.train.data._crops import bilinear_window, nearest_window, reach, undo_filters

inflater: Any = zlib
try:
    from isal import isal_zlib
except ImportError:
    pass
else:
    inflater = isal_zlib

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Bit depth, colour type, compression, filter method, interlacing: what is read here, by channels.
PLAIN = {3: b"\x08\x02\x00\x00\x00", 1: b"\x08\x00\x00\x00\x00"}
CORNERS = {
    "aligned": ("aligned", "aligned"),
    # OpenCV picks labels by the integer part of i in / out.
    "half_pixel": ("half_pixel", "top"),
}
"""Where images and labels are read, by how a recipe scales."""
MARGIN_PX = 32
"""Around what is needed of a JPEG: where it is cut, colours are blended with fewer neighbours."""
MOST_INFLATED = 1032
"""Bytes that a byte can inflate to: what promises more is not waited for."""

Axis = tuple[int, ...]
Window = tuple[int, int, int, int]
"""First row, first column, end row, end column."""


class Cut(NamedTuple):
    """One crop of one image, in pixels, all integers."""

    source: tuple[int, int]
    """Height and width of the image as it is."""
    target: tuple[int, int]
    """Height and width of the image, scaled."""
    begin: tuple[int, int]
    """First row and column of the scaled image that the crop shows."""
    end: tuple[int, int]
    """End row and column."""
    place: tuple[int, int]
    """Where they lie in the crop: row, and column after the flip."""
    flipped: bool

    @classmethod
    def of(cls, numbers: np.ndarray) -> "Cut":
        """Return the cut of its numbers in order, (11,)."""
        pairs = [(int(row), int(column)) for row, column in np.reshape(numbers[:10], (5, 2))]
        source, target, begin, end, place = pairs
        return cls(source, target, begin, end, place, bool(numbers[10]))

    def needs(self, corners: str, nearest: bool) -> Window:
        """Return the part of the source that the crop shows."""
        (top, bottom), (left, right) = (
            reach((*axis, 0, 0), corners, nearest)
            for axis in zip(self.source, self.target, self.begin, self.end, strict=True)
        )
        return top, left, bottom + 1, right + 1


class Frame(NamedTuple):
    """What is the same for every crop."""

    size: tuple[int, int]
    """Height and width."""
    padding: int
    """The byte beside the image."""
    scaling: str
    """How images and labels are read: a key of CORNERS."""


def image_of_png(content: bytes, numbers: np.ndarray, frame: Frame) -> np.ndarray:
    """Return the crop (height, width, 3) of a PNG of 8-bit RGB; ValueError where it is damaged.

    numbers: see `Cut.of`.
    """
    cut = Cut.of(numbers)
    needed = cut.needs(CORNERS[frame.scaling][0], nearest=False)
    return _image(read_png(content, cut.source, 3, needed), cut, needed, frame)


def label_of_png(content: bytes, numbers: np.ndarray, frame: Frame) -> np.ndarray:
    """Return the crop (height, width) of a PNG of 8-bit grey; see `image_of_png`."""
    cut = Cut.of(numbers)
    needed = cut.needs(CORNERS[frame.scaling][1], nearest=True)
    return _label(read_png(content, cut.source, 1, needed)[..., 0], cut, needed, frame)


def image_of_pixels(
    pixels: np.ndarray, numbers: np.ndarray, held: np.ndarray, frame: Frame
) -> np.ndarray:
    """Return the crop of pixels (rows, columns, 3) uint8 that hold the part `held` of the image."""
    return _image(pixels, Cut.of(numbers), _window(held), frame)


def label_of_pixels(
    pixels: np.ndarray, numbers: np.ndarray, held: np.ndarray, frame: Frame
) -> np.ndarray:
    """Return the crop of labels (rows, columns) uint8 that hold the part `held` of the image."""
    return _label(pixels, Cut.of(numbers), _window(held), frame)


def needed_of_jpeg(numbers: np.ndarray, frame: Frame) -> np.ndarray:
    """Return the part of a JPEG to decode for a crop, (4,) int32, with a margin."""
    cut = Cut.of(numbers)
    top, left, bottom, right = cut.needs(CORNERS[frame.scaling][0], nearest=False)
    (height, width), margin = cut.source, MARGIN_PX
    low = max(top - margin, 0), max(left - margin, 0)
    high = min(bottom + margin, height), min(right + margin, width)
    return np.array([*low, *high], np.int32)


def read_png(content: bytes, size: tuple[int, int], channels: int, window: Window) -> np.ndarray:
    """Return part of a PNG of 8 bits a channel, not interlaced, (rows, columns, channels) uint8.

    Rows below the part are not inflated, and columns to its right not unfiltered.
    Raises ValueError for a file that is damaged, or of another size.
    """
    top, left, bottom, right = window
    row_bytes = size[1] * channels
    raw = _inflated(_compressed(content, size), bottom * (row_bytes + 1), size[0] * (row_bytes + 1))
    found = undo_filters(raw, row_bytes, channels, top, bottom, left, right)
    if found is None:
        raise ValueError("damaged PNG: a row has a filter that there is none of")
    return found


def _compressed(content: bytes, size: tuple[int, int]) -> bytes:
    """Return the data of a PNG's IDAT chunks."""
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    if (height, width) != size:
        raise ValueError(f"a PNG of {height}x{width} pixels where {size[0]}x{size[1]} are wanted")
    parts, at = [], 8
    while at + 8 <= len(content):
        length, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        if kind == b"IDAT":
            parts.append(content[at + 8 : at + 8 + length])
        elif parts:
            break
        at += 12 + length
    return b"".join(parts)


def _inflated(data: bytes, wanted: int, whole: int) -> bytes:
    """Return at least `wanted` bytes of what inflates to `whole` bytes."""
    if wanted > MOST_INFLATED * (len(data) + 1):
        raise ValueError(f"damaged PNG: {len(data)} bytes cannot inflate to {wanted}")
    try:
        # Whole at once is quicker: its length is known.
        if wanted > 0.9 * whole:
            found = inflater.decompress(data, bufsize=whole)
        else:
            found = inflater.decompressobj().decompress(data, wanted)
    except (zlib.error, inflater.error) as error:
        raise ValueError(f"damaged PNG: {error}") from None
    if len(found) < wanted:
        raise ValueError(f"damaged PNG: {len(found)} of {wanted} bytes are there")
    return found


def _image(pixels: np.ndarray, cut: Cut, held: Window, frame: Frame) -> np.ndarray:
    corners = CORNERS[frame.scaling][0]
    canvas = _canvas(pixels, cut, held, frame, (corners, False))
    rows, columns = _axes(cut, held)
    bilinear_window(pixels, rows, columns, corners, cut.flipped, canvas, *cut.place)
    return canvas


def _label(pixels: np.ndarray, cut: Cut, held: Window, frame: Frame) -> np.ndarray:
    corners = CORNERS[frame.scaling][1]
    canvas = _canvas(pixels, cut, held, frame, (corners, True))
    rows, columns = _axes(cut, held)
    pixels = np.ascontiguousarray(pixels)
    nearest_window(pixels, rows, columns, corners, cut.flipped, canvas, *cut.place)
    return canvas


def _canvas(
    pixels: np.ndarray, cut: Cut, held: Window, frame: Frame, read: tuple[str, bool]
) -> np.ndarray:
    """Return the crop, still of padding alone; ValueError for what cannot be.

    The native code believes every number that it is given.
    """
    shown = [end - begin for begin, end in zip(cut.begin, cut.end, strict=True)]
    axes = zip(cut.begin, cut.end, cut.target, cut.place, shown, frame.size, strict=True)
    good = pixels.shape[:2] == (held[2] - held[0], held[3] - held[1]) and all(
        0 <= begin < end <= target and 0 <= at <= side - size
        for begin, end, target, at, size, side in axes
    )
    needed = cut.needs(*read) if good else held
    good = good and all(have <= need for have, need in zip(held[:2], needed[:2], strict=True))
    good = good and all(have >= need for have, need in zip(held[2:], needed[2:], strict=True))
    if not good:
        raise ValueError(f"{cut} cannot be cut from pixels {pixels.shape} that hold {held}")
    shape = (*frame.size, *pixels.shape[2:])
    # The image mostly fills the crop, which then needs no padding.
    if tuple(shown) == frame.size:
        return np.empty(shape, np.uint8)
    return np.full(shape, frame.padding, np.uint8)


def _axes(cut: Cut, held: Window) -> list[Axis]:
    """Return the numbers of rows and columns as the native code takes them."""
    parts = zip(cut.source, cut.target, cut.begin, cut.end, held[:2], held[2:], strict=True)
    return [(*axis, first, last - first) for *axis, first, last in parts]


def _window(held: np.ndarray) -> Window:
    top, left, bottom, right = (int(side) for side in held)
    return top, left, bottom, right
