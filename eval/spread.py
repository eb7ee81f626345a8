"""One evaluation over several workers: each measures its images, all hear of all, in file order.

What is exchanged is what was measured of each image, not sums: added up in the order of the files,
as one process does it, floats have the same last digit, and no result needs a rule for merging.
"""

import io
import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.files import Arrays

Value = TypeVar("Value")
Exchange = Callable[[bytes], list[bytes]]
"""Gives the others what it takes; returns what each worker gave, in the order of their numbers.
Ends only once all have come."""

ROUND_S = 2.0
"""Seconds of work between two exchanges, at least one image."""
ROUND_BYTES = 2**25
"""What a worker gives in one exchange at most, but for the last image."""
WAY_OUT = "start the same command on all workers again"
_DONE, _FAILED = b"+", b"-"


@dataclass(frozen=True)
class Group:
    """The workers of one evaluation, seen by one of them; by itself it is all of them.

    `together` and `in_order` wait for the others: all have to call them in the same order.
    """

    number: int = 0
    count: int = 1
    exchange: Exchange = lambda content: [content]

    @property
    def writes(self) -> bool:
        """Whether this worker prints and writes what all have found."""
        return self.number == 0

    def places(self, images: int, batch_size: int) -> list[int]:
        """Return the places of the images that are this worker's: every `count`-th batch.

        Whole batches, so that the network is shown what one process would show it.
        """
        return [place for place in range(images) if self._owner(place, batch_size) == self.number]

    def _owner(self, place: int, batch_size: int) -> int:
        return place // batch_size % self.count

    def together(self, work: Callable[[], Value]) -> Value:
        """Return what `work` does here; RoadsegError, the same for all, if it fails for one."""
        if self.count == 1:
            return work()
        done: list[Value] = []

        def nothing() -> list[Arrays]:
            done.append(work())
            return []

        self._meet(nothing)
        return done[0]

    def after_first(self, work: Callable[[], Value]) -> Value:
        """Return what `together` does, which the others begin once the first worker has done it."""
        if self.writes:
            value = self.together(work)
            self.together(lambda: None)
            return value
        self.together(lambda: None)
        return self.together(work)

    def is_same(self, value: Any) -> bool:
        """Return whether all workers call this with one `value`, which goes to JSON."""
        return self.count == 1 or len(set(self.exchange(json.dumps(value).encode()))) == 1

    def from_first(self, value: int) -> int:
        """Return the first worker's `value`."""
        return value if self.count == 1 else int(self.exchange(str(value).encode())[0])

    def in_order(
        self, measured: Iterator[Arrays], images: int, batch_size: int
    ) -> Iterator[Arrays]:
        """Yield what all workers have measured, by the places of the images.

        measured: of this worker's images, in order. images, batch_size: as in `places`.
        Raises RoadsegError, the same for all, where one worker does, or gives too few.
        """
        if self.count == 1:
            yield from measured
            return
        waiting: list[deque[Arrays]] = [deque() for _ in range(self.count)]
        place = 0
        while place < images:
            parts = self._meet(lambda: _some(measured))
            for queue, part in zip(waiting, parts, strict=True):
                queue.extend(part)
            while place < images and waiting[self._owner(place, batch_size)]:
                yield waiting[self._owner(place, batch_size)].popleft()
                place += 1
            if place < images and not parts[self._owner(place, batch_size)]:
                raise RoadsegError(
                    f"worker {self._owner(place, batch_size)} gave nothing for image {place} of "
                    f"{images}; {WAY_OUT}"
                )

    def _meet(self, work: Callable[[], list[Arrays]]) -> list[list[Arrays]]:
        """Return what `work` returned for each worker; RoadsegError if it raised one for any."""
        try:
            content = _DONE + packed(work())
        except RoadsegError as error:
            content = _FAILED + json.dumps([error.status, str(error)]).encode()
        given = self.exchange(content)
        for one in given:
            if one.startswith(_FAILED):
                status, text = json.loads(one.removeprefix(_FAILED))
                failure = RoadsegError(text)
                failure.status = status
                # Short, so that nobody ends while another still receives what was long.
                self.exchange(_FAILED)
                raise failure
        return [unpacked(one.removeprefix(_DONE)) for one in given]


ALONE = Group()


def _some(measured: Iterator[Arrays]) -> list[Arrays]:
    """Return what is measured until it is time to meet: one image at least, if there is one."""
    found: list[Arrays] = []
    until, size = time.monotonic() + ROUND_S, 0
    for arrays in measured:
        found.append(arrays)
        size += sum(array.nbytes for array in arrays.values())
        if size >= ROUND_BYTES or time.monotonic() >= until:
            break
    return found


def packed(parts: Sequence[Arrays]) -> bytes:
    """Return arrays by name, of several images, as bytes that name no type but those of NumPy."""
    file = io.BytesIO()
    named = {f"{i}/{name}": array for i, part in enumerate(parts) for name, array in part.items()}
    np.savez(file, **named)  # type: ignore[arg-type]
    return file.getvalue()


def unpacked(content: bytes) -> list[Arrays]:
    """Return what `packed` was given, but for those without an array."""
    parts: dict[str, Arrays] = {}
    # Without pickle, since whoever reaches the port could send one.
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        for key in file.files:
            number, _, name = key.partition("/")
            parts.setdefault(number, {})[name] = file[key]
    return list(parts.values())


def is_spread() -> bool:
    """Return whether TF_CONFIG makes this process one of several workers.

    Raises RoadsegError for one that is not JSON.
    """
    text = os.environ.get("TF_CONFIG", "")
    if not text.strip():
        return False
    try:
        config = json.loads(text)
        jobs, kind = config.get("cluster", {}), config.get("task", {}).get("type")
        members = sum(len(jobs.get(job, ())) for job in ("chief", "worker"))
    except (ValueError, AttributeError, TypeError) as error:
        raise RoadsegError(f"TF_CONFIG: not what TensorFlow takes ({error}); unset it") from None
    return members > 1 and kind in ("chief", "worker")


@contextmanager
def joined() -> Iterator[Group]:
    """Join the workers that TF_CONFIG names, before any operation of TensorFlow; `ALONE` without.

    Raises WorkerLost where another one is gone, as long as this lasts.
    """
    if not is_spread():
        yield ALONE
        return
    import tensorflow as tf

    from roadseg.runs.lost import STEP_LIMIT_S, StepLimit, naming_the_lost
    from roadseg.runs.workers import own_number, take_sigterm_back, workers

    given = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    # Without accelerators: the exchange stays off the GPUs, which are the network's.
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        given.cluster_spec(),
        task_type=given.task_type,
        task_id=given.task_id,
        num_accelerators={},
        rpc_layer="grpc",
    )
    strategy = tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    take_sigterm_back()
    limit = StepLimit(STEP_LIMIT_S, strategy, "result", WAY_OUT)
    with naming_the_lost(strategy, WAY_OUT), limit:
        number = own_number(strategy)
        exchange = by_collectives(strategy, number)

        def exchange_in_time(content: bytes) -> list[bytes]:
            found = exchange(content)
            limit.advance()
            return found

        yield Group(number, len(workers(strategy)), exchange_in_time)


def by_collectives(strategy: Any, number: int) -> Exchange:
    """Return the exchange between the replicas of `strategy`, one a worker; this one's number."""
    import tensorflow as tf

    # One trace: collectives are told apart by their place in it.
    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64)], autograph=False)
    def gather(words: Any) -> Any:
        def of_one(words: Any) -> Any:
            context = tf.distribute.get_replica_context()
            lengths = context.all_gather(tf.shape(words, tf.int64), axis=0)
            missing = tf.reduce_max(lengths) - tf.size(words, tf.int64)
            return context.all_gather(tf.pad(words, [[0, missing]])[None], axis=0)

        return strategy.run(of_one, args=(words,))

    def exchange(content: bytes) -> list[bytes]:
        # Integers of 8 bytes: the smallest that collectives take on every device are of 4.
        header = np.array([number, len(content)], np.int64)
        padded = content + bytes(-len(content) % 8)
        words = np.concatenate([header, np.frombuffer(padded, np.int64)])
        rows = gather(tf.constant(words)).numpy()
        rows = rows[np.argsort(rows[:, 0])]
        return [row[2:].tobytes()[: row[1]] for row in rows]

    return exchange
