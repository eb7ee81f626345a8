"""Workers that vanish: the others end with a line that names the lost one, and their own status.

TensorFlow's coordination service, which the first worker runs, counts a worker as lost that has
sent no heartbeat for 10 s, and then aborts what the others wait for; a closed connection does so at
once. A worker that lives and does not go on (a dead file system under it) sends heartbeats: for
that there is a limit to the time between two steps. `CommunicationOptions(timeout_seconds)` would
be TensorFlow's own, and starts a sleeping thread for every collective operation.
"""

import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from roadseg.errors import RoadsegError
from roadseg.train.devices import Strategy, is_chief, workers

STEP_LIMIT_S = 900.0
"""Seconds without a step after which a group of workers counts as stuck."""
_TASK = re.compile(r"/job:(chief|worker)/(?:replica:0/)?task:(\d+)")
_ERRORS = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.InternalError,
)


class WorkerLost(RoadsegError):
    """Another worker is gone: the same command, on all workers, goes on."""

    status = 75
    """EX_TEMPFAIL of sysexits.h: nothing is wrong with what was asked, ask again."""


@contextmanager
def naming_the_lost(strategy: Strategy) -> Iterator[None]:
    """Turn TensorFlow's error on a lost worker, met inside, into a WorkerLost that names it."""
    try:
        yield
    except _ERRORS as error:
        addresses = workers(strategy)
        if len(addresses) < 2 or "ollective" not in error.message:
            raise
        if is_chief(strategy):
            # The service of the others' heartbeats is here: they hear of the lost one first.
            time.sleep(2.0)
        raise WorkerLost(f"{_lost(error.message, strategy)}; {_WAY_OUT}") from None


_WAY_OUT = "start the same command on all workers again, it goes on from the last checkpoint"


def _lost(message: str, strategy: Strategy) -> str:
    """Return the workers that an error names, but this one, as 'worker 1 (host:port) is lost'."""
    jobs = strategy.cluster_resolver.cluster_spec().as_dict()
    own = (strategy.cluster_resolver.task_type, strategy.cluster_resolver.task_id)
    tasks = [(job, int(number)) for job, number in _TASK.findall(message)]
    named = [f"{job} {n} ({jobs[job][n]})" for job, n in dict.fromkeys(tasks) if (job, n) != own]
    if not named:
        return "a worker that TensorFlow does not name is lost"
    return f"{' and '.join(named)} {'is' if len(named) == 1 else 'are'} lost"


class StepLimit:
    """Ends this process where no step is done for long, since nothing else would."""

    def __init__(self, seconds: float, strategy: Strategy):
        """Watch over the steps of several workers; 0: no limit."""
        self.seconds = seconds
        self.watched = len(workers(strategy)) > 1 and seconds > 0
        self._over = threading.Event()
        self.advance()

    def advance(self) -> None:
        """Note that a step is done."""
        self._done = time.monotonic()

    def __enter__(self) -> "StepLimit":
        """Begin to watch."""
        self.advance()
        if self.watched:
            threading.Thread(target=self._watch, name="step-limit", daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        """Watch no longer."""
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(min(self.seconds / 10, 5.0)):
            if time.monotonic() - self._done > self.seconds:
                print(
                    f"error: no step for {self.seconds:.0f} s: a worker lives and does not go on; "
                    f"{_WAY_OUT}",
                    file=sys.stderr,
                    flush=True,
                )
                os._exit(WorkerLost.status)
