"""The results of a race as a table, as JSON, and as what a plot shows."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from roadseg.eval.benchmark.race.race import Result
from roadseg.eval.benchmark.race.turns import CONFIDENCE, Ratio

if TYPE_CHECKING:
    from rich.table import Table

TITLE = "image to labels of every pixel"


def table(results: Sequence[Result]) -> "Table":
    """Return medians and quartiles in milliseconds, and mIoU in percent where it was counted."""
    from roadseg.eval.tables import new_table

    scored = any(one.miou is not None for one in results)
    columns = ["", "runtime", "median\nms", "quartiles", "in the\nfile", "CPU ms"]
    columns += ["mIoU\n(%)"] if scored else []
    found = new_table(TITLE, *columns)
    for one in results:
        low, median, high = one.laps.quartiles()
        cells = [one.contestant.name, one.contestant.runtime, f"{median:.1f}"]
        cells += [f"{low:.1f}-{high:.1f}", f"{one.laps.median_of('file_ms'):.1f}"]
        cells += [f"{one.laps.median_of('cpu_ms'):.1f}"]
        if scored:
            cells.append("-" if one.miou is None else f"{100 * one.miou:.2f}")
        found.add_row(*cells)
    return found


def ratio_lines(results: Sequence[Result]) -> list[str]:
    """Return how many times as fast as each other ours is, with the interval, a line a pair."""
    return [
        f"{one.contestant.name} is {ratio.value:.2f} times as fast as {other} "
        f"({ratio.low:.2f} to {ratio.high:.2f}{_if_level(ratio)})"
        for one in results
        for other, ratio in one.ratios.items()
    ]


def _if_level(ratio: Ratio) -> str:
    return ": neither is shown to be faster" if ratio.low <= 1 <= ratio.high else ""


def as_values(result: Result) -> dict[str, Any]:
    """Return a result as JSON values, every lap included."""
    low, median, high = result.laps.quartiles()
    return {
        "name": result.contestant.name,
        "runtime": result.contestant.runtime,
        "ours": result.contestant.ours,
        "median_ms": median,
        "low_ms": low,
        "high_ms": high,
        "file_ms": result.laps.median_of("file_ms"),
        "cpu_ms": result.laps.median_of("cpu_ms"),
        "miou": result.miou,
        "ratios": {name: dataclasses.asdict(ratio) for name, ratio in result.ratios.items()},
        "laps_ms": [round(lap.ms, 3) for lap in result.laps.laps],
    }


def conditions(
    image: str, threads: int, rounds: int, warm_up: int, processor: str
) -> dict[str, str | int]:
    """Return what the numbers depend on."""
    return {
        "image": f"{image}, uint8 RGB, the same for all",
        "device": f"{processor}, {threads} threads each, no GPU",
        "protocol": (
            f"one process each, in turns: {rounds} rounds after {warm_up} calls to warm up, one "
            "call of each a round, in an order drawn anew; median and quartiles"
        ),
        "ratio": (
            "the other's time over ours, median of the rounds; in brackets its "
            f"{CONFIDENCE:.0%} interval, a bootstrap over the rounds"
        ),
        "in the file": (
            "the part spent in the network's own file or graph; the rest is what a user of the "
            "file does with OpenCV and NumPy: resize, normalise, enlarge, take the best class"
        ),
    }
