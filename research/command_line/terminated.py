"""SIGTERM and SIGHUP end a command as Ctrl-C does: what is half-written is removed on the way out.

By themselves they end a process at once, and folders that were being written stay beside their
place.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGHUP)
"""Of systems that want their machine back, and of terminals that are closed."""
AGAIN_S = 0.05
"""Seconds after which a signal that was lost is sent again."""


class Terminated(KeyboardInterrupt):
    """A signal asked the command to end. number: of the signal."""

    def __init__(self, number: int) -> None:
        """Note the signal."""
        super().__init__()
        self.number = number


@contextmanager
def as_interrupt() -> Iterator[None]:
    """Raise `Terminated` inside, in the main thread, where one of the signals would kill.

    Libraries may make another error of it on its way: whatever comes out after a signal is it.
    """
    heard: list[int] = []

    def hear(number: int, _: FrameType | None) -> None:
        heard.append(number)
        raise Terminated(number)

    with ExitStack() as stack:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores SIGHUP
                    signal.signal(number, hear)
                    stack.callback(signal.signal, number, signal.SIG_DFL)
            stack.enter_context(_heard_wherever_it_strikes())
        try:
            yield
        except BaseException:
            if heard:
                raise Terminated(heard[0]) from None
            raise


@contextmanager
def _heard_wherever_it_strikes() -> Iterator[None]:
    """Send a signal again whose exception was dropped: Python does so where it clears up objects.

    In a `__del__` or a callback of the garbage collector it would be printed and forgotten.
    """
    before, ended = sys.unraisablehook, threading.Event()

    def send(number: int) -> None:
        if not ended.is_set():
            os.kill(os.getpid(), number)

    def dropped(found: Any) -> None:
        if not isinstance(found.exc_value, KeyboardInterrupt):
            before(found)
            return
        number = getattr(found.exc_value, "number", signal.SIGINT)
        timer = threading.Timer(AGAIN_S, send, [number])
        timer.daemon = True
        timer.start()

    sys.unraisablehook = dropped
    try:
        yield
    finally:
        ended.set()
        sys.unraisablehook = before
