"""Images and videos that `roadseg predict` is given: found, named apart from each other, read."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from roadseg.data_conversion.raw.find import IMAGE_ENDINGS, Search, left_out_line
from roadseg.data_conversion.raw.pictures import read_picture
from roadseg.errors import RoadsegError

__all__ = ["Source", "find_sources", "found_sources", "read_picture"]

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


def find_sources(
    given: Sequence[Path], outputs: Path, search: Search | None = None
) -> list[Source]:
    """Return the images and videos among `given`, folders searched to the bottom, sorted by path.

    Results keep the sub-folder of their source. Where two sources would share a name (a.png and
    a.jpg), both keep their ending in it. Files below `outputs` are results of an earlier call and
    are left out; what else is passed over is in `search.left_out`.
    Raises RoadsegError for what is absent, and if nothing is left.
    """
    search = search or Search()
    found: list[tuple[Path, Path]] = []
    for path in given:
        if path.is_dir():
            if path.resolve() == outputs.resolve():
                raise RoadsegError(
                    f"{path}: results would lie among their sources; choose another --to"
                )
            found += [(file, file.relative_to(path)) for file in _files(path, outputs, search)]
        elif path.is_file():
            if path.suffix.lower() not in IMAGE_ENDINGS | VIDEO_ENDINGS:
                endings = " ".join(sorted(IMAGE_ENDINGS | VIDEO_ENDINGS))
                raise RoadsegError(
                    f"{path}: neither image nor video by its ending; there are {endings}"
                )
            found.append((path, Path(path.name)))
        else:
            what = "no regular file" if path.exists() else "no such file or folder"
            raise RoadsegError(f"{path}: {what}; check the path")
    if not found:
        places = ", ".join(map(str, given))
        raise RoadsegError(f"{places}: no image and no video in it; name others")
    return [Source(path, name) for (path, _), name in zip(found, _names(found), strict=True)]


def found_sources(given: Sequence[Path], outputs: Path, strict: bool = False) -> list[Source]:
    """Return what `find_sources` does, and print what is passed over, in one line.

    strict: refuse it instead, by RoadsegError.
    """
    search = Search()
    sources = find_sources(given, outputs, search)
    if search.left_out:
        line = left_out_line(search.left_out, given[0] if len(given) == 1 else Path())
        if strict:
            raise RoadsegError(f"{given[0]}: {line}; mend this, or leave --strict out")
        print(line, flush=True)
    return sources


def _files(folder: Path, outputs: Path, search: Search) -> Iterator[Path]:
    results = outputs.resolve()
    for path in search.files(folder, IMAGE_ENDINGS | VIDEO_ENDINGS):
        if results not in path.resolve().parents:
            yield path
    for path in [path for path in search.left_out if results in path.resolve().parents]:
        # Results of an earlier call are no sources that were passed over.
        del search.left_out[path]


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
