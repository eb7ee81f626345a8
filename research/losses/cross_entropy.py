"""Softmax cross-entropy over the pixels that carry a label, as a sum and a count."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

Tensor = Any

# Source: Fast_Seg 7895738, OHEM loss; off by default there. Cityscapes, in order of train ids.
CITYSCAPES_WEIGHTS = (
    *(0.8373, 0.918, 0.866, 1.0345, 1.0166, 0.9969, 0.9754, 1.0489, 0.8786, 1.0023),
    *(0.9539, 0.9843, 1.1116, 0.9037, 1.0865, 1.0955, 1.0865, 1.1529, 1.0507),
)
# Source: sacmehta/EdgeNets 2b232d3. Cityscapes, then everything else, which counts nothing.
ESPNETV2_WEIGHTS = (
    *(2.8149, 6.9850, 3.7890, 9.9428, 9.7702, 9.5111, 10.3114, 10.0265, 4.6323, 9.5608),
    *(7.8698, 9.5169, 10.3737, 6.6616, 10.2605, 10.2879, 10.2898, 10.4054, 10.1381, 0.0),
)
# Source: Reagan1311/DABNet b8d62fe. CamVid's 11 classes.
DABNET_CAMVID_WEIGHTS = (
    *(4.4287, 3.4432, 9.6272, 2.9082, 6.9883, 5.2119, 9.4902, 9.1505, 7.1655, 9.8886, 7.5455),
)
PUBLISHED_WEIGHTS = {
    "cityscapes": CITYSCAPES_WEIGHTS,
    "espnetv2_cityscapes": ESPNETV2_WEIGHTS,
    "dabnet_camvid": DABNET_CAMVID_WEIGHTS,
}
"""Factors of classes that originals hold, by the name that a recipe gives them."""


@dataclass(frozen=True)
class Rest:
    """Where labels name some classes only: the label of all other pixels, and what they may be.

    Such a pixel's cross-entropy is -log of the sum of the probabilities of `classes`: it is no
    class that is labelled, and which of the others it is, nobody said. Its factor, where classes
    have some, is the mean of those of `classes`.
    Source: Shi et al. 2021, "Marginal loss and exclusion loss for partially supervised
    multi-organ segmentation", eq. 4; the factor is our choice.
    """

    label: int
    classes: tuple[int, ...]


def cross_entropy(
    logits: Tensor,
    labels: Tensor,
    ignore: int = 255,
    class_weights: Sequence[float] | None = None,
    rest: Rest | None = None,
) -> tuple[Tensor, Tensor]:
    """Return (cross-entropy summed over labelled pixels, number of them), scalars.

    logits: (batch, height, width, classes), unnormalised; computed in float32 or wider.
    labels: (batch, height, width) integers, class or `ignore`.
    class_weights: one factor a class; the number of pixels is then the sum of their factors.
    rest: of labels that name some classes only.
    The mean over a whole batch is the quotient of both sums over all replicas; the mean of the
    replicas' means would weigh pixels unequally. Without a labelled pixel both are 0.
    Raises ValueError when the shapes do not fit. A graph cannot refuse a label that is neither a
    class nor `ignore`: it counts as the nearest class; the converter refuses such records.
    """
    losses, labelled, classes = pixel_losses(logits, labels, ignore, rest)
    return summed(losses, labelled, classes, class_weights, rest)


def cross_entropy_of_all(
    logits: Tensor,
    labels: Tensor,
    ignore: int = 255,
    class_weights: Sequence[float] | None = None,
    rest: Rest | None = None,
) -> tuple[Tensor, Tensor]:
    """Return (cross-entropy summed over labelled pixels, number of all pixels), scalars.

    Arguments are those of `cross_entropy`. Ignored pixels and weights make the mean smaller.
    Source: XuJiacong/PIDNet 4c158cf, `CrossEntropy`, whose mean is taken over the whole map.
    """
    losses, labelled, classes = pixel_losses(logits, labels, ignore, rest)
    total, _ = summed(losses, labelled, classes, class_weights, rest)
    return total, ops.sum(ops.ones_like(losses))


def pixel_losses(
    logits: Tensor, labels: Tensor, ignore: int, rest: Rest | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return, all of the shape of `labels`: cross-entropy, where a label is, and classes.

    Arguments and errors are those of `cross_entropy`. Where no label is, the first means nothing.
    Pixels of the rest have the number of classes as theirs.
    """
    logits, labels = ops.convert_to_tensor(logits), ops.cast(labels, "int32")
    if len(logits.shape) != len(labels.shape) + 1 or any(
        None not in (a, b) and a != b for a, b in zip(logits.shape[:-1], labels.shape, strict=True)
    ):
        raise ValueError(f"labels {tuple(labels.shape)} do not fit logits {tuple(logits.shape)}")
    # A sum over the pixels of an image outgrows float16, which ends at 65504.
    if keras.backend.standardize_dtype(logits.dtype) in ("float16", "bfloat16"):
        logits = ops.cast(logits, "float32")
    labelled = labels != ignore
    # Every pixel needs a class to look up; `labelled` leaves out those that borrowed one.
    classes = ops.clip(ops.where(labelled, labels, 0), 0, logits.shape[-1] - 1)
    losses = ops.sparse_categorical_crossentropy(classes, logits, from_logits=True)
    if rest is not None:
        other = labels == rest.label
        likely = ops.take(logits, ops.convert_to_tensor(rest.classes, "int32"), axis=-1)
        # -log of the sum of softmax values, without exponentials that overflow.
        unnamed = ops.logsumexp(logits, axis=-1) - ops.logsumexp(likely, axis=-1)
        losses = ops.where(other, unnamed, losses)
        classes = ops.where(other, logits.shape[-1], classes)
    return losses, labelled, classes


def summed(
    losses: Tensor,
    kept: Tensor,
    classes: Tensor,
    class_weights: Sequence[float] | None,
    rest: Rest | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the sum of `losses` over the pixels `kept`, and their number; weighted by class."""
    # `where` and not a product: an ignored pixel's infinity must not make the sum NaN.
    losses = ops.where(kept, losses, ops.zeros_like(losses))
    counts = ops.cast(kept, losses.dtype)
    if class_weights is not None:
        factors = list(class_weights)
        if rest is not None:
            factors.append(sum(factors[index] for index in rest.classes) / len(rest.classes))
        weights = ops.take(ops.convert_to_tensor(factors, losses.dtype), classes)
        losses, counts = losses * weights, counts * weights
    return ops.sum(losses), ops.sum(counts)
