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
            "layers": len(quantiser.layers),
            "layers_in_float": list(self.layers),
            "other_labels_all_in_8_bits": self.other_before,
            "other_labels": self.other_after,
        }


def write_in_8_bits(
    quantiser: Quantiser,
    path: Path,
    images: Sequence[Views],
    labels: Sequence[Views],
) -> Kept:
    """Write a network in 8 bits to `path`, its worst layers in float; return which these are.

    images: uint8, each as the file takes it without the batch; labels: what the Keras model makes
        of each, (height, width). Of several cameras both by the cameras' names.
    If more than AIM of the labels become other ones, layers without weights stay in float where
    that saves labels. Then each group of layers is put in 8 bits alone, all others in float, and
    the groups that cost most stay in float, one after the other, until no more than AIM is lost or
    half of the groups is in float. The best of these files remains.
    """

    def lost(floats: Collection[str]) -> float:
        quantiser.write(path, floats)
        run = quantiser.run(path)
        pairs = zip(images, labels, strict=True)
        return float(np.mean([_others(run(batched(x)), y) for x, y in pairs]))

    before = lost(())
    if before <= AIM:
        return Kept((), before, before)
    weighted = set(quantiser.convolutions)
    others = tuple(name for name in quantiser.layers if name not in weighted)
    tried: list[tuple[float, tuple[str, ...]]] = [(before, ())]
    if others:
        tried.append((lost(others), others))
    least, floats = min(tried, key=lambda found: found[0])
    if least > AIM:
        layers = [name for name in quantiser.layers if name not in floats]
        groups = groups_of(layers, quantiser.groups, quantiser.kernels)
        tried += _by_groups(groups, floats, lost)
    after, floats = min(tried, key=lambda found: found[0])
    # Again: the last file that was tried need not be the best.
    quantiser.write(path, floats)
    kept = set(floats)
    return Kept(tuple(name for name in quantiser.layers if name in kept), before, after)


def _others(found: dict[str, np.ndarray], labels: Views) -> float:
    """Return the share of labels that are others, in the mean of the cameras."""
    views = [view for view, _ in parts(labels) if view]
    pairs = zip(parts(labels_in(found, views)), parts(labels), strict=True)
    return float(np.mean([np.mean(own[0] != right) for (_, own), (_, right) in pairs]))


def _by_groups(
    groups: Sequence[tuple[str, ...]],
    floats: tuple[str, ...],
    lost: Callable[[Collection[str]], float],
) -> list[tuple[float, tuple[str, ...]]]:
    """Return (lost, layers in float) with more and more of `groups` in float.

    floats: layers that are in float whatever happens.
    """
    every = {*floats, *(name for group in groups for name in group)}
    cost = {group: lost(every - set(group)) for group in groups}
    tried = []
    for group in sorted(groups, key=lambda group: -cost[group])[: int(MOST_IN_FLOAT * len(groups))]:
        floats = (*floats, *group)
        tried.append((lost(floats), floats))
        if tried[-1][0] <= AIM:
            break
    return tried
