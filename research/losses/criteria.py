"""What a network with several heads is trained on: one term a head, the main one first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from keras import ops

from roadseg.losses.boundary_labels import BoundaryFrom, boundary_labels
from roadseg.losses.cross_entropy import Rest, cross_entropy, cross_entropy_of_all
from roadseg.losses.edges import EDGE_WEIGHT, edge_cross_entropy, edge_maps
from roadseg.losses.ohem import ohem_below, ohem_cross_entropy
from roadseg.ops.resize import resize_bilinear

Tensor = Any
Kind = Literal["cross_entropy", "cross_entropy_of_all", "ohem", "ohem_below"]
BOUNDARY = "boundary"
EDGES = "edges"


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
    for `auxiliary_loss` as well. PIDNet's loss is "ohem_below" and "cross_entropy_of_all", with
    two terms for its head "edges".
    Source: Fast_Seg 7895738, losses; MSFNet, arXiv:1911.07217, for the boundary head;
    XuJiacong/PIDNet 4c158cf for the head "edges".
    """

    loss: Kind = "cross_entropy"
    """Of the main head."""
    auxiliary_loss: Kind = "cross_entropy"
    """Of every further head but a boundary head, which has plain cross-entropy, and edges."""
    auxiliary_weight: float = 0.4
    """Of every further head but edges."""
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
    rest: Rest | None = None
    """Of labels that name some classes only; a boundary head leaves such pixels out."""
    main_weight: float = 1.0
    """Of the main head."""
    edge_weight: float = EDGE_WEIGHT
    """Of the loss of a head "edges"."""
    edge_aware_weight: float = 1.0
    """Of the main head's loss once more, over the pixels where that head sees an edge."""
    edge_gate: float = 0.8
    """Probability of an edge above which it is seen; no gradient passes."""
    edge_size: int = 4
    """As `widened` of `edge_maps`."""
    edge_margin: int = 0
    """As `margin` of `edge_maps`."""

    def terms(self, logits: Any, labels: Tensor, edges: Tensor | None = None) -> list[Term]:
        """Return a term for each head.

        logits: (batch, h, w, classes) alone, or a list with the main head first, or a dictionary
            with the main one as "logits". Each is enlarged to the size of `labels`, bilinearly
            with aligned corners; one called "boundary" stays at its size and has a class more,
            or two outputs: no boundary and boundary; one called "edges" has one logit.
        labels: (batch, height, width) integers, class or `ignore`.
        edges: (batch, height, width), 1 or 0, for a head "edges"; None finds them in `labels`.
        Raises ValueError for a dictionary without "logits".
        """
        (_, main), *others = named_heads(logits)
        found = [self._term(self.main_weight, self.loss, main, labels)]
        for name, head in others:
            if name == EDGES:
                found += self._edge_terms(head, main, labels, edges)
            elif name == BOUNDARY:
                found.append(self._boundary_term(head, labels))
            else:
                found.append(self._term(self.auxiliary_weight, self.auxiliary_loss, head, labels))
        return found

    def _term(self, weight: float, kind: Kind, logits: Tensor, labels: Tensor) -> Term:
        logits = _at_size_of(labels, logits)
        counted = (self.ignore, self.class_weights, self.rest)
        if kind in ("cross_entropy", "cross_entropy_of_all"):
            plain = cross_entropy if kind == "cross_entropy" else cross_entropy_of_all
            return Term(weight, *plain(logits, labels, *counted))
        mining = (self.ohem_threshold, self.ohem_min_kept, *counted)
        mined = ohem_cross_entropy if kind == "ohem" else ohem_below
        return Term(weight, *mined(logits, labels, *mining))

    def _edge_terms(
        self, head: Tensor, main: Tensor, labels: Tensor, edges: Tensor | None
    ) -> list[Term]:
        """Return the loss of the head "edges", and the main one where it sees an edge."""
        if edges is None:
            edges = edge_maps(labels, self.edge_size, self.edge_margin)
        head = _at_size_of(labels, head)
        seen = ops.sigmoid(ops.stop_gradient(head))[..., 0] > self.edge_gate
        near = ops.where(seen, ops.cast(labels, "int32"), self.ignore)
        return [
            Term(self.edge_weight, *edge_cross_entropy(head, edges)),
            self._term(self.edge_aware_weight, self.loss, main, near),
        ]

    def _boundary_term(self, logits: Tensor, labels: Tensor) -> Term:
        labels = boundary_labels(
            labels,
            tuple(ops.shape(logits)[1:3]),
            boundary_from=self.boundary_from,
            per_class=logits.shape[-1] != 2,
            ignore=self.ignore,
            rest=None if self.rest is None else self.rest.label,
        )
        return Term(self.auxiliary_weight, *cross_entropy(logits, labels, self.ignore))


def _at_size_of(labels: Tensor, logits: Tensor) -> Tensor:
    """Return `logits` at the size of `labels`, bilinearly with aligned corners."""
    return resize_bilinear(logits, tuple(ops.shape(labels)[1:3]), align_corners=True)


def named_heads(logits: Any) -> list[tuple[str, Tensor]]:
    """Return (name, logits) of every head, the main one, "logits", first.

    Raises ValueError for a dictionary without "logits".
    """
    if isinstance(logits, Mapping):
        if "logits" not in logits:
            raise ValueError(f"no head 'logits' among {', '.join(logits)}")
        others = [(name, head) for name, head in logits.items() if name != "logits"]
        return [("logits", logits["logits"]), *others]
    if isinstance(logits, list | tuple):
        names = ["logits", *(f"auxiliary{number}" for number in range(1, len(logits)))]
        return list(zip(names, logits, strict=True))
    return [("logits", logits)]


def mean(terms: Sequence[Term]) -> Tensor:
    """Return the sum of weight * total / count; a term without a pixel adds 0."""
    return sum(term.weight * ops.divide_no_nan(term.total, term.count) for term in terms)
