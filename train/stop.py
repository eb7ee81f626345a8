"""A request to stop, by a signal to any worker: heard by all of them at the same step."""

import os
import signal
import socket
import threading
from types import FrameType
from typing import Any

STOPPING = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
"""SIGTERM: of systems that want their machine back; SIGUSR1: Slurm's usual warning; Ctrl-C."""


class StopSignal:
    """While in use, the first signal is only noted; a second one ends the process at once."""

    def __init__(self) -> None:
        """Note nothing yet."""
        self.received = 0
        self._before: dict[int, Any] = {}
        self._ends: tuple[socket.socket, socket.socket] | None = None

    def __enter__(self) -> "StopSignal":
        """Take over the signals (only the main thread may)."""
        if threading.current_thread() is threading.main_thread():
            self._ends = socket.socketpair()
            for end in self._ends:
                end.setblocking(end is self._ends[0])
            self._wakeup = signal.set_wakeup_fd(self._ends[1].fileno(), warn_on_full_buffer=False)
            for number in STOPPING:
                self._before[number] = signal.signal(number, self._note)
            threading.Thread(target=self._watch, args=(self._ends[0],), daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        """Give the signals back."""
        self._give_back()
        if self._ends:
            signal.set_wakeup_fd(self._wakeup)
            self._ends[1].close()

    def _note(self, number: int, _: FrameType | None) -> None:
        self.received = number
        self._give_back()

    def _give_back(self) -> None:
        while self._before:
            number, handler = self._before.popitem()
            signal.signal(number, handler)

    def _watch(self, end: socket.socket) -> None:
        """End the process at a second signal while the main thread has not come to the first.

        Python runs handlers between its own instructions: a step, or the wait for a worker, may
        take minutes until then.
        """
        first = True
        with end:
            while numbers := end.recv(1):
                if numbers[0] in STOPPING and not first and self._before:
                    os._exit(128 + numbers[0])
                first = False


class Agreement:
    """Whether to stop after a step: the same answer on all workers."""

    def __init__(self, stop: StopSignal, alone: bool):
        """Listen to `stop`. alone: there are no other workers, and nothing to agree on."""
        self.stop, self.alone = stop, alone
        self._before: Any = None

    @property
    def asks(self) -> float:
        """What this worker brings into the sum of its next step: above 0 asks to stop."""
        return float(bool(self.stop.received))

    def reached(self, asked: Any) -> bool:
        """Return whether to stop now, after a step whose sum over all replicas is `asked`.

        The sum of the step before is looked at, which is there by now: to wait for this step's
        would keep an accelerator from being given the next one. All workers see the same sums, so
        all stop at the same step.
        """
        if self.alone:
            # Read once: a signal after this has to wait for the next step.
            return bool(self.stop.received)
        before, self._before = self._before, asked
        return before is not None and float(before) > 0
