"""Progress of work on many files: a bar on a terminal, a few lines elsewhere."""

import contextlib
import threading
from collections.abc import Callable, Iterator

_LINES = 10


@contextlib.contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[], None]]:
    """Yield a function to call after each of `total` pieces of work, from any thread."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(markup=False, emoji=False)
    if console.is_terminal:
        columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console) as bar:
            task = bar.add_task(title, total=total)
            yield lambda: bar.advance(task)
        return
    lock, done = threading.Lock(), 0

    def advance() -> None:
        nonlocal done
        with lock:
            done += 1
            if done * _LINES // total > (done - 1) * _LINES // total:
                print(f"{title}: {done}/{total}", flush=True)

    yield advance
