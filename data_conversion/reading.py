"""What a conversion has read, image by image: sizes, classes, and what is odd about them."""

import dataclasses
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from roadseg.label_tables import LabelTable

NEARLY_ALL = 0.95
_MANY_SIZES = 3
_NAMED = 5


@dataclasses.dataclass(frozen=True)
class Reading:
    """One view of one record.

    counts: train id (or the ignore value) -> pixels. stored_anew: its image is not the file's
    bytes (it was turned, or is no 8-bit RGB).
    """

    name: str
    size: tuple[int, int]
    counts: Mapping[int, int]
    stored_anew: bool = False


OnExample = Callable[[str, tuple[Reading, ...]], None]
"""Called with the split and the readings of each example, from any thread."""


def sparse_counts(values: np.ndarray) -> dict[int, int]:
    """Return how often each value of a uint8 array occurs, those alone that do."""
    counts = np.bincount(values.ravel(), minlength=256)
    return {int(value): int(counts[value]) for value in np.flatnonzero(counts)}


class Report:
    """Collects the readings of a conversion."""

    def __init__(self, table: LabelTable) -> None:
        """Begin with nothing read."""
        self._table, self._lock = table, threading.Lock()
        self.readings: dict[str, list[tuple[Reading, ...]]] = {}

    def add(self, split: str, readings: tuple[Reading, ...]) -> None:
        """Take the readings of one example, in the order of the split."""
        with self._lock:
            self.readings.setdefault(split, []).append(readings)

    def lines(self) -> Iterator[str]:
        """Yield what was read of each split, and a note for each thing that is odd."""
        for split, examples in self.readings.items():
            views = [reading for example in examples for reading in example]
            yield from describe(split, views, self._table)


def total(readings: Sequence[Reading]) -> Counter[int]:
    """Return the pixels of each value over all readings."""
    counts: Counter[int] = Counter()
    for reading in readings:
        counts.update(reading.counts)
    return counts


def describe(split: str, views: Sequence[Reading], table: LabelTable) -> Iterator[str]:
    """Yield a line on a split, and notes that begin with 'note: '."""
    counts, sizes = total(views), Counter(reading.size for reading in views)
    pixels = sum(counts.values())
    ignored = counts[table.ignore] / max(pixels, 1)
    listed = ", ".join(f"{n:,} of {h}x{w}" for (h, w), n in sizes.most_common(_MANY_SIZES))
    more = f" and {len(sizes) - _MANY_SIZES} more sizes" if len(sizes) > _MANY_SIZES else ""
    line = f"{split}: {len(views):,} images ({listed}{more})"
    if ignored == 1:
        yield f"{line}; no labels: every pixel is ignored"
        return
    shares = sorted(((counts[i] / pixels, name) for i, name in enumerate(table.names)), key=_most)
    classes = ", ".join(f"{name} {100 * share:.3g} %" for share, name in shares if share)
    yield f"{line}; unlabeled {100 * ignored:.3g} %; {classes}"
    absent = [name for share, name in shares if not share]
    if absent:
        yield f"note: {split} has no pixel of {', '.join(absent)}"
    empty = [r.name for r in views if r.counts.get(table.ignore, 0) >= NEARLY_ALL * _area(r)]
    if empty:
        yield (
            f"note: {len(empty):,} labels of {split} are ignored nearly everywhere "
            f"({NEARLY_ALL:.0%} or more): {_first(empty)}"
        )
    if len(sizes) > _MANY_SIZES:
        yield f"note: {split} has images of {len(sizes):,} sizes"
    anew = [reading.name for reading in views if reading.stored_anew]
    if anew:
        yield (
            f"note: {len(anew):,} images of {split} are stored anew as PNG, upright and in 8-bit "
            f"RGB: {_first(anew)}"
        )


def _most(entry: tuple[float, str]) -> float:
    return -entry[0]


def _area(reading: Reading) -> int:
    return reading.size[0] * reading.size[1]


def _first(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
