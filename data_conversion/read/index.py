"""Examples by number, in any order: where each record lies in its file, and its bytes.

Sampling by class wants any image next, and TFRecord files are made to be read from front to back.
Their lengths are hopped over once, 8 bytes a record, and a record is then read where it lies. Other
ways cost more: array_record another conversion, files in memory more of it than there often is.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from roadseg.data_conversion.read.records import RecordSet, parse_example
from roadseg.data_conversion.read.streams import as_written, untuned
from roadseg.data_conversion.read.tfrecord_files import read_record, record_spans

Tensor = Any
Parse = Callable[[Tensor], Any]
"""From the bytes of an example to what is kept of it, mostly its features by name."""


class RecordIndex:
    """The records of some files, numbered through them in order."""

    def __init__(self, files: Sequence[Path], parse: Parse = parse_example):
        """Find every record; raise RoadsegError for a truncated file.

        parse: how an example is decoded; a graph function.
        """
        self.files, self.parse = tuple(files), parse
        spans = [record_spans(file) for file in self.files]
        self.starts = np.cumsum([0, *map(len, spans)])
        self.spans = np.concatenate(spans)
        self.file_of = np.repeat(np.arange(len(spans)), [len(span) for span in spans])

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.spans)

    def read(self, number: int) -> bytes:
        """Return the bytes of a record; raise RoadsegError if its file has changed or is damaged.

        The checksum is looked at here: TensorFlow's reader, which does so, reads front to back.
        """
        start, length = (int(value) for value in self.spans[number])
        return read_record(self.files[self.file_of[number]], start, length)

    def fetch(self, number: Tensor) -> dict[str, Tensor]:
        """Return the decoded example; a graph function of an integer scalar."""
        serialized = tf.numpy_function(self.read, [number], tf.string)
        return self.parse(tf.ensure_shape(serialized, ()))


def decoded(
    records: RecordSet, limit: int | None = None, parse: Parse = parse_example
) -> tf.data.Dataset:
    """Return the examples of `records`, the first `limit` of them, decoded in parallel, in order.

    Read from it inside `readable`.
    """
    data = tf.data.TFRecordDataset([str(file) for file in records.files])
    if limit is not None:
        data = data.take(limit)
    # In file order, whichever is decoded first: results must not vary.
    return untuned(data.map(as_written(parse), tf.data.AUTOTUNE, deterministic=True))


def decoded_at(
    records: RecordSet, places: Sequence[int], parse: Parse = parse_example
) -> tf.data.Dataset:
    """Return the examples at `places`, as `decoded` does; the others are not read.

    Raises RoadsegError for a truncated file.
    """
    index = RecordIndex(records.files, parse)
    data = tf.data.Dataset.from_tensor_slices(np.asarray(places, np.int64))
    data = data.map(as_written(index.fetch), tf.data.AUTOTUNE, deterministic=True)
    return untuned(data)
