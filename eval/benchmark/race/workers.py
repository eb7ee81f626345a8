"""One process for each contestant: runtimes disturb each other's threads and memory in one.

While one labels an image the others wait for a message, so they do not run side by side.
"""

import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from roadseg.command_line.quiet import given_environment, quiet_tensorflow
from roadseg.errors import RoadsegError
from roadseg.eval.benchmark.race.contestants import Contestant, Setting
from roadseg.eval.benchmark.race.turns import Lap

PAUSE_S = 0.05
"""Before each lap: some runtimes let their threads wait busily for a while after a call."""
PATIENCE_S = 5.0
"""For a process to end by itself."""


class Worker:
    """A process that has a contestant loaded and warmed up."""

    def __init__(self, contestant: Contestant, setting: Setting, image: np.ndarray) -> None:
        """Start the process; `wait` says when it is ready.

        image: RGB uint8 (height, width, 3), which every lap labels.
        """
        # Not forked: TensorFlow's threads do not come along.
        context = multiprocessing.get_context("spawn")
        self.contestant = contestant
        self.names: tuple[str, ...] | None = None
        self._connection, far = context.Pipe()
        # The type is that of another context's processes in the stubs.
        self._process: Any = context.Process(
            target=serve, args=(far, contestant, setting, image, _is_quiet()), daemon=True
        )
        self._process.start()
        far.close()

    def wait(self) -> None:
        """Return once the contestant is warmed up; RoadsegError where it cannot be loaded."""
        self.names = self._answer()

    def lap(self) -> Lap:
        """Label the image once."""
        time.sleep(PAUSE_S)
        self._connection.send(None)
        found: Lap = self._answer()
        return found

    def label(self, image: np.ndarray) -> np.ndarray:
        """Return the labels (height, width) of RGB uint8 (height, width, 3)."""
        self._connection.send(image)
        return np.asarray(self._answer())

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join(PATIENCE_S)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()

    def _answer(self) -> Any:
        try:
            good, value = self._connection.recv()
        except EOFError:
            self._process.join(PATIENCE_S)
            status = self._process.exitcode
            raise RoadsegError(
                f"{self.contestant.name}: {self.contestant.runtime} ended with status {status} "
                "and said nothing; -9 is often lack of memory, a smaller --size needs less"
            ) from None
        if not good:
            raise RoadsegError(value)
        return value


@contextmanager
def started(
    found: Sequence[Contestant], setting: Setting, image: np.ndarray
) -> Iterator[list[Worker]]:
    """Give a worker for each contestant, all ready; they end when the block does.

    They are started one after the other, so that none warms up while another does.
    """
    with ExitStack() as stack:
        workers = []
        for contestant in found:
            print(f"{contestant.name}: {contestant.runtime}", file=sys.stderr, flush=True)
            worker = Worker(contestant, setting, image)
            stack.callback(worker.close)
            worker.wait()
            workers.append(worker)
        yield workers


def _is_quiet() -> bool:
    """Return whether TensorFlow's notices are unwanted: they are, unless the user set the level."""
    return "TF_CPP_MIN_LOG_LEVEL" not in given_environment()


def serve(
    connection: Connection,
    contestant: Contestant,
    setting: Setting,
    image: np.ndarray,
    quiet: bool = True,
) -> None:
    """Load a contestant, say so, and label what is asked for until nobody asks any more.

    Answers (True, value) or (False, message); the first value is the class names, None if unknown.
    """
    # What runtimes print is not the benchmark's output.
    os.dup2(2, 1)
    # All race on the processor.
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    from roadseg.eval.benchmark.race.labellers import labeller_of

    if quiet:
        os.environ.pop("TF_CPP_MIN_LOG_LEVEL", None)
        quiet_tensorflow()
    try:
        labeller = labeller_of(contestant, setting)
        for _ in range(max(setting.warm_up, 1)):
            labeller.label(image)
        connection.send((True, labeller.names))
        while True:
            asked = connection.recv()
            value = labeller.lap(image) if asked is None else labeller.label(asked)
            connection.send((True, value))
    except (EOFError, KeyboardInterrupt):
        return
    except RoadsegError as error:
        connection.send((False, str(error)))
    except Exception as error:  # runtimes raise what they like
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        connection.send(
            (False, f"{contestant.name}: {contestant.runtime} fails ({reason}); try another --size")
        )
