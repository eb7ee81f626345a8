"""Factors of the classes in the loss: published, or from how often each class is seen."""

import json
import math
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from roadseg.data_conversion.read.index import decoded
from roadseg.data_conversion.read.records import parse_example, readable
from roadseg.errors import RoadsegError
from roadseg.files import parse_json, write_text
from roadseg.losses.cross_entropy import PUBLISHED_WEIGHTS

if TYPE_CHECKING:
    from roadseg.data_conversion.read.records import RecordSet
    from roadseg.label_tables.label_table import LabelTable
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
    if recipe.loss.class_weights == "none":
        return None
    if recipe.loss.class_weights in PUBLISHED_WEIGHTS:
        return PUBLISHED_WEIGHTS[recipe.loss.class_weights]
    path = run.path / FILE
    if path.is_file():
        try:
            return tuple(float(weight) for weight in parse_json(path.read_bytes()))
        except (ValueError, TypeError) as error:
            raise RoadsegError(f"{path}: not a list of numbers ({error}); delete it") from None
    weights = from_labels(count_labels(records), records.label_table, recipe.network.void_class)
    if writes:
        write_text(path, json.dumps(weights) + "\n")
    return weights


def from_labels(counts: np.ndarray, table: "LabelTable", void: bool) -> tuple[float, ...]:
    """Return `from_counts` of the classes of `table`, and of a last output for ignored pixels.

    counts: pixels of each of the 256 labels. Classes that a data set does not tell apart, its
    rest, are as frequent as all of them together.
    """
    seen = [*counts[: table.num_classes], *([counts[table.ignore]] if void else [])]
    if table.rest is None:
        return from_counts(np.asarray(seen))
    *weights, of_rest = from_counts(np.asarray([*seen, counts[table.rest]]))
    for index in table.rest_classes:
        weights[index] = of_rest
    return tuple(weights)


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

    counts = decoded(records, parse=histogram)
    with readable(records):
        return np.asarray(counts.reduce(tf.zeros(256, tf.int64), tf.add))
