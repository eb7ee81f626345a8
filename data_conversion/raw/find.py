"""The one finder of files: one walk for every data set and for `roadseg predict`.

Endings count in any case, links are followed (to a folder once), and what operating systems leave
behind (`._NAME`, .DS_Store, Thumbs.db, hidden files) is nobody's. Whatever else lies in a folder
that is searched is either taken or remembered as left out, so that it can be named.
"""

import dataclasses
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from roadseg.data_conversion.raw.faults import common_folder
from roadseg.errors import RoadsegError

IMAGE_ENDINGS = frozenset(
    (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".webp", ".tif", ".tiff", ".gif")
    + (".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".avif")
)
"""What `raw.pictures` reads; a file of another form under such a name is refused there."""
LABEL_ENDINGS = frozenset((".png",))
_NOBODYS = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "@eadir", "__macosx"}
_NAMED = 20


def is_nobodys(path: Path) -> bool:
    """Return whether a file or folder is hidden, or left behind by an operating system."""
    name = path.name.lower()
    return name.startswith(".") or name in _NOBODYS


def walk(folder: Path) -> Iterator[Path]:
    """Yield everything below `folder` that is no folder and not nobody's, sorted by path.

    Links are followed; one that leads back to a folder above itself is given as it is. Raises
    RoadsegError for a folder that cannot be listed.
    """
    return iter(sorted(_walk(folder, frozenset())))


def _walk(folder: Path, above: frozenset[tuple[int, int]]) -> Iterator[Path]:
    try:
        status = folder.stat()
        names = os.listdir(folder)
    except OSError as error:
        raise RoadsegError(
            f"{folder}: cannot be listed ({error.strerror}); check its rights"
        ) from None
    place = status.st_dev, status.st_ino
    if place in above:
        yield folder
        return
    for name in sorted(names):
        path = folder / name
        if is_nobodys(path):
            continue
        if path.is_dir():
            yield from _walk(path, above | {place})
        else:
            yield path


@dataclasses.dataclass
class Search:
    """The search for the files of one data set: what it passes over is in `left_out`.

    left_out: paths, each with the reason in a few words.
    without_label: pictures that may not be left out, each with the label file that it lacks.
    """

    left_out: dict[Path, str] = dataclasses.field(default_factory=dict)
    without_label: dict[Path, Path] = dataclasses.field(default_factory=dict)

    def images(self, folder: Path, end: str = "", deep: bool = True) -> list[Path]:
        """Return the pictures below `folder` whose name before the ending ends with `end`.

        deep: take those of folders below it too; otherwise they are left out.
        """
        return self.files(folder, IMAGE_ENDINGS, end, deep)

    def labels(self, folder: Path, end: str = "", deep: bool = True) -> list[Path]:
        """Return the label files below `folder`, as `images` does."""
        return self.files(folder, LABEL_ENDINGS, end, deep)

    def files(
        self,
        folder: Path,
        endings: Collection[str],
        end: str = "",
        deep: bool = True,
        companion: Callable[[Path], bool] | None = None,
    ) -> list[Path]:
        """Return the regular files below `folder` of these endings, sorted by path.

        companion: which of the others belong to the data set all the same, and are not named.
        """
        taken = []
        for path in walk(folder):
            if not path.is_file():
                self.left_out[path] = "no regular file"
            elif not (path.suffix.lower() in endings and path.stem.endswith(end)):
                if companion is None or not companion(path):
                    self.left_out[path] = "not taken by its name"
            elif not deep and path.parent != folder:
                self.left_out[path] = "in a folder below"
            else:
                taken.append(path)
        return taken

    def leave_out(self, paths: Iterable[Path], reason: str) -> None:
        """Remember `paths` as left out."""
        self.left_out.update(dict.fromkeys(paths, reason))

    def finish(self) -> dict[Path, str]:
        """Return what was left out; RoadsegError naming every picture that lacks its label."""
        pictures = sorted(self.without_label)
        if not pictures:
            return self.left_out
        first = self.without_label[pictures[0]]
        if len(pictures) == 1:
            raise RoadsegError(
                f"{pictures[0]}: image without label, {first} is missing; add it or remove both"
            )
        folder = common_folder(pictures)
        raise RoadsegError(
            f"{folder}: {len(pictures)} images without label ({listed(pictures, folder)}), {first} "
            "and so on are missing; add them or remove the images"
        )


def left_out_line(left_out: dict[Path, str], root: Path) -> str:
    """Return one line that counts what was left out and names the first 20, by their reason."""
    groups: dict[str, list[Path]] = {}
    for path, reason in sorted(left_out.items()):
        groups.setdefault(reason, []).append(path)
    parts = [f"{reason}: {listed(paths, root)}" for reason, paths in groups.items()]
    files = "1 file" if len(left_out) == 1 else f"{len(left_out)} files"
    return f"left out: {files} ({'; '.join(parts)})"


def listed(paths: Iterable[Path], root: Path) -> str:
    """Return the first 20 of `paths`, as seen from `root`, and how many more there are."""
    names = [_from(path, root) for path in paths]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _from(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
