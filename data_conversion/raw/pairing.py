"""Images beside their labels, by name: no image goes without one, and no label is passed over."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from roadseg.data_conversion.raw.find import Search, listed
from roadseg.data_conversion.raw.source import existing_label
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
    where nothing is `expected`; otherwise that gives the path at which a label would lie.
    Raises RoadsegError naming every image that lacks its label, and two labels of one key.
    """
    by_key: dict[str, Path] = {}
    for path in labels:
        other = by_key.setdefault(label_key(path), path)
        if other is not path:
            raise RoadsegError(f"{path}: {other} has the same name; remove one of them")
    keys = {image: image_key(image) for image in images}
    wanted = set(keys.values())
    search.leave_out((p for key, p in by_key.items() if key not in wanted), NO_PICTURE)
    lonely = [image for image in images if keys[image] not in by_key]
    if expected is None:
        search.leave_out(lonely, NO_LABEL)
    elif lonely:
        _refuse(lonely, expected)
    return [(image, by_key[keys[image]]) for image in images if keys[image] in by_key]


def below(folder: Path, end: str = "") -> Key:
    """Return what names a file of `folder`: its path from there, without ending and `end`."""

    def key(path: Path) -> str:
        inside = path.relative_to(folder)
        return inside.with_name(path.stem.removesuffix(end)).as_posix()

    return key


def _refuse(lonely: Sequence[Path], expected: Callable[[Path], Path]) -> None:
    first = expected(lonely[0])
    if len(lonely) == 1:
        existing_label(lonely[0], first)
    folder = lonely[0].parent
    raise RoadsegError(
        f"{folder}: {len(lonely)} images without label ({listed(lonely, folder)}), {first} and so "
        "on are missing; add them or remove the images"
    )
