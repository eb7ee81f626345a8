"""Progress of a command over its images: a bar on a terminal, lines in a log."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[int, int], None]
"""Called with (images done, images to do) after each image."""


def say(line: str) -> None:
    """Print one line on standard error, at once."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def progress_bar(what: str) -> Iterator[Progress]:
    """Show a bar on standard error; a line at the start and at each tenth if it is no terminal."""
    if not sys.stderr.isatty():
        yield lambda done, of: _say_tenths(what, done, of)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(
        *columns, console=Console(stderr=True, markup=False, emoji=False), transient=True
    ) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _say_tenths(what: str, done: int, of: int) -> None:
    if of >= 10 and done * 10 // of > (done - 1) * 10 // of:
        say(f"{what}: {done} of {of} images")
