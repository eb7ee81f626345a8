"""The one reader of pictures: any file that a camera or a painter saves, to upright 8-bit RGB.

What happens to a picture follows from the type of its file, never from its pixels: 16 bits give
their upper byte, grey, palette and CMYK become RGB, transparency is dropped, and the EXIF
orientation is applied. Float and 32-bit files hold no range of their own: one has to be given.
Limits are checked on the header, before a pixel is decoded. `docs/guides/data_sets.md` has the
table.
"""

import dataclasses
import io
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from roadseg.data_conversion.raw.png_chunks import PNG_SIGNATURE, check_png
from roadseg.errors import RoadsegError

if TYPE_CHECKING:
    from PIL import Image

# Formats of Pillow that only decode; others run programs (EPS) or are no photographs.
_FORMATS = ("PNG", "JPEG", "BMP", "DIB", "PPM", "WEBP", "TIFF", "GIF", "JPEG2000", "AVIF")
_ORIENTATION = 0x0112
# Tags of a TIFF: bits of a sample, what 0 means (0: white), and whether samples have a sign.
_BITS, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339
_DEEP_PPM = re.compile(rb"P[36](?:\s+|#[^\n]*\n)+\d+(?:\s+|#[^\n]*\n)+\d+(?:\s+|#[^\n]*\n)+(\d+)\s")
LARGEST_MEGAPIXELS = 178.0
"""Pillow opens no larger picture."""


@dataclasses.dataclass(frozen=True)
class PictureRules:
    """What readers of pictures are told.

    max_megapixels: larger pictures are refused by their header.
    float_range: values that become black and white in float and 32-bit files; None refuses these.
    """

    max_megapixels: float = 100.0
    float_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Raise RoadsegError for a limit or a range that is none."""
        if not 0 < self.max_megapixels <= LARGEST_MEGAPIXELS:
            raise RoadsegError(
                f"--max-megapixels {self.max_megapixels:g}: wanted above 0, at most "
                f"{LARGEST_MEGAPIXELS:g}; cut larger pictures into tiles"
            )
        if self.float_range is not None:
            low, high = self.float_range
            if not (np.isfinite([low, high]).all() and low < high):
                raise RoadsegError(
                    f"--float-range {low:g} {high:g}: wanted two numbers, the value of black "
                    "below that of white; 0 1, for example"
                )

    def check_size(self, height: int, width: int, path: Path | str) -> None:
        """Raise RoadsegError for a picture of more pixels than the limit."""
        if height * width > self.max_megapixels * 1e6:
            raise RoadsegError(
                f"{path}: {height}x{width} are {height * width / 1e6:,.0f} megapixels; cut it "
                f"into tiles, or raise --max-megapixels (now {self.max_megapixels:g})"
            )


USUAL = PictureRules()


def read_file(path: Path) -> bytes:
    """Return the bytes of a regular file; RoadsegError for any other, and for one out of reach."""
    if path.exists() and not path.is_file():
        raise RoadsegError(f"{path}: no regular file; leave it out")
    try:
        return path.read_bytes()
    except OSError as error:
        raise RoadsegError(f"{path}: cannot be read ({error.strerror}); check the file") from None


def read_picture(path: Path, rules: PictureRules = USUAL) -> np.ndarray:
    """Return the picture as RGB uint8 (height, width, 3), upright.

    Raises RoadsegError for a file that is absent, damaged, ends too early, is too large, or whose
    values say nothing about black and white: what is left of it is never labelled.
    """
    return decode_picture(read_file(path), path, rules)


def decode_picture(encoded: bytes, path: Path, rules: PictureRules = USUAL) -> np.ndarray:
    """Return the picture in the bytes of a file, as `read_picture` does; `path` is for messages."""
    if encoded.startswith(PNG_SIGNATURE):
        try:
            check_png(encoded, "png")
        except RoadsegError as error:
            reason = str(error).removeprefix("png: ").partition(";")[0]
            raise RoadsegError(
                f"{path}: not a whole image ({reason}); copy it again, or skip it"
            ) from None
    with _opened(encoded, path, rules) as picture:
        depth = _depth(picture)
        if depth == "signed 8-bit":
            raise ValueError("samples with a sign; save it with samples from 0 to 255")
        if depth in ("float", "32-bit") and rules.float_range is None:
            raise RoadsegError(
                f"{path}: {depth} pixels, whose black and white no file says; give them with "
                "--float-range LOW HIGH (0 1, or 0 255), or save 8 or 16 bits"
            )
        pixels = _pixels(picture, depth, encoded, rules)
        return np.ascontiguousarray(turned(pixels, orientation(picture)))


def plain_form(encoded: bytes, path: Path, rules: PictureRules = USUAL) -> str | None:
    """Return 'png' or 'jpeg' of a file whose bytes every reader decodes to the same picture.

    That is 8-bit RGB without transparency and upright; None: it has to be stored anew.
    Raises RoadsegError for what is damaged at sight, or too large.
    """
    described = False
    if encoded.startswith(PNG_SIGNATURE):
        header = check_png(encoded, path)
        if header.form != "8-bit RGB" or header.transparent:
            return None
        described = header.described
    with _opened(encoded, path, rules) as picture:
        form = {"PNG": "png", "JPEG": "jpeg", "MPO": "jpeg"}.get(str(picture.format))
        if described:
            picture.load()  # the entry may stand behind the pixels
        plain = picture.mode == "RGB" and orientation(picture) == 1
    return form if plain else None


def orientation(picture: "Image.Image") -> int:
    """Return the EXIF orientation of an open picture, 1 to 8; 1 where it has none that is known."""
    try:
        number = picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # Whatever EXIF data can be wrong with: viewers show the picture as it is.
        return 1
    return number if isinstance(number, int) and 1 <= number <= 8 else 1


def turned(pixels: np.ndarray, number: int) -> np.ndarray:
    """Return stored pixels (height, width, ...) as they are seen, by their EXIF orientation."""
    if number >= 5:
        pixels = pixels.swapaxes(0, 1)
    # Which of rows and columns run backwards then.
    rows, columns = number in (3, 4, 7, 8), number in (2, 3, 6, 7)
    return pixels[:: -1 if rows else 1, :: -1 if columns else 1]


class _opened:
    """A picture whose header was read and is within the limits; every error is one line."""

    def __init__(self, encoded: bytes, path: Path, rules: PictureRules) -> None:
        self._encoded, self._path, self._rules = encoded, path, rules

    def __enter__(self) -> "Image.Image":
        from PIL import Image

        self._warnings = warnings.catch_warnings(action="ignore")
        self._warnings.__enter__()
        try:
            self._picture = Image.open(io.BytesIO(self._encoded), formats=_FORMATS)
            self._rules.check_size(self._picture.height, self._picture.width, self._path)
            count = getattr(self._picture, "n_frames", 1)
            if count > 1 and self._picture.format != "MPO":
                raise RoadsegError(
                    f"{self._path}: {count} pictures in one file; save the one that is meant"
                )
            return self._picture
        except BaseException as error:
            self._warnings.__exit__(None, None, None)
            raise self._refusal(error) from None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._warnings.__exit__(None, None, None)
        self._picture.close()
        if error is not None:
            raise self._refusal(error) from None

    def _refusal(self, error: BaseException) -> BaseException:
        from PIL import Image, UnidentifiedImageError

        if isinstance(error, RoadsegError) or not isinstance(error, Exception):
            return error
        if isinstance(error, Image.DecompressionBombError):
            return RoadsegError(
                f"{self._path}: more than {LARGEST_MEGAPIXELS:g} megapixels; cut it into tiles"
            )
        if isinstance(error, UnidentifiedImageError):
            return RoadsegError(
                f"{self._path}: not a whole image (of no form that is read); save it as PNG or JPEG"
            )
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        return RoadsegError(
            f"{self._path}: not a whole image ({reason}); truncated or damaged, copy it again"
        )


def _depth(picture: "Image.Image") -> str:
    """Return '8-bit', '12-bit', '16-bit', '32-bit', 'float', 'signed 8-bit': by the file's type."""
    tags = getattr(picture, "tag_v2", {}) if picture.format == "TIFF" else {}
    if picture.mode.startswith("F"):
        return "float"
    signed = any(number != 1 for number in _numbers(tags.get(_SAMPLE_FORMAT, 1)))
    if not picture.mode.startswith("I"):
        return "signed 8-bit" if signed else "8-bit"
    bits = tags.get(_BITS, (32 if tags else 16,))
    bits = bits[0] if isinstance(bits, tuple) else bits
    if signed or bits not in (12, 16):
        return "32-bit"
    return f"{bits}-bit"


def _numbers(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)


def _pixels(picture: "Image.Image", depth: str, encoded: bytes, rules: PictureRules) -> np.ndarray:
    """Return RGB uint8 (height, width, 3) as stored; loads the picture."""
    if depth == "8-bit":
        deep = _DEEP_PPM.match(encoded) if picture.format == "PPM" else None
        if deep and int(deep[1]) > 255:
            return _deep_ppm(encoded, int(deep[1]))
        picture.load()
        return np.asarray(picture.convert("RGB"))
    picture.load()
    values = np.asarray(picture)
    if depth in ("12-bit", "16-bit"):
        values = np.asarray(values, np.uint16)
        tags = getattr(picture, "tag_v2", {})
        if picture.format == "TIFF" and tags.get(_PHOTOMETRIC) == 0:
            values = (4095 if depth == "12-bit" else 65535) - values
        grey = (values >> (4 if depth == "12-bit" else 8)).astype(np.uint8)
    else:
        assert rules.float_range is not None
        low, high = rules.float_range
        values = values.astype(np.float64)
        if not np.isfinite(values).all():
            raise ValueError("pixels that are no numbers")
        grey = np.round((values - low) / (high - low) * 255).clip(0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _deep_ppm(encoded: bytes, maximum: int) -> np.ndarray:
    """Return the upper bytes of a colour PPM of 16 bits, which Pillow would round instead."""
    import cv2

    pixels = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16:
        raise ValueError(f"a PPM of {maximum} levels that cannot be decoded")
    wide = pixels[..., ::-1].astype(np.uint32) * 65535 // maximum
    return (wide >> 8).clip(max=255).astype(np.uint8)
