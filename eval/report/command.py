"""`roadseg report`: one HTML file that shows a run, or several side by side, and needs no net."""

import dataclasses
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import tyro

from roadseg.command_line import arguments
from roadseg.errors import RoadsegError
from roadseg.files import refuse_unwritable, write_text
from roadseg.runs.run_folder import RunFolder

EXAMPLE = """roadseg report runs/uniform64 runs/density64 --to report.html"""


@dataclasses.dataclass(frozen=True)
class ReportOptions:
    """Write what is known of one or several runs to one self-contained HTML file."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """Run folders; a run behind a learned sampler is compared with the uniform one of its size."""
    to: Path = Path("report.html")
    """File to write."""
    evaluation: str | None = None
    """Kind of evaluation to show, such as val-nus; default: the one that most runs have."""
    step: int | Literal["best", "last"] = "last"
    """Evaluated step to show."""
    pictures: int = 3
    """Worst images to show, and as many of the best; 0 for none."""
    records: Path | None = None
    """Folder of records to take images from; default: the recipe's."""
    latency: bool = False
    """Time one image of each run on this machine, for the table that is printed."""


def main(argv: Sequence[str]) -> int:
    """Run the command and return the exit status."""
    options = arguments.parse(ReportOptions, argv, command="report", example=EXAMPLE)
    refuse_unwritable(options.to)
    with _status() as tell:
        page = report(options, tell)
    write_text(options.to, page)
    print_table(options)
    print(f"written: {options.to} ({len(page.encode()) / 1e6:.1f} MB)")
    return 0


def print_table(options: ReportOptions) -> None:
    """Print the segmentation runs side by side; nothing if there are none."""
    from roadseg.eval.report.comparison import comparison_table
    from roadseg.eval.tables import console

    table, rows = comparison_table(options.runs, options.evaluation, options.latency)
    if rows:
        console().print(table)


def report(options: ReportOptions, tell: Callable[[str], None] = lambda text: None) -> str:
    """Return the report as one HTML page; `tell` is called with what is being done.

    Raises RoadsegError for folders that are no runs, and evaluations that are not there. Without
    its records a report is made without pictures, and says so.
    """
    for path in options.runs:  # before a framework is imported
        if not RunFolder(path).exists:
            raise RoadsegError(f"{path}: no run here (no recipe.json); give a run folder")
    from roadseg.eval.report.data import load_runs
    from roadseg.eval.report.page import page

    if not options.runs:
        raise RoadsegError("report: name at least one run folder")
    if options.pictures < 0:
        raise RoadsegError(f"--pictures {options.pictures}: give 0 or more")
    tell("reading runs")
    runs = load_runs(options.runs, options.evaluation, options.step)
    return page(runs, options.pictures, options.records, tell)


@contextmanager
def _status() -> Iterator[Callable[[str], None]]:
    """Show what is being done on standard error; nothing where that is no terminal."""
    if not sys.stderr.isatty():
        yield lambda text: None
        return
    from rich.console import Console

    with Console(stderr=True, markup=False, emoji=False).status("report") as status:
        yield lambda text: status.update(text)
