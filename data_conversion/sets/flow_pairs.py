"""Pairs of frames with their optical flow, from lists as Semantics Sharing reads them.

Lines are `first,second,flow.flo`, relative to the folder of the data; train.txt and test.txt there
are the published lists. Lines without the third column make pairs whose flow is learned without
one. Source: zhenzhenxiang/SemanticsSharing 9fc1fde; the form of the lists only.
"""

from dataclasses import replace
from pathlib import Path

from roadseg import label_tables
from roadseg.data_conversion.raw.faults import kept, refuse_all
from roadseg.data_conversion.raw.list_files import existing_file, numbered, rows_of, split_names
from roadseg.data_conversion.raw.source import Pair, Source, TwoCameras, existing_folder
from roadseg.errors import RoadsegError

LISTS = ("train.txt", "test.txt")
_FORM = "'first,second,flow.flo' or 'first,second'"


def flow_source(root: Path, lists: tuple[Path, ...] = (), names: tuple[str, ...] = ()) -> Source:
    """Return the pairs that lists name, one split for each list.

    lists: by default train.txt and test.txt of `root`, those that are there.
    names: of the splits; by default those of the lists.
    Raises RoadsegError for a line at fault, with its number, for a missing file, and where some
    lines have a flow and some have none.
    """
    existing_folder(root, "--source is the folder that the paths of a list are relative to")
    lists = lists or tuple(root / name for name in LISTS if (root / name).is_file())
    if not lists:
        raise RoadsegError(f"{root}: neither {' nor '.join(LISTS)}; name a list with --list")
    found: dict[str, tuple[Pair, ...]] = {
        split: _pairs(path, root)
        for split, path in zip(split_names(lists, names), lists, strict=True)
    }
    flows = {getattr(pair, "flow", None) is None for pairs in found.values() for pair in pairs}
    if len(flows) > 1:
        raise RoadsegError(
            f"{', '.join(str(path) for path in lists)}: some lines have a flow and some have none; "
            "convert them apart, to folders of their own"
        )
    return Source("flow_pairs", label_tables.get("dual_camera"), found)


def _pairs(path: Path, root: Path) -> tuple[TwoCameras, ...]:
    pairs = []
    faults: list[RoadsegError] = []
    for where, words in rows_of(path, root, (2, 3), _FORM, faults):
        with kept(faults):
            if len(words) == 1:
                raise RoadsegError(f"{where}: 1 columns; wanted {_FORM}")
            files = [existing_file(where, root, word) for word in words]
            first, second = (
                Pair(_name(word), file, None)
                for word, file in zip(words[:2], files[:2], strict=True)
            )
            flow = files[2] if len(files) == 3 else None
            pairs.append(TwoCameras(first.name, first.image, None, second=second, flow=flow))
    refuse_all(path, faults)
    names = numbered([pair.name for pair in pairs])
    return tuple(replace(pair, name=name) for pair, name in zip(pairs, names, strict=True))


def _name(word: str) -> str:
    """Return what the record calls a frame: its path, since scenes number theirs alike."""
    return Path(word).with_suffix("").as_posix().replace("/", "_")
