"""Examples by number, in any order: where each record lies in its file, and its bytes.

Sampling by class wants any image next, and TFRecord files are made to be read from front to back.
Their lengths are hopped over once, 8 bytes a record, and a record is then read where it lies. Other
ways cost more: array_record another conversion, files in memory more of it than there often is.
"""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from roadseg.data_conversion.records import parse_example
from roadseg.errors import RoadsegError

Tensor = Any
_HEADER, _FOOTER = 12, 4  # length (8 bytes) and its checksum; checksum of the data


class RecordIndex:
    """The records of some files, numbered through them in order."""

    def __init__(self, files: Sequence[Path]):
        """Find every record; raise RoadsegError for a truncated file."""
        self.files = tuple(files)
        spans = [record_spans(file) for file in self.files]
        self.spans = np.concatenate(spans)
        self.file_of = np.repeat(np.arange(len(spans)), [len(span) for span in spans])

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.spans)

    def read(self, number: int) -> bytes:
        """Return the bytes of a record; raise RoadsegError if its file has become shorter."""
        start, length = (int(value) for value in self.spans[number])
        path = self.files[self.file_of[number]]
        with path.open("rb") as file:
            file.seek(start)
            data = file.read(length)
        if len(data) < length:
            raise RoadsegError(f"{path}: shorter than at the start; convert the data set again")
        return data

    def fetch(self, number: Tensor) -> dict[str, Tensor]:
        """Return the decoded example; a graph function of an integer scalar."""
        serialized = tf.numpy_function(self.read, [number], tf.string)
        return parse_example(tf.ensure_shape(serialized, ()))


def record_spans(path: Path) -> np.ndarray:
    """Return (first byte, length) of the data of every record of a file, (records, 2) int64.

    Raises RoadsegError for a truncated file.
    """
    size, position, spans = path.stat().st_size, 0, []
    with path.open("rb") as file:
        while position < size:
            file.seek(position)
            header = file.read(8)
            length = struct.unpack("<Q", header)[0] if len(header) == 8 else size
            spans.append((position + _HEADER, length))
            position += _HEADER + length + _FOOTER
            if position > size:
                raise RoadsegError(
                    f"{path}: truncated after {len(spans) - 1} records; convert the data set again"
                )
    return np.array(spans, np.int64).reshape(-1, 2)
