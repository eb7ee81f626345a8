"""Factors of the classes in the loss: published, or from how often each class is seen."""

import json
import math
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from roadseg.data_conversion.read.records import parse_example, readable
from roadseg.errors import RoadsegError
from roadseg.files import write_text
from roadseg.losses.cross_entropy import PUBLISHED_WEIGHTS

if TYPE_CHECKING:
    from roadseg.data_conversion.read.records import RecordSet
    from roadseg.recipe.recipe import Recipe
    from roadseg.runs.run_folder import RunFolder

FILE = "class_weights.json"


def class_weights(
    recipe: "Recipe", run: "RunFolder", records: "RecordSet", writes: bool = True
) -> tuple[float, ...] | None:
    """Return one factor an output as recipe.class_weights says, None for 'none'.

    Those from frequencies are counted once, over all of `records`, and kept in the run folder.
    writes: whether this process is the one that writes.
    Raises RoadsegError for a damaged file in the run folder.
    """
    if recipe.class_weights == "none":
        return None
    if recipe.class_weights in PUBLISHED_WEIGHTS:
        return PUBLISHED_WEIGHTS[recipe.class_weights]
    path = run.path / FILE
    if path.is_file():
        try:
            return tuple(float(weight) for weight in json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise RoadsegError(f"{path}: not a list of numbers ({error}); delete it") from None
    table = records.label_table
    counts = count_labels(records)
    seen = [*counts[: table.num_classes], *([counts[table.ignore]] if recipe.void_class else [])]
    weights = from_counts(np.asarray(seen))
    if writes:
        write_text(path, json.dumps(weights) + "\n")
    return weights


def from_counts(counts: np.ndarray) -> tuple[float, ...]:
    """Return 1 / ln(1.10 + frequency) of each class.

    counts: pixels of each class. Source: sacmehta/ESPNet afe71c3, train/loadData.py, after ENet
    (Paszke et al. 2016).
    """
    total = max(int(counts.sum()), 1)
    return tuple(1.0 / math.log(1.10 + int(count) / total) for count in counts)


def count_labels(records: "RecordSet") -> np.ndarray:
    """Return how many pixels of each of the 256 labels the records hold."""

    def histogram(serialized: tf.Tensor) -> tf.Tensor:
        labels = tf.cast(tf.reshape(parse_example(serialized)["label"], [-1]), tf.int32)
        return tf.math.bincount(labels, minlength=256, maxlength=256, dtype=tf.int64)

    files = tf.data.TFRecordDataset([str(file) for file in records.files])
    counts = files.map(histogram, num_parallel_calls=tf.data.AUTOTUNE)
    with readable(records):
        return np.asarray(counts.reduce(tf.zeros(256, tf.int64), lambda a, b: a + b))
