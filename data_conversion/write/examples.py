"""The examples of a shard: files read and checked some at a time, in order."""

import dataclasses
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any

import numpy as np

from roadseg.data_conversion.raw.faults import FileAtFault
from roadseg.data_conversion.raw.image_files import encode_label, read_image
from roadseg.data_conversion.raw.label_coding import LabelCoding
from roadseg.data_conversion.raw.source import Pair
from roadseg.data_conversion.reading import OnExample, Reading, sparse_counts
from roadseg.errors import RoadsegError
from roadseg.files import printable


@dataclasses.dataclass(frozen=True)
class Example:
    """A nested example, and what was read to make it: a reading for each of its views."""

    values: dict[str, Any]
    readings: tuple[Reading, ...]


def example_of(pair: Pair, codings: Mapping[str, LabelCoding]) -> Example:
    """Return the example of a checked pair; raise RoadsegError for what is wrong with it.

    codings: what label files hold, by the pair's member; that of "" in sets that have none.
    """
    coding = codings[pair.member]
    image = read_image(pair.image, coding.rules)
    size = image.height, image.width
    if pair.label is None:
        train_ids = np.full(size, coding.table.ignore, np.uint8)
        encoded = encode_label(train_ids)
    else:
        label = coding.read(pair.label)
        if label.values.shape[:2] != size:
            height, width = label.values.shape[:2]
            raise RoadsegError(
                f"{pair.label}: label is {height}x{width}, its image {pair.image.name} is "
                f"{image.height}x{image.width} (height x width, as seen upright); they must be of "
                "one size"
            )
        train_ids = coding.train_ids(label.values, pair.label)
        encoded = coding.encoded(label, train_ids)
    values = {
        "encoded": image.encoded,
        "filename": printable(pair.name),
        "format": image.format,
        "height": image.height,
        "width": image.width,
        "channels": 3,
        "segmentation": {"class": {"encoded": encoded, "format": "png"}},
    }
    reading = Reading(pair.name, size, sparse_counts(train_ids), image.stored_anew)
    return Example({"image": values}, (reading,))


@dataclasses.dataclass(frozen=True)
class ShardExamples:
    """Called without arguments, the examples of one shard in order.

    Picklable without `on_example`, for workers elsewhere.
    """

    pairs: tuple[Pair, ...]
    codings: Mapping[str, LabelCoding]
    workers: int = 1
    on_example: OnExample | None = None
    split: str = ""

    def example(self, pair: Pair) -> Example:
        """Return the checked example of a pair; RoadsegError for what is wrong with it."""
        return example_of(pair, self.codings)

    def _example(self, pair: Pair) -> Example:
        try:
            return self.example(pair)
        except RoadsegError as error:
            raise FileAtFault(str(error)) from None

    def __call__(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (name, example); files are read and checked `workers` at a time."""
        with ThreadPoolExecutor(self.workers) as pool:
            waiting: list[tuple[str, Future[Example]]] = []
            rest = iter(self.pairs)
            try:
                while True:
                    for pair in islice(rest, 2 * self.workers - len(waiting)):
                        future = pool.submit(self._example, pair)
                        waiting.append((pair.name, future))
                    if not waiting:
                        return
                    name, future = waiting.pop(0)
                    example = future.result()
                    yield printable(name), example.values
                    # tfds keeps every example of a shard until it has counted them; what is
                    # written already is emptied here, or a shard would have to fit in memory.
                    example.values.clear()
                    if self.on_example:
                        self.on_example(self.split, example.readings)
            finally:
                # After an error nobody takes what is still to be read.
                for _, future in waiting:
                    future.cancel()
