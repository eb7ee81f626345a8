"""`roadseg benchmark --input`: images a second of the input pipeline, beside OpenCV's.

Both are timed by a process of the training code, which evaluation does not import.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.eval.benchmark.race.turns import CONFIDENCE, LEAST_ROUNDS, ratio

if TYPE_CHECKING:
    from rich.table import Table

    from roadseg.eval.benchmark.options import BenchmarkOptions

TITLES = {"ours": "roadseg", "opencv": "OpenCV + NumPy"}
USUAL_CROP = (832, 832)


def time_input(options: "BenchmarkOptions", threads: int) -> int:
    """Time the input pipeline on what `options` name, print it, and return the exit status."""
    from roadseg.command_line.options import parse_size
    from roadseg.eval.benchmark.latency import processor_name
    from roadseg.eval.tables import show_benchmark

    check(options)
    crop = parse_size(options.size) if options.size else USUAL_CROP
    assert options.input is not None
    found = measured(options.input, options, crop, threads)
    rows = speeds(found)
    size = found["image_size"]
    conditions = {
        "images": f"{found['format']}, {'x'.join(map(str, size)) if size else 'of several sizes'}",
        "work": (
            "decode image and label, scale by 0.5 to 2, crop "
            f"{crop[0]}x{crop[1]}, flip, batches of 4; cache: {options.input_cache}"
        ),
        "device": f"{processor_name()}, {threads} threads each",
        "inflate": found["inflate"],
        "protocol": (
            f"in turns: {options.repeats} rounds of {found['images']} images after one to warm up, "
            "medians; OpenCV reads from memory, roadseg from files"
        ),
        "ratio": (
            f"OpenCV's time over ours, median of the rounds; in brackets its {CONFIDENCE:.0%} "
            "interval, a bootstrap over the rounds"
        ),
    }
    show_benchmark(table(rows), rows, conditions, options.json, ratio_lines(rows))
    return 0


def check(options: "BenchmarkOptions") -> None:
    """Raise RoadsegError for options that say nothing about an input pipeline."""
    assert options.input is not None
    if options.names or options.all or options.against:
        raise RoadsegError("--input: times the reading of images alone; leave networks out")
    if not options.input.is_dir():
        raise RoadsegError(f"{options.input}: no such folder; give records, or one of pictures")
    if options.repeats < LEAST_ROUNDS:
        raise RoadsegError(
            f"--input --repeats {options.repeats}: a ratio with its interval needs {LEAST_ROUNDS} "
            "rounds or more"
        )


def measured(
    source: Path, options: "BenchmarkOptions", crop: tuple[int, int], threads: int
) -> dict[str, Any]:
    """Return what the process that times both has found; RoadsegError with its last words."""
    command = [sys.executable, "-m", "roadseg.train.data.speed", str(source)]
    command += ["--crop", *map(str, crop), "--split", options.split or "train"]
    command += ["--rounds", str(options.repeats), "--threads", str(threads)]
    command += ["--cache", options.input_cache]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise RoadsegError(lines[-1].removeprefix("error: "))
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def speeds(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each way: images a second, and a second of processor time, with ratios.

    Ratios compare ours with the other, by time and by processor time.
    """
    turns = {name: np.array(found["rounds"][name]) for name in TITLES}
    rows = []
    for name, times in turns.items():
        seconds, cpu = np.median(times, axis=0)
        rows.append(
            {
                "name": TITLES[name],
                "images_per_second": found["images"] / float(seconds),
                "images_per_cpu_second": found["images"] / float(cpu),
                "rounds": times.round(4).tolist(),
            }
        )
    for column, name in enumerate(("ratio", "cpu_ratio")):
        value = ratio(turns["ours"][:, column], turns["opencv"][:, column])
        rows[0][name] = {"value": value.value, "low": value.low, "high": value.high}
    return rows


def table(rows: Sequence[dict[str, Any]]) -> "Table":
    """Return the rows as a table for people."""
    from roadseg.eval.tables import new_table

    result = new_table("input pipeline", "", "images/s", "images/s a core")
    for row in rows:
        speed, on_a_core = row["images_per_second"], row["images_per_cpu_second"]
        result.add_row(row["name"], f"{speed:.1f}", f"{on_a_core:.1f}")
    return result


def ratio_lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return how many times as fast as OpenCV ours is, with the intervals."""
    ours, other = rows
    lines = []
    for name, what in (("ratio", "by the clock"), ("cpu_ratio", "by processor time")):
        found = ours[name]
        lines.append(
            f"{ours['name']} is {found['value']:.2f} times as fast as {other['name']} "
            f"({found['low']:.2f} to {found['high']:.2f}) {what}"
        )
    return lines
