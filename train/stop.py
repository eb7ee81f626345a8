"""SIGTERM and SIGINT as a request to stop after the step in progress."""

import signal
import threading
from types import FrameType
from typing import Any


class StopSignal:
    """While in use, the first signal is only noted; a second one acts as it always does."""

    def __init__(self) -> None:
        """Note nothing yet."""
        self.received = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "StopSignal":
        """Take over both signals (only the main thread may)."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: Any) -> None:
        """Give the signals back."""
        self._give_back()

    def _note(self, number: int, _: FrameType | None) -> None:
        self.received = number
        self._give_back()

    def _give_back(self) -> None:
        while self._before:
            number, handler = self._before.popitem()
            signal.signal(number, handler)
