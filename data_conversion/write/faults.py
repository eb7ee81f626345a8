"""Every pair of a data set that cannot be converted, named in one go.

The first fault ends the writing. What is left of the data set is then read without being written,
so that one run says all that has to be mended.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from roadseg.data_conversion.raw.faults import FileAtFault, common_folder, in_one_line, way_out
from roadseg.data_conversion.raw.source import Pair, Source, TwoCameras
from roadseg.errors import RoadsegError

if TYPE_CHECKING:
    from roadseg.data_conversion.write.examples import ShardExamples


class FilesAtFault(RoadsegError):
    """Pairs that cannot be converted: all that a data set has.

    pairs: them, by split.
    """

    def __init__(self, message: str, pairs: Mapping[str, frozenset[Pair]] | None = None) -> None:
        """Take the message, and the pairs that it is about."""
        super().__init__(message)
        self.pairs = pairs or {}


def every_fault(
    first: FileAtFault,
    source: Source,
    examples: Mapping[str, "ShardExamples"],
    done: Mapping[str, int],
    advance: Callable[[], None],
) -> FilesAtFault:
    """Return the error that names all faults of `source`; `first` is the one that was met.

    examples: of each split, what reads it. done: how many pairs of each split were read already,
    all of them right. advance: called after each pair that is looked at.
    """
    found: dict[str, dict[Pair, list[str]]] = {}
    for split, pairs in source.splits.items():
        rest = pairs[done.get(split, 0) :]
        for pair, faults in zip(rest, faults_of(examples[split], rest), strict=True):
            if faults:
                found.setdefault(split, {})[pair] = faults
            advance()
    return in_one_error(str(first), found, source)


def in_one_error(
    first: str, found: Mapping[str, Mapping[Pair, list[str]]], source: Source
) -> FilesAtFault:
    """Return the error that names all faults of `source`: `found`, by split and pair.

    first: the message of the one that was met, where there is no other.
    """
    at_fault = {split: frozenset(faults) for split, faults in found.items()}
    listed = [text for faults in found.values() for texts in faults.values() for text in texts]
    if len(listed) < 2:  # none: it was mended meanwhile
        return FilesAtFault(first, at_fault)
    count = sum(len(pairs) for pairs in at_fault.values())
    folder = common_folder([path for split in source.splits.values() for path in _files(split)])
    return FilesAtFault(
        f"{folder}: {count:,} of {source.num_examples:,} pairs cannot be converted: "
        f"{in_one_line(listed, folder)}; {way_out(listed)}, or leave them out with --keep-going",
        at_fault,
    )


def without(source: Source, error: FilesAtFault) -> dict[str, tuple[Pair, ...]]:
    """Return the splits of `source` without the pairs at fault; raise `error` for an empty one."""
    splits = {
        split: tuple(pair for pair in pairs if pair not in error.pairs.get(split, ()))
        for split, pairs in source.splits.items()
    }
    if not error.pairs or not all(splits.values()):
        raise error
    return splits


def faults_of(examples: "ShardExamples", pairs: tuple[Pair, ...]) -> Iterator[list[str]]:
    """Yield the faults of each pair, some pairs at a time: an interrupt waits for these alone."""
    rest = iter(pairs)
    with ThreadPoolExecutor(examples.workers) as pool:
        while batch := list(islice(rest, 4 * examples.workers)):
            yield from pool.map(partial(_faults, examples), batch)


def _faults(examples: "ShardExamples", pair: Pair) -> list[str]:
    try:
        examples.example(pair)
    except RoadsegError as error:
        found = [str(error)]
        # A picture at fault says nothing of its label.
        for one in (pair, pair.second) if isinstance(pair, TwoCameras) else (pair,):
            coding = examples.codings[one.member]
            try:
                if one.label is not None:
                    coding.train_ids(coding.read(one.label).values, one.label)
            except RoadsegError as other:
                found.append(str(other))
        return list(dict.fromkeys(found))
    return []


def _files(pairs: tuple[Pair, ...]) -> Iterator[Path]:
    for pair in pairs:
        yield from (path for path in (pair.image, pair.label) if path is not None)
