"""Reads image and label files, and refuses what training could not decode exactly.

Decoding is TensorFlow's, the decoder of the input pipeline: it refuses truncated files and wrong
checksums, where OpenCV returns the part that it could read. The PNG chunks are walked first,
because TensorFlow turns 16-bit, palette and transparent files silently into something else.
"""

import dataclasses
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from roadseg.errors import RoadsegError

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"
_GREY, _RGB, _PALETTE = 0, 2, 3


@dataclasses.dataclass(frozen=True)
class EncodedImage:
    """Bytes of an 8-bit RGB file that decodes, with its format ('png' or 'jpeg') and size."""

    encoded: bytes
    format: str
    height: int
    width: int


@dataclasses.dataclass(frozen=True)
class DecodedLabel:
    """A decoded label file: values uint8 (height, width), or (height, width, 3) if it has colours.

    plain: the file is an 8-bit grey PNG, whose bytes may be copied if the values stay.
    """

    encoded: bytes
    values: np.ndarray
    plain: bool


def read_image(path: Path) -> EncodedImage:
    """Return the image file; raise RoadsegError if it is not a whole 8-bit RGB PNG or JPEG."""
    encoded = _read(path)
    if encoded.startswith(PNG_SIGNATURE):
        depth, colour_type = check_png(encoded, path)
        if depth != 8 or colour_type != _RGB:
            raise RoadsegError(
                f"{path}: {depth}-bit PNG of colour type {colour_type}; images must be 8-bit RGB "
                "without palette or transparency: convert the file"
            )
        pixels, form = _decode(encoded, path), "png"
    elif encoded.startswith(JPEG_SIGNATURE):
        pixels, form = _decode(encoded, path), "jpeg"
    else:
        raise RoadsegError(f"{path}: neither PNG nor JPEG; convert the file")
    if pixels.shape[2] != 3:
        raise RoadsegError(f"{path}: {pixels.shape[2]} channels; images must be RGB: convert it")
    return EncodedImage(encoded, form, *pixels.shape[:2])


def read_label(path: Path) -> DecodedLabel:
    """Return the label file; raise RoadsegError if it is not a whole 8-bit PNG.

    Grey files give their values, palette files their indices, RGB(A) files their colours.
    """
    encoded = _read(path)
    if not encoded.startswith(PNG_SIGNATURE):
        raise RoadsegError(f"{path}: not a PNG; labels must be lossless: convert the original")
    depth, colour_type = check_png(encoded, path)
    if depth == 16:
        raise RoadsegError(f"{path}: 16-bit PNG; labels must be 8-bit: convert the file")
    if colour_type == _GREY and depth == 8:
        return DecodedLabel(encoded, _decode(encoded, path)[..., 0], plain=True)
    return DecodedLabel(encoded, _decode_unusual(encoded, path, colour_type), plain=False)


def check_png(encoded: bytes, path: Path) -> tuple[int, int]:
    """Return (bit depth, colour type) of a PNG whose chunks are whole up to the end mark.

    Raises RoadsegError for a truncated file, a wrong checksum or a broken header.
    """
    position, header = len(PNG_SIGNATURE), None
    while position + 12 <= len(encoded):
        length, kind = struct.unpack_from(">I4s", encoded, position)
        end = position + 12 + length
        if end > len(encoded):
            break
        body = memoryview(encoded)[position + 4 : end - 4]
        if zlib.crc32(body) != struct.unpack_from(">I", encoded, end - 4)[0]:
            raise RoadsegError(f"{path}: damaged PNG (checksum of {kind!r}); copy the file again")
        if kind == b"IHDR":
            header = encoded[position + 16], encoded[position + 17]
        if kind == b"IEND" and header is not None:
            return header
        position = end
    raise RoadsegError(
        f"{path}: truncated PNG ({len(encoded)} bytes, no end mark); copy the file again"
    )


def encode_label(values: np.ndarray) -> bytes:
    """Return uint8 (height, width) as an 8-bit grey PNG."""
    import cv2

    done, encoded = cv2.imencode(".png", values, [cv2.IMWRITE_PNG_COMPRESSION, 6])
    if not done:
        raise ValueError(f"no PNG of {values.dtype} {values.shape}")
    return encoded.tobytes()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RoadsegError(f"{path}: cannot be read ({error.strerror}); check the file") from None


def _decode(encoded: bytes, path: Path) -> np.ndarray:
    import tensorflow as tf

    try:
        with tf.device("CPU"):
            pixels: Any = tf.io.decode_image(encoded, channels=0, expand_animations=False)
        return pixels.numpy()
    except tf.errors.InvalidArgumentError:
        raise RoadsegError(
            f"{path}: truncated or damaged, it cannot be decoded; copy the file again"
        ) from None


def _decode_unusual(encoded: bytes, path: Path, colour_type: int) -> np.ndarray:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(encoded)) as picture:
            if colour_type == _PALETTE:
                return np.asarray(picture, np.uint8)
            if colour_type == _GREY:
                # Values of 1, 2 and 4 bits: Pillow scales none of them but the single bit.
                return np.asarray(
                    picture.convert("L") if picture.mode != "1" else picture, np.uint8
                )
            return np.asarray(picture.convert("RGB"), np.uint8)
    except (OSError, SyntaxError, ValueError) as error:
        raise RoadsegError(f"{path}: damaged PNG ({error}); copy the file again") from None
