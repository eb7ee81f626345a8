"""The confusion matrix inside a graph, in keras.ops, for batches that are still on the device."""

from typing import Any

import keras
from keras import ops

Tensor = Any


def confusion_counts(labels: Tensor, predictions: Tensor, num_classes: int) -> Tensor:
    """Return int32 counts (num_classes, num_classes + 1) of (label, prediction) pairs of a batch.

    labels, predictions: integers of one shape, up to 2^31 - 1 pixels. As in the NumPy form a label
    that is no class is left out and a prediction that is no class falls into the last column.
    Add batches up outside the graph, in int64: `ConfusionMatrix.add_counts`.
    Raises ValueError when the static shapes differ.
    """
    if len(labels.shape) != len(predictions.shape):
        raise ValueError(f"labels {labels.shape} and predictions {predictions.shape} differ")
    side = num_classes + 1
    codes = _as_classes(labels, num_classes) * side + _as_classes(predictions, num_classes)
    codes = ops.reshape(codes, (-1,))
    counts = ops.segment_sum(ops.ones_like(codes), codes, num_segments=side * side)
    return ops.reshape(counts, (side, side))[:num_classes]


def _as_classes(values: Tensor, num_classes: int) -> Tensor:
    values = ops.cast(values, "int32")
    is_class = ops.logical_and(values >= 0, values < num_classes)
    return ops.where(is_class, values, ops.full_like(values, num_classes))


def mean_iou(counts: Tensor) -> Tensor:
    """Return the mean IoU (scalar, float) of counts, over classes with a non-empty union.

    counts: (classes, classes) or (classes, classes + 1). Source: tf.metrics.mean_iou, which
    averages over the same classes. Zero if there is no labelled pixel at all.
    """
    classes = counts.shape[0]
    counts = ops.cast(counts, keras.backend.floatx())
    square = counts[:, :classes]
    right = ops.diagonal(square)
    union = ops.sum(counts, axis=1) + ops.sum(square, axis=0) - right
    present = ops.cast(union > 0, counts.dtype)
    return ops.sum(right / ops.maximum(union, 1.0)) / ops.maximum(ops.sum(present), 1.0)
