"""SIGTERM and SIGHUP end a command as Ctrl-C does: what is half-written is removed on the way out.

By themselves they end a process at once, and folders that were being written stay beside their
place.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGHUP)
"""Of systems that want their machine back, and of terminals that are closed."""


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
        try:
            yield
        except BaseException:
            if heard:
                raise Terminated(heard[0]) from None
            raise
