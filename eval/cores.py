"""How images share the cores of a machine: one each, side by side, rather than all for one.

The operations of one image are small: shared among cores, they wait for each other.
"""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np

from roadseg.processors import usable_cpus

Value = TypeVar("Value")
PIXELS_AT_ONCE = 1 << 23
"""Of images side by side: what a network holds for that many still fits a machine."""


def share_cores() -> None:
    """Let an operation use a quarter of the cores, so that images run side by side.

    For commands, before TensorFlow's first operation; afterwards, where batches come one by one
    (see `in_turns`), and where TF_NUM_INTRAOP_THREADS says otherwise, nothing changes.
    """
    if "TF_NUM_INTRAOP_THREADS" in os.environ or _has_accelerator():
        return
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(max(1, usable_cpus() // 4))
    except RuntimeError:
        return  # It computes already.


def in_turns(compute: Callable[..., Value], scale: float = 1.0) -> Callable[..., Value]:
    """Return `compute` for many threads: they wait for a turn where memory may not bear more.

    compute: takes arrays (..., channels), or mappings of those, by place; as many pixels as the
    first call takes are held by each other one. On devices other than a processor one has a turn.
    scale: the largest by which it resizes both sides of an image before a network sees it.
    """
    turns: list[threading.Semaphore] = []
    most = 1 if _has_accelerator() else usable_cpus()
    lock = threading.Lock()

    def turn(*given: Any) -> Value:
        with lock:
            if not turns:
                pixels = max(1, round(sum(map(_pixels, given)) * scale**2))
                turns.append(threading.Semaphore(max(1, min(most, PIXELS_AT_ONCE // pixels))))
        with turns[0]:
            return compute(*given)

    return turn


def side_by_side(
    compute: Callable[[np.ndarray], Sequence[Value]], scale: float = 1.0
) -> Callable[[np.ndarray], list[Callable[[], Value]]]:
    """Return what takes a batch of images and returns, for each, what gives its result later.

    compute: from images (batch, height, width, 3) to a result for each; called once a batch, when
    the first result is asked for, `in_turns`, which explains `scale`.
    """
    turn = in_turns(compute, scale)

    def take(images: np.ndarray) -> list[Callable[[], Value]]:
        batch = _Batch(turn, images)
        return [partial(batch.result, index) for index in range(len(images))]

    return take


class _Batch:
    def __init__(self, compute: Callable[[np.ndarray], Any], images: np.ndarray) -> None:
        self._compute, self._images = compute, images
        self._found: Any = None
        self._lock = threading.Lock()

    def result(self, index: int) -> Any:
        with self._lock:
            if self._found is None:
                self._found = self._compute(self._images)
                del self._images
        return self._found[index]


def _pixels(given: Any) -> int:
    if isinstance(given, Mapping):
        return sum(map(_pixels, given.values()))
    return int(given.size // given.shape[-1])


def _has_accelerator() -> bool:
    from roadseg.ops.backend import tensorflow

    tf = tensorflow()
    # Other backends run operation by operation, and hold Python's lock.
    return tf is None or any(
        device.device_type != "CPU" for device in tf.config.list_physical_devices()
    )
