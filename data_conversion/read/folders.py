"""Finds the shards of a split: in a tfds data set, or in a plain folder of `<split>-*` files."""

import dataclasses
import glob
import re
from pathlib import Path
from typing import Any

from roadseg.errors import RoadsegError
from roadseg.files import read_json

INFO_FILE = "dataset_info.json"
_TFDS_NAMES = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
_PLAIN = re.compile(r"(?P<split>\w+)-\d{5,}-of-\d{5,}(\.tfrecords?)?|(?P<other>\w+)-.+\.tfrecords?")
_DEPTH = 4


@dataclasses.dataclass(frozen=True)
class Shards:
    """Files of a split; `expected` is the number of examples that tfds noted, None if unknown."""

    folder: Path
    files: tuple[Path, ...]
    expected: int | None


def has_records(path: Path) -> bool:
    """Return whether records lie at or below a folder, of whatever split and schema."""
    return (path / INFO_FILE).is_file() or bool(_data_sets_below(path) or _plain_splits(path))


def find_shards(path: Path, split: str) -> Shards:
    """Return the files of `split` in the one data set at or below `path`.

    Raises RoadsegError if there is no data set, more than one, or no such split.
    """
    if not path.is_dir():
        raise RoadsegError(
            f"{path}: no such folder; write it with `roadseg convert ... --to {path}`"
        )
    folders = [path] if (path / INFO_FILE).is_file() else _data_sets_below(path)
    if len(folders) > 1:
        names = ", ".join(str(folder.relative_to(path)) for folder in folders)
        raise RoadsegError(f"{path}: several data sets ({names}); name one of these folders")
    if folders:
        return _tfds_shards(folders[0], split)
    files = sorted(file for file in path.glob(f"{glob.escape(split)}-*") if file.is_file())
    if not files:
        raise RoadsegError(_no_split(path, split, _plain_splits(path)))
    return Shards(path, tuple(files), None)


def _data_sets_below(path: Path) -> list[Path]:
    """Return the folders with a dataset_info.json, hidden ones (unfinished) left out."""
    found = []
    for depth in range(1, _DEPTH + 1):
        for info in path.glob("/".join(["*"] * depth) + f"/{INFO_FILE}"):
            parts = info.relative_to(path).parts
            if not any(part.startswith(".") or ".incomplete" in part for part in parts):
                found.append(info.parent)
    return sorted(found)


def _tfds_shards(folder: Path, split: str) -> Shards:
    info = _info(folder)
    try:
        splits = {str(entry["name"]): entry for entry in info.get("splits", ())}
        if split not in splits:
            raise RoadsegError(_no_split(folder, split, list(splits)))
        entry = splits[split]
        lengths = [_whole_number(length) for length in entry.get("shardLengths", ())]
        if info.get("fileFormat", "tfrecord") != "tfrecord":
            raise RoadsegError(
                f"{folder}: files are {info['fileFormat']}, not tfrecord; convert the data set "
                "again"
            )
        names = [_file_name(entry, info, split, i, len(lengths)) for i in range(len(lengths))]
        files = [folder / name for name in names]
        # A name with a slash would lead out of the folder.
        outside = [name for name in names if "/" in name or "\0" in name]
        if outside:
            raise ValueError(f"a shard called {outside[0]!r}")
    # It is a ValueError as well, and says already what is wrong.
    except RoadsegError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        raise RoadsegError(
            f"{folder / INFO_FILE}: not what tfds writes ({reason}); convert the data set again"
        ) from None
    for file in files:
        if not file.is_file():
            raise RoadsegError(f"{file}: shard is missing; copy it, or convert the data set again")
    return Shards(folder, tuple(files), sum(lengths))


def _file_name(entry: dict[str, Any], info: dict[str, Any], split: str, index: int, of: int) -> str:
    template = entry.get("filepathTemplate") or _TFDS_NAMES
    values = {
        "DATASET": info["name"],
        "SPLIT": split,
        "FILEFORMAT": "tfrecord",
        "SHARD_X_OF_Y": f"{index:05d}-of-{of:05d}",
        "SHARD_INDEX": f"{index:05d}",
        "NUM_SHARDS": f"{of:05d}",
    }
    return re.sub(r"\$?\{(\w+)\}", lambda match: values[match.group(1)], template)


def _info(folder: Path) -> dict[str, Any]:
    info = read_json(folder / INFO_FILE, "convert the data set again")
    if not isinstance(info, dict):
        raise RoadsegError(
            f"{folder / INFO_FILE}: not what tfds writes ({type(info).__name__}); convert the data "
            "set again"
        )
    return info


def _whole_number(value: Any) -> int:
    """Return a count as tfds writes it, a number or its digits; ValueError for any other."""
    # Eighteen digits fit into 64 bits.
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,18}", str(value)):
        raise ValueError(f"a shard of {value!r} records")
    return int(value)


def _plain_splits(path: Path) -> list[str]:
    matches = [_PLAIN.fullmatch(file.name) for file in path.iterdir() if file.is_file()]
    return sorted({m.group("split") or m.group("other") for m in matches if m is not None})


def _no_split(folder: Path, split: str, there: list[str]) -> str:
    if not there:
        return f"{folder}: no records here; write them with `roadseg convert ... --to {folder}`"
    both = split == "trainval" and {"train", "val"} <= set(there)
    hint = "; train+val reads both as one" if both else ""
    return f"{folder}: no split '{split}'; there are: {', '.join(there)}{hint}"
