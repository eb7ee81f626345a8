"""Reads image and label files for records, and refuses what training could not decode exactly.

The bytes of 8-bit RGB files that are upright are kept, after TensorFlow, the decoder of the input
pipeline, has decoded them: it refuses truncated files, where OpenCV returns the part that it could
read. Every other picture is read as `roadseg predict` reads it and stored as PNG.
"""

import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np

from roadseg.data_conversion.raw.pictures import (
    USUAL,
    PictureRules,
    decode_picture,
    plain_form,
    read_file,
)
from roadseg.data_conversion.raw.png_chunks import (
    GREY,
    PALETTE,
    PNG_SIGNATURE,
    PngHeader,
    check_png,
)
from roadseg.errors import RoadsegError


@dataclasses.dataclass(frozen=True)
class EncodedImage:
    """Bytes of an upright 8-bit RGB file that decodes, with its format and size.

    format: 'png' or 'jpeg'. stored_anew: the bytes are not those of the file.
    """

    encoded: bytes
    format: str
    height: int
    width: int
    stored_anew: bool = False


@dataclasses.dataclass(frozen=True)
class DecodedLabel:
    """A decoded label file: values (height, width), or uint8 (height, width, 3) if it has colours.

    Values are uint8, or uint16 where the file has 16 bits.
    plain: the file is an 8-bit grey PNG, whose bytes may be copied if the values stay.
    """

    encoded: bytes
    values: np.ndarray
    plain: bool


def read_image(path: Path, rules: PictureRules = USUAL) -> EncodedImage:
    """Return the image file for a record; raise RoadsegError as `read_picture` does."""
    encoded = read_file(path)
    form = plain_form(encoded, path, rules)
    if form is None:
        pixels = decode_picture(encoded, path, rules)
        height, width = pixels.shape[:2]
        return EncodedImage(encode_png(pixels), "png", height, width, stored_anew=True)
    return EncodedImage(encoded, form, *_decode(encoded, path).shape[:2])


def read_label(path: Path, rules: PictureRules = USUAL) -> DecodedLabel:
    """Return the label file; raise RoadsegError if it is no whole PNG, too large, or a film.

    Grey files give their samples, of however many bits, unscaled; palette files their indices;
    RGB files of 8 bits, with or without alpha, their colours. What has 16 bits and more channels
    than one is refused: its lower bytes would go.
    """
    encoded = read_file(path)
    if not encoded.startswith(PNG_SIGNATURE):
        raise RoadsegError(f"{path}: not a PNG; labels must be lossless: convert the original")
    header = check_png(encoded, path)
    rules.check_size(header.height, header.width, path)
    if header.pictures > 1:
        raise RoadsegError(f"{path}: {header.pictures} pictures in one label; save the one meant")
    if header.depth == 16 and header.colour_type != GREY:
        raise RoadsegError(f"{path}: {header.form}; save labels as 16-bit grey, or in 8 bits")
    if header.colour_type == GREY and header.depth == 8:
        return DecodedLabel(encoded, _decode(encoded, path)[..., 0], plain=True)
    return DecodedLabel(encoded, _decode_unusual(encoded, path, header), plain=False)


def encode_label(values: np.ndarray) -> bytes:
    """Return uint8 (height, width) as an 8-bit grey PNG."""
    return encode_png(values)


def encode_png(pixels: np.ndarray) -> bytes:
    """Return uint8 (height, width), or RGB (height, width, 3), as PNG."""
    import cv2

    ordered = pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels[..., ::-1])
    done, encoded = cv2.imencode(".png", ordered, [cv2.IMWRITE_PNG_COMPRESSION, 6])
    if not done:
        raise ValueError(f"no PNG of {pixels.dtype} {pixels.shape}")
    return encoded.tobytes()


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


def _decode_unusual(encoded: bytes, path: Path, header: PngHeader) -> np.ndarray:
    """Return the values of a label that is not 8-bit grey, by Pillow."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(encoded), formats=("PNG",)) as picture:
            if header.colour_type == PALETTE:
                return np.asarray(picture, np.uint8)
            if header.colour_type == GREY and header.depth == 16:
                return np.asarray(picture).astype(np.uint16)
            if header.colour_type == GREY:
                # Pillow spreads samples of few bits over 0..255; a single bit becomes a truth.
                shades = np.asarray(picture.convert("L"), np.uint8)
                return shades // (255 // ((1 << header.depth) - 1))
            if header.colour_type == 4:  # grey with alpha
                return np.asarray(picture.convert("LA"), np.uint8)[..., 0]
            return np.asarray(picture.convert("RGB"), np.uint8)
    except Exception as error:  # Pillow has no one exception for damaged files.
        raise RoadsegError(f"{path}: damaged PNG ({error}); copy the file again") from None
