"""Which layers stay in float: those that lose most of the labels in 8 bits, measured by groups."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from roadseg.export.interface import labels_in
from roadseg.export.precision.graph import groups_of
from roadseg.export.views import Views, batched, parts

# Share of other labels up to which no layer is looked at: far below what costs a point of mIoU.
AIM = 0.015
# Of all groups, the share that may stay in float: beyond, the file is hardly one of 8 bits.
MOST_IN_FLOAT = 0.5


class Quantiser(Protocol):
    """A network whose ranges are known, in one format."""

    layers: list[str]
    """Names of what can be in 8 bits, in the order of the graph."""
    convolutions: list[str]
    """Those of them that have weights."""
    kernels: dict[str, str]
    """Names of their weights by name, where these are known; some may share theirs."""
    weight_bits: int
    groups: int
    """In how many groups its layers are looked at: as many as a file takes little time to write."""
    ways: tuple[str, ...]
    """Of making ranges out of the values that were seen, in words, the usual one first."""
    way: str
    """The one of `ways` that files are written by."""

    def write(self, path: Path, floats: Collection[str] = ()) -> None:
        """Write the network, the layers `floats` as they are, all others in 8 bits."""

    def run(self, path: Path) -> Callable[[Views], dict[str, np.ndarray]]:
        """Return what runs the file at `path`."""


@dataclass(frozen=True)
class Kept:
    """The layers that stayed in float, and the share of other labels with them and without."""

    layers: tuple[str, ...]
    other_before: float
    other_after: float

    def to_card(self, quantiser: Quantiser) -> dict[str, Any]:
        """Return what the model card says of it."""
        return {
            "weight_bits": quantiser.weight_bits,
            "ranges": quantiser.way,
            "layers": len(quantiser.layers),
            "layers_in_float": list(self.layers),
            "other_labels_all_in_8_bits": self.other_before,
            "other_labels": self.other_after,
        }


class Search:
    """Writes a network in 8 bits, its worst layers in float; further ones where that is too few."""

    def __init__(
        self,
        quantiser: Quantiser,
        path: Path,
        images: Sequence[Views],
        labels: Sequence[Views],
    ) -> None:
        """Take what to write, and where.

        images: uint8, each as the file takes it without the batch; labels: what the Keras model
            makes of each, (height, width). Of several cameras both by the cameras' names.
        """
        self._quantiser, self._path = quantiser, path
        self._pairs = list(zip(images, labels, strict=True))
        self._tried: list[tuple[float, tuple[str, ...]]] = []
        self._floats: tuple[str, ...] = ()
        self._queue: list[tuple[str, ...]] | None = None
        self._there: frozenset[str] | None = None  # in float in the file at `path`; None: no such

    def first(self) -> Kept:
        """Write the file; return which layers are in float in it.

        If more than AIM of the labels become other ones, ranges are taken in other ways, of which
        the best stays. If that is not enough, layers without weights stay in float where that saves
        labels. Then each group of layers is put in 8 bits alone, all others in float,
        and the groups that cost most stay in float, one after the other, until no more than AIM is
        lost or half of the groups is in float. The best of these files remains.
        """
        self._take_best_way()
        self._until(AIM)
        return self._written()

    def _take_best_way(self) -> None:
        """Write all layers in 8 bits with ranges in each way, until no more than AIM is lost."""
        quantiser, lost = self._quantiser, {}
        for way in quantiser.ways:
            quantiser.way = way
            lost[way] = self._lost(())
            if lost[way] <= AIM:
                break
        best = min(lost, key=lambda way: lost[way])
        if best != quantiser.way:
            quantiser.way, self._there = best, None
        self._tried.append((lost[best], ()))

    def further(self) -> Kept | None:
        """Go on until half as many labels are other ones as in the file that is there.

        Returns None, the file as it was, where no more layers in float save any.
        """
        before, _ = self._best()
        self._until(before / 2)
        kept = self._written()
        return kept if kept.other_after < before else None

    def _until(self, aim: float) -> None:
        """Put more into float until no more than `aim` is lost, or half of the groups is in."""
        if self._best()[0] <= aim:
            return
        if self._queue is None:
            self._floats, self._queue = self._start(aim)
        while self._best()[0] > aim and self._queue:
            self._floats = (*self._floats, *self._queue.pop(0))
            self._try(self._floats)

    def _start(self, aim: float) -> tuple[tuple[str, ...], list[tuple[str, ...]] | None]:
        """Return the layers that are in float from the start, and the groups, the worst first.

        None in place of groups where layers without weights are enough for `aim`.
        """
        weighted = set(self._quantiser.convolutions)
        others = tuple(name for name in self._quantiser.layers if name not in weighted)
        if others and all(floats != others for _, floats in self._tried):
            self._try(others)
        best, floats = self._best()
        if best <= aim:
            return floats, None
        layers = [name for name in self._quantiser.layers if name not in floats]
        groups = groups_of(layers, self._quantiser.groups, self._quantiser.kernels)
        every = {*floats, *(name for group in groups for name in group)}
        cost = {group: self._lost(every - set(group)) for group in groups}
        worst_first = sorted(groups, key=lambda group: -cost[group])
        return floats, worst_first[: int(MOST_IN_FLOAT * len(groups))]

    def _try(self, floats: tuple[str, ...]) -> None:
        self._tried.append((self._lost(floats), floats))

    def _lost(self, floats: Collection[str]) -> float:
        """Return the share of labels that become other ones with the layers `floats` in float."""
        self._write(floats)
        run = self._quantiser.run(self._path)
        return float(np.mean([_others(run(batched(x)), y) for x, y in self._pairs]))

    def _write(self, floats: Collection[str]) -> None:
        self._quantiser.write(self._path, floats)
        self._there = frozenset(floats)

    def _best(self) -> tuple[float, tuple[str, ...]]:
        return min(self._tried, key=lambda found: found[0])

    def _written(self) -> Kept:
        """Write the best file of those tried, unless it is there: the last one need not be it."""
        after, floats = self._best()
        if self._there != frozenset(floats):
            self._write(floats)
        kept = set(floats)
        layers = tuple(name for name in self._quantiser.layers if name in kept)
        return Kept(layers, self._tried[0][0], after)


def _others(found: dict[str, np.ndarray], labels: Views) -> float:
    """Return the share of labels that are others, in the mean of the cameras."""
    views = [view for view, _ in parts(labels) if view]
    pairs = zip(parts(labels_in(found, views)), parts(labels), strict=True)
    return float(np.mean([np.mean(own[0] != right) for (_, own), (_, right) in pairs]))
