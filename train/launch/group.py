"""A group of workers that are started, stopped and started again together."""

import signal
import sys
import threading
import time
from collections.abc import Sequence
from types import FrameType
from typing import Any

from roadseg.train.launch.workers import Worker
from roadseg.train.stop import STOPPING

LOST = 75
"""Status of a worker that has lost another; `lost.WorkerLost`."""
PATIENCE_S = 60.0
"""How long the others have to end by themselves once a worker has failed."""

ASK_S = 10.0
"""How long they then have after a signal, before the next."""


def run_group(workers: Sequence[Worker], restarts: int = 0) -> int:
    """Run the workers to their end and return one exit status for all.

    restarts: how often they are started again after a worker was lost.
    Signals are handed on to all: the first stops them at the same step, the next one at once.
    """
    with _HandingOn(workers) as asked:
        while True:
            status = _run_once(workers, asked)
            if asked.signals or restarts < 1 or not (status == LOST or status > 128):
                return status
            print(f"a worker was lost: all start again ({restarts} left)", file=sys.stderr)
            restarts -= 1


def one_status(found: Sequence[int]) -> int:
    """Return one exit status for several: what a user can mend comes first, a lost worker last."""
    failed = [code if code >= 0 else 128 - code for code in found if code]
    for wanted in (lambda code: code < 128 and code != LOST, lambda code: code > 128):
        if named := [code for code in failed if wanted(code)]:
            return named[0]
    return failed[0] if failed else 0


def _run_once(workers: Sequence[Worker], asked: "_HandingOn") -> int:
    for worker in workers:
        worker.start()
    shown = [threading.Thread(target=worker.show, daemon=True) for worker in workers]
    for thread in shown:
        thread.start()
    while not any(codes := _codes(workers)) and None in codes:
        time.sleep(0.1)
    if any(codes):
        _say(workers, codes, asked)
        # Bad input is refused by all of them alike, or by the one that writes.
        _end(workers, 5.0 if 2 in codes else PATIENCE_S)
    for thread in shown:
        thread.join(5.0)
    return one_status([code or 0 for code in _codes(workers)])


def _end(workers: Sequence[Worker], patience_s: float) -> None:
    """Wait until all have ended; after `patience_s` ask them to, then make them."""
    twice, then = signal.SIGTERM, signal.SIGKILL
    for seconds, number in ((patience_s, twice), (ASK_S, twice), (ASK_S, then), (ASK_S, then)):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if None not in _codes(workers):
                return
            time.sleep(0.1)
        for worker in workers:
            worker.send(number)


def _codes(workers: Sequence[Worker]) -> list[int | None]:
    return [worker.process.poll() if worker.process else 1 for worker in workers]


def _say(workers: Sequence[Worker], codes: Sequence[int | None], asked: "_HandingOn") -> None:
    """Name the worker that ended first, where it says nothing itself: it was killed."""
    for worker, code in zip(workers, codes, strict=True):
        if code and not 0 < code < 128 and not asked.signals:
            how = f"by signal {-code}" if code < 0 else f"with status {code}"
            print(f"worker {worker.number} ({worker.host}) ended {how}", file=sys.stderr)


class _HandingOn:
    """While in use, signals to this process are handed on to the workers."""

    def __init__(self, workers: Sequence[Worker]):
        self.workers, self.signals = workers, 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "_HandingOn":
        for number in STOPPING:
            self._before[number] = signal.signal(number, self._hand_on)
        return self

    def __exit__(self, *_: Any) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _hand_on(self, number: int, _: FrameType | None) -> None:
        self.signals += 1
        for worker in self.workers:
            worker.send(number)
