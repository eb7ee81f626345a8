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

from roadseg.data_conversion.read.records import parse_example
from roadseg.data_conversion.read.tfrecord_files import read_record, record_spans

Tensor = Any


class RecordIndex:
    """The records of some files, numbered through them in order."""

    def __init__(
        self, files: Sequence[Path], parse: Callable[[Tensor], dict[str, Tensor]] = parse_example
    ):
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
