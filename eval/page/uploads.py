"""What visitors send: pictures and beginnings of videos, told by their bytes, within the limits."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from roadseg.data_conversion.raw.pictures import decode_picture, read_file
from roadseg.errors import RoadsegError
from roadseg.eval.page.limits import Limits
from roadseg.eval.predict.sources import VIDEO_ENDINGS
from roadseg.eval.predict.video import VideoSource
from roadseg.files import printable

_HEAD = 32  # bytes that tell videos
# Brands of files that begin as an MP4 and hold a picture.
_PICTURE_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"hevc", b"mif1", b"msf1", b"jp2 ")
_FASTEST_HZ = 120.0  # headers may claim any rate, and so any number of frames a second
_NAME = 80


@dataclass(frozen=True)
class Frame:
    """One picture, as it is labelled.

    image: (height, width, 3) uint8 RGB. stored: its (height, width) before it was shrunk.
    second: where in its video; 0 of a picture.
    """

    image: np.ndarray
    stored: tuple[int, int]
    second: float = 0.0


def plain_name(name: str) -> str:
    """Return what an upload is called in messages: its last part, cut where it is too long."""
    last = printable(" ".join(name.replace("\\", "/").rpartition("/")[2].split()))
    return last[:_NAME] or "upload"


def is_video(head: bytes) -> bool:
    """Return whether a file that begins so is a video of a kind that is taken.

    These hold their pictures themselves: of the other kinds that FFmpeg knows, some name files and
    addresses from which it would fetch them.
    """
    if head[4:8] == b"ftyp":
        return not head[8:12].startswith(_PICTURE_BRANDS)
    matroska = head.startswith(b"\x1a\x45\xdf\xa3")  # WebM, too
    return matroska or (head.startswith(b"RIFF") and head[8:12] == b"AVI ")


def frames(path: Path, name: str, limits: Limits) -> tuple[Iterator[Frame], int]:
    """Return the pictures of an upload to label, one after the other, and how many at most.

    path: where it lies. name: what messages call it.
    Raises RoadsegError, here or while they are read, for files of other kinds, damaged ones, and
    those beyond the limits.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise RoadsegError(f"{name}: an empty file; choose another")
    if is_video(head):
        return _of_video(path, name, limits)
    if Path(name).suffix.lower() in VIDEO_ENDINGS:
        raise RoadsegError(
            f"{name}: neither MP4, WebM, Matroska nor AVI by its first bytes; convert it to mp4"
        )
    image = decode_picture(read_file(path), Path(name), limits.rules())
    return iter([_shrunk(image, limits)]), 1


def _of_video(path: Path, name: str, limits: Limits) -> tuple[Iterator[Frame], int]:
    try:
        source = VideoSource(path)
    except RoadsegError as error:
        raise RoadsegError(str(error).replace(str(path), name)) from None
    try:
        limits.rules().check_size(source.height, source.width, name)
    except RoadsegError:
        source.close()
        raise
    longest = math.ceil(limits.max_seconds * min(source.rate_hz, _FASTEST_HZ))
    length = min(longest, source.frames or longest)
    step = math.ceil(length / limits.max_frames)
    return _every(source, step, length, name, limits), math.ceil(length / step)


def _every(
    source: VideoSource, step: int, length: int, name: str, limits: Limits
) -> Iterator[Frame]:
    """Yield each `step`th frame of the first `length`, and close the video."""
    found = False
    try:
        for number, image in zip(range(length), source.pictures(), strict=False):
            if number % step == 0:
                found = True
                yield _shrunk(image, limits, number / source.rate_hz)
    finally:
        source.close()
    if not found:
        raise RoadsegError(f"{name}: no frame can be read; is the file whole?")


def _shrunk(image: np.ndarray, limits: Limits, second: float = 0.0) -> Frame:
    import cv2

    height, width = image.shape[:2]
    factor = math.sqrt(limits.shrink_megapixels * 1e6 / (height * width))
    if factor < 1:
        size = max(1, round(width * factor)), max(1, round(height * factor))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return Frame(image, (height, width), second)
