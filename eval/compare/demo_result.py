"""What the demo found, in five lines for someone who sees the project for the first time.

example: python -m roadseg.eval.compare.demo_result runs/uniform runs/density --report report.html
"""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from roadseg.command_line import arguments
from roadseg.errors import RoadsegError
from roadseg.eval.report.comparison import BOUNDARY_PX, Comparison, compare
from roadseg.eval.report.data import ReportedRun, load_runs


@dataclass(frozen=True)
class Options:
    """Compare a run on uniform samples with one on learned ones, both evaluated."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """Run folders: uniform sampling, then learned."""
    report: Path = Path("report.html")
    """Where the report lies, for the last line."""


def main(argv: Sequence[str]) -> int:
    """Print the five lines and return the exit status."""
    options = arguments.parse(Options, argv, command="demo_result", example=__doc__ or "")
    if len(options.runs) != 2:
        raise RoadsegError("demo_result: name two runs, on uniform samples and on learned ones")
    uniform, learned = load_runs(options.runs)
    print("\n".join(lines(uniform, learned, options.report)))
    return 0


def lines(uniform: ReportedRun, learned: ReportedRun, report: Path) -> list[str]:
    """Return the five lines; both runs are evaluated segmentation runs and are timed here.

    Raises RoadsegError for a run without an evaluation.
    """
    for run in (uniform, learned):
        if run.segmentation is None:
            raise RoadsegError(f"{run.run.path}: not evaluated; roadseg eval {run.run.path}")
    rows = compare(uniform, latency=True), compare(learned, latency=True)
    images = learned.segmentation.images if learned.segmentation else 0
    return [
        f"Compared: the same network on {_size(uniform)} evenly spread pixels of each picture and "
        f"on {_size(learned)} pixels that a small network chose; {images} pictures never seen.",
        f"Score: {_score('mIoU', *(row.miou for row in rows))}; "
        f"{_score(f'right within {BOUNDARY_PX} px of an edge', *(row.boundary for row in rows))}.",
        f"Cost of a picture: {_costs(*rows)} (evenly, chosen).",
        f"So: {_meaning(*rows)}",
        f"Look: open {report} in a browser; both networks side by side, picture by picture.",
    ]


def _size(run: ReportedRun) -> str:
    height, width = run.recipe.sampling_size
    return f"{height}x{width}"


def _score(what: str, uniform: float, learned: float) -> str:
    gain = 100 * (learned - uniform)
    return f"{what} {100 * uniform:.1f} % evenly, {100 * learned:.1f} % chosen ({gain:+.1f})"


def _costs(uniform: Comparison, learned: Comparison) -> str:
    return (
        f"{uniform.macs / 1e6:.0f} and {learned.macs / 1e6:.0f} million multiply-adds, "
        f"{uniform.latency_ms:.0f} and {learned.latency_ms:.0f} ms of processor time"
    )


def _meaning(uniform: Comparison, learned: Comparison) -> str:
    """Return one sentence that says what the scores say, whichever way they fell."""
    gains = learned.miou - uniform.miou, learned.boundary - uniform.boundary
    if any(math.isnan(gain) for gain in gains):
        return "a score is missing, so nothing can be said; evaluate both runs on the same pictures"
    price = _price(uniform, learned)
    if min(gains) > 0:
        return f"choosing the pixels labels more of the street rightly, {price}."
    if max(gains) <= 0:
        return "here choosing the pixels did not help; train longer, or on other pictures."
    better, worse = ("classes", "edges") if gains[0] > 0 else ("edges", "classes")
    return f"choosing the pixels helped with {better} and not with {worse}, {price}."


def _price(uniform: Comparison, learned: Comparison) -> str:
    """Return what the learned samples cost beside the uniform ones, in words."""
    arithmetic = "no more" if learned.macs <= uniform.macs else "more"
    slower = learned.latency_ms - uniform.latency_ms
    time = f" and {slower:.0f} ms more of processor time" if slower >= 1 else ""
    return f"for {arithmetic} multiply-adds{time}"


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except RoadsegError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
