"""Softmax cross-entropy over the pixels that carry a label, as a sum and a count."""

from typing import Any

import keras
from keras import ops

Tensor = Any


def cross_entropy(scores: Tensor, labels: Tensor, ignore: int = 255) -> tuple[Tensor, Tensor]:
    """Return (cross-entropy summed over labelled pixels, number of them), float32 scalars.

    scores: (batch, height, width, classes), unnormalised; computed in float32 or wider.
    labels: (batch, height, width) integers, class or `ignore`.
    The mean over a whole batch is the quotient of both sums over all replicas; the mean of the
    replicas' means would weigh pixels unequally. Without a labelled pixel both are 0.
    Raises ValueError when the shapes do not fit. A graph cannot refuse a label that is neither a
    class nor `ignore`: it counts as the nearest class; the converter refuses such records.
    """
    scores, labels = ops.convert_to_tensor(scores), ops.cast(labels, "int32")
    if len(scores.shape) != len(labels.shape) + 1 or any(
        None not in (a, b) and a != b for a, b in zip(scores.shape[:-1], labels.shape, strict=True)
    ):
        raise ValueError(f"labels {tuple(labels.shape)} do not fit scores {tuple(scores.shape)}")
    if keras.backend.standardize_dtype(scores.dtype) in ("float16", "bfloat16"):
        scores = ops.cast(scores, "float32")
    labelled = labels != ignore
    classes = ops.clip(ops.where(labelled, labels, 0), 0, scores.shape[-1] - 1)
    losses = ops.sparse_categorical_crossentropy(classes, scores, from_logits=True)
    # `where` and not a product: an ignored pixel's infinity must not make the sum NaN.
    total = ops.sum(ops.where(labelled, losses, ops.zeros_like(losses)))
    return total, ops.sum(ops.cast(labelled, total.dtype))
