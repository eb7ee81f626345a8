"""Images and videos that `roadseg predict` is given: found, named apart from each other, read."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from roadseg.errors import RoadsegError

IMAGE_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".webp", ".tif", ".tiff"})
VIDEO_ENDINGS = frozenset({".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg"})


@dataclass(frozen=True)
class Source:
    """One file to label. `name` is what its results are called: a path without an ending."""

    path: Path
    name: Path

    @property
    def is_video(self) -> bool:
        """Whether the ending says that this is a video."""
        return self.path.suffix.lower() in VIDEO_ENDINGS


def find_sources(given: Sequence[Path], outputs: Path) -> list[Source]:
    """Return the images and videos among `given`, folders searched to the bottom, sorted by path.

    Results keep the sub-folder of their source. Where two sources would share a name (a.png and
    a.jpg), both keep their ending in it. Files below `outputs` are results of an earlier call and
    are left out. Raises RoadsegError for what is absent, and if nothing is left.
    """
    found: list[tuple[Path, Path]] = []
    for path in given:
        if path.is_dir():
            if path.resolve() == outputs.resolve():
                raise RoadsegError(
                    f"{path}: results would lie among their sources; choose another --to"
                )
            found += [(file, file.relative_to(path)) for file in _files(path, outputs)]
        elif path.is_file():
            if path.suffix.lower() not in IMAGE_ENDINGS | VIDEO_ENDINGS:
                endings = " ".join(sorted(IMAGE_ENDINGS | VIDEO_ENDINGS))
                raise RoadsegError(f"{path}: neither image nor video by its ending ({endings})")
            found.append((path, Path(path.name)))
        else:
            raise RoadsegError(f"{path}: no such file or folder; check --images")
    if not found:
        places = ", ".join(map(str, given))
        raise RoadsegError(f"{places}: no image and no video in it; check --images")
    return [Source(path, name) for (path, _), name in zip(found, _names(found), strict=True)]


def _files(folder: Path, outputs: Path) -> Iterator[Path]:
    results = outputs.resolve()
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        known = path.suffix.lower() in IMAGE_ENDINGS | VIDEO_ENDINGS
        if known and not hidden and path.is_file() and results not in path.resolve().parents:
            yield path


def _names(found: Sequence[tuple[Path, Path]]) -> list[Path]:
    """Return a name for each (path, relative path), different even where case is ignored."""
    short = [relative.with_suffix("") for _, relative in found]
    uses = Counter(str(name).casefold() for name in short)
    names = [
        relative if uses[str(name).casefold()] > 1 else name
        for name, (_, relative) in zip(short, found, strict=True)
    ]
    taken: set[str] = set()
    for index, name in enumerate(names):
        number = 2
        while str(names[index]).casefold() in taken:
            names[index] = name.with_name(f"{name.name}-{number}")
            number += 1
        taken.add(str(names[index]).casefold())
    return names


def read_picture(path: Path) -> np.ndarray:
    """Return the image as RGB uint8 (height, width, 3), turned as its EXIF entry asks.

    Grey, palette and 16-bit images become RGB, transparency is dropped. Raises RoadsegError for a
    file that is unreadable or ends too early: what is left of it is never labelled.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as picture:
            picture.load()
            upright = ImageOps.exif_transpose(picture)
            if upright.mode.startswith(("I", "F")):
                values = np.asarray(upright, np.float64)
                grey = (values / 256 if values.max(initial=0) > 255 else values).clip(0, 255)
                return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)
            return np.asarray(upright.convert("RGB"))
    except Image.DecompressionBombError as error:
        raise RoadsegError(f"{path}: too large ({error}); cut it into tiles") from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError) as error:
        reason = " ".join(str(error).replace(f" '{path}'", "").split())
        raise RoadsegError(
            f"{path}: not a whole image ({reason}); copy it again, or skip it with --keep-going"
        ) from None
