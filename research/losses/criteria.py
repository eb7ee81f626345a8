"""What a network with several heads is trained on: one term a head, the main one first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from keras import ops

from roadseg.losses.boundary_labels import BoundaryFrom, boundary_labels
from roadseg.losses.cross_entropy import cross_entropy
from roadseg.losses.ohem import ohem_cross_entropy
from roadseg.ops.resize import resize_bilinear

Tensor = Any
Kind = Literal["cross_entropy", "ohem"]
BOUNDARY = "boundary"


@dataclass(frozen=True)
class Term:
    """One head's part of the loss: weight * total / count, both summed over all replicas."""

    weight: float
    total: Tensor
    count: Tensor


@dataclass(frozen=True)
class Criterion:
    """How each head is compared with the labels; the defaults are Fast_Seg's `CriterionDSN`.

    Its `CriterionOhemDSN` is loss="ohem"; its `CriterionICNet` and `CriterionDFANet` have "ohem"
    for `auxiliary_loss` as well.
    Source: Fast_Seg 7895738, losses; MSFNet, arXiv:1911.07217, for the boundary head.
    """

    loss: Kind = "cross_entropy"
    """Of the main head."""
    auxiliary_loss: Kind = "cross_entropy"
    """Of every further head but a boundary head, which has plain cross-entropy."""
    auxiliary_weight: float = 0.4
    """Of every further head."""
    ohem_threshold: float = 0.7
    """As in `ohem_cross_entropy`."""
    ohem_min_kept: int = 100_000
    """As in `ohem_cross_entropy`."""
    class_weights: Sequence[float] | None = None
    """One factor a class, or None; a boundary head, with classes of its own, has none."""
    boundary_from: BoundaryFrom = "reduced"
    """As in `boundary_labels`, for a boundary head."""
    ignore: int = 255
    """Label of pixels without one."""

    def terms(self, scores: Any, labels: Tensor) -> list[Term]:
        """Return a term for each head.

        scores: (batch, h, w, classes) alone, or a list with the main head first, or a dictionary
            with the main one as "scores". Each is enlarged to the size of `labels`, bilinearly
            with aligned corners; one called "boundary" stays at its size and has a class more,
            or two outputs: no boundary and boundary.
        labels: (batch, height, width) integers, class or `ignore`.
        Raises ValueError for a dictionary without "scores".
        """
        (_, main), *others = named_heads(scores)
        found = [self._term(1.0, self.loss, main, labels)]
        for name, head in others:
            if name == BOUNDARY:
                found.append(self._boundary_term(head, labels))
            else:
                found.append(self._term(self.auxiliary_weight, self.auxiliary_loss, head, labels))
        return found

    def _term(self, weight: float, kind: Kind, scores: Tensor, labels: Tensor) -> Term:
        scores = resize_bilinear(scores, tuple(ops.shape(labels)[1:3]), align_corners=True)
        if kind == "cross_entropy":
            return Term(weight, *cross_entropy(scores, labels, self.ignore, self.class_weights))
        mining = (self.ohem_threshold, self.ohem_min_kept, self.ignore, self.class_weights)
        return Term(weight, *ohem_cross_entropy(scores, labels, *mining))

    def _boundary_term(self, scores: Tensor, labels: Tensor) -> Term:
        labels = boundary_labels(
            labels,
            tuple(ops.shape(scores)[1:3]),
            boundary_from=self.boundary_from,
            per_class=scores.shape[-1] != 2,
            ignore=self.ignore,
        )
        return Term(self.auxiliary_weight, *cross_entropy(scores, labels, self.ignore))


def named_heads(scores: Any) -> list[tuple[str, Tensor]]:
    """Return (name, scores) of every head, the main one, "scores", first.

    Raises ValueError for a dictionary without "scores".
    """
    if isinstance(scores, Mapping):
        if "scores" not in scores:
            raise ValueError(f"no head 'scores' among {', '.join(scores)}")
        others = [(name, head) for name, head in scores.items() if name != "scores"]
        return [("scores", scores["scores"]), *others]
    if isinstance(scores, list | tuple):
        names = ["scores", *(f"auxiliary{number}" for number in range(1, len(scores)))]
        return list(zip(names, scores, strict=True))
    return [("scores", scores)]


def mean(terms: Sequence[Term]) -> Tensor:
    """Return the sum of weight * total / count; a term without a pixel adds 0."""
    return sum(term.weight * ops.divide_no_nan(term.total, term.count) for term in terms)
