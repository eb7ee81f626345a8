"""Online hard example mining: cross-entropy over the pixels that the network is least sure of."""

from collections.abc import Sequence
from typing import Any

from keras import ops

from roadseg.losses.cross_entropy import Rest, pixel_losses, summed

Tensor = Any


def ohem_cross_entropy(
    logits: Tensor,
    labels: Tensor,
    threshold: float = 0.7,
    min_kept: int = 100_000,
    ignore: int = 255,
    class_weights: Sequence[float] | None = None,
    rest: Rest | None = None,
) -> tuple[Tensor, Tensor]:
    """Return (cross-entropy summed over hard pixels, number of them), scalars.

    logits: (batch, height, width, classes), unnormalised; computed in float32 or wider.
    labels: (batch, height, width) integers, class or `ignore`.
    threshold: a pixel is hard when its class has at most this probability, 0..1.
    min_kept: where fewer are, the threshold is the probability of the pixel that comes at this
        place when all are ordered, hardest first. Ignored pixels stand in that order with
        probability 1; pixels as likely as the last one kept are kept too. Both this and the order
        mean the batch given here, that of one device. 0, or more than there are labelled pixels:
        every labelled pixel is kept.
    class_weights, rest: as in `cross_entropy`.
    No gradient passes through the selection. Without a labelled pixel both are 0.
    Raises ValueError as `cross_entropy` does, and for a negative `min_kept`.
    Source: Shrivastava et al. 2016; Fast_Seg 7895738, OhemCrossEntropy2dTensor.
    """
    if min_kept < 0:
        raise ValueError(f"min_kept={min_kept}: 0 (keep all) or more wanted")
    losses, labelled, classes = pixel_losses(logits, labels, ignore, rest)
    kept = hard_pixels(ops.stop_gradient(losses), labelled, threshold, min_kept)
    return summed(losses, kept, classes, class_weights, rest)


def hard_pixels(losses: Tensor, labelled: Tensor, threshold: float, min_kept: int) -> Tensor:
    """Return which labelled pixels `ohem_cross_entropy` keeps; see there.

    losses: (batch, height, width), cross-entropy without a gradient; labelled: where a label is.
    """
    if not min_kept:
        return labelled
    hard = _hard_pixels(losses, labelled, threshold, min_kept)
    mined = ops.sum(ops.cast(labelled, "int32")) >= min_kept
    return ops.logical_and(labelled, ops.logical_or(hard, ops.logical_not(mined)))


def ohem_below(
    logits: Tensor,
    labels: Tensor,
    threshold: float = 0.9,
    min_kept: int = 131_072,
    ignore: int = 255,
    class_weights: Sequence[float] | None = None,
    rest: Rest | None = None,
) -> tuple[Tensor, Tensor]:
    """Return (cross-entropy summed over pixels below a limit, number of them), scalars.

    Arguments are those of `ohem_cross_entropy`, from which this differs twice, as HRNet's code and
    what came of it do: pixels are kept whose class has a probability below the limit, not at it;
    and each counts as one, whatever its class weighs.
    The limit is the larger of `threshold` and the probability of the labelled pixel that comes
    after `min_kept` others, hardest first, or of the last one where there are no more: that one
    pixel is then left out, if it lies above `threshold`.
    Source: XuJiacong/PIDNet 4c158cf and DDRNet.pytorch bc0e193, `OhemCrossEntropy`.
    """
    if min_kept < 0:
        raise ValueError(f"min_kept={min_kept}: 0 or more wanted")
    losses, labelled, classes = pixel_losses(logits, labels, ignore, rest)
    probabilities = ops.exp(-ops.stop_gradient(losses))
    limit = ops.cast(threshold, probabilities.dtype)
    surer = ops.logical_and(labelled, probabilities <= limit)
    enough = ops.sum(ops.cast(surer, "int32")) > min_kept
    limit = ops.cond(
        enough, lambda: limit, lambda: _limit(probabilities, labelled, limit, min_kept)
    )
    # Not `<`: what is NaN has to stay in the loss, for training to notice.
    kept = ops.logical_and(labelled, ops.logical_not(probabilities >= limit))
    total, _ = summed(losses, kept, classes, class_weights, rest)
    return total, ops.sum(ops.cast(kept, total.dtype))


def _limit(probabilities: Tensor, labelled: Tensor, threshold: Tensor, min_kept: int) -> Tensor:
    """Return the limit of `ohem_below` where fewer than `min_kept` + 1 pixels are hard."""
    # Above every probability, so that pixels without a label come last.
    ordered = ops.reshape(ops.where(labelled, probabilities, 2.0), (-1,))
    place = _at_place(ordered, min_kept + 1)
    last = ops.max(ops.where(labelled, probabilities, 0.0))
    return ops.maximum(ops.where(place > 1.5, last, place), threshold)


def _hard_pixels(losses: Tensor, labelled: Tensor, threshold: float, min_kept: int) -> Tensor:
    """Return where a pixel is hard, if there are `min_kept` labelled ones at all."""
    probabilities = ops.where(labelled, ops.exp(-losses), ops.ones_like(losses))
    limit = ops.cast(threshold, probabilities.dtype)
    enough = ops.sum(ops.cast(probabilities <= limit, "int32")) >= min_kept
    flat = ops.reshape(probabilities, (-1,))
    # Ordering costs far more than counting, and while a network learns there often are enough.
    limit = ops.cond(enough, lambda: limit, lambda: _at_place(flat, min_kept))
    # Not `<=`: what is NaN has to stay in the loss, for training to notice.
    return ops.logical_not(probabilities > limit)


def _at_place(values: Tensor, place: int) -> Tensor:
    """Return the value that comes at `place`, counted from 1, in ascending order (or the last)."""
    count = values.shape[0]
    # top_k refuses to give more values than there are, and how many there are is not known.
    if count is None:
        ordered = ops.sort(values)
        return ordered[ops.minimum(place, ops.shape(values)[0]) - 1]
    place = min(place, count)
    return -ops.top_k(-values, place)[0][place - 1]
