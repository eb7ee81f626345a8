"""Cross-entropy of densities over the cells of an image, as a sum and a count."""

from typing import Any

import keras
from keras import ops

Tensor = Any


def density_cross_entropy(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return (cross-entropy of the targets summed over images, number of images), in nats.

    logits: (batch, rows, columns), whose softmax over all cells is the predicted density.
    target: the same shape, not negative, of sum 1 each. Computed in float32 or wider. Its least
    value is the targets' entropy; a uniform prediction gives ln(rows columns).
    Raises ValueError when the shapes differ.
    """
    if len(logits.shape) != 3 or tuple(logits.shape[1:]) != tuple(target.shape[1:]):
        raise ValueError(f"logits {tuple(logits.shape)} and target {tuple(target.shape)} differ")
    wide = keras.backend.result_type(logits.dtype, "float32")
    flat = ops.reshape(ops.cast(logits, wide), (ops.shape(logits)[0], -1))
    share = ops.reshape(ops.cast(target, wide), (ops.shape(target)[0], -1))
    each = -ops.sum(share * ops.log_softmax(flat, axis=-1), axis=-1)
    return ops.sum(each), ops.sum(ops.ones_like(each))
