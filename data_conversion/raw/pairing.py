"""Images beside their labels, by name: no image goes without one, and no label is passed over."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from roadseg.data_conversion.raw.faults import common_folder, refuse_all
from roadseg.data_conversion.raw.find import Search
from roadseg.errors import RoadsegError

Key = Callable[[Path], str]
NO_PICTURE = "label without picture"
NO_LABEL = "picture without label"


def pair_up(
    search: Search,
    images: Sequence[Path],
    labels: Iterable[Path],
    image_key: Key,
    label_key: Key,
    expected: Callable[[Path], Path] | None = None,
) -> list[tuple[Path, Path]]:
    """Return (image, label) of one key each, in the order of `images`.

    Labels that no image has are left out of `search`'s files, and so are images without label
    where nothing is `expected`; otherwise that gives the path at which a label would lie, and
    `search.finish()` refuses the images of all the folders that were paired.
    Raises RoadsegError for two labels of one key.
    """
    by_key = keyed(labels, label_key)
    keys = {image: image_key(image) for image in images}
    wanted = set(keys.values())
    search.leave_out((p for key, p in by_key.items() if key not in wanted), NO_PICTURE)
    lonely = [image for image in images if keys[image] not in by_key]
    if expected is None:
        search.leave_out(lonely, NO_LABEL)
    else:
        search.without_label.update((image, expected(image)) for image in lonely)
    return [(image, by_key[keys[image]]) for image in images if keys[image] in by_key]


def keyed(paths: Iterable[Path], key: Key) -> dict[str, Path]:
    """Return files by their keys; RoadsegError naming all that share one (a.png and a.PNG do)."""
    found: dict[str, Path] = {}
    faults: list[RoadsegError] = []
    for path in paths:
        other = found.setdefault(key(path), path)
        if other is not path:
            faults.append(RoadsegError(f"{path}: {other} has the same name; remove one of them"))
    if faults:
        refuse_all(common_folder(list(found.values())), faults)
    return found


def leave_out_unlabelled(search: Search, folders: Iterable[Path], end: str = "") -> None:
    """Leave out the pictures of folders for which no labels are there at all."""
    for folder in folders:
        if folder.is_dir():
            search.leave_out(search.images(folder, end), NO_LABEL)


def below(folder: Path, end: str = "") -> Key:
    """Return what names a file of `folder`: its path from there, without ending and `end`."""

    def key(path: Path) -> str:
        inside = path.relative_to(folder)
        return inside.with_name(path.stem.removesuffix(end)).as_posix()

    return key
