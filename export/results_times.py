"""Times the exports of one network in turns, by `roadseg benchmark` in a process of its own.

As a process, since export imports nothing of evaluation.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roadseg.errors import RoadsegError

Size = tuple[int, int]


def raced(
    network: str, files: Mapping[str, Path], size: Size, rounds: int, threads: int | None
) -> dict[str, Any]:
    """Return what the Keras model and its exports took, image to labels, all in the same minutes.

    network: a preset or the path of a run. files: folders of exports by the name of their row.
    Returns the `conditions`, and `rows`: by name, and "keras", `ms` with `low_ms` and `high_ms`
    (quartiles) and `keras_over_this`: how many times as fast as Keras, the median of the rounds.
    Raises RoadsegError with the last words of the race if it fails.
    """
    names = {"keras": network, **{name: str(folder) for name, folder in files.items()}}
    command = [sys.executable, "-m", "roadseg", "benchmark", *names.values(), "--json"]
    command += ["--size", "x".join(map(str, size)), "--repeats", str(rounds)]
    command += [] if threads is None else ["--threads", str(threads)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or [f"status {ended.returncode}"])[-1]
        raise RoadsegError(f"{network}: not timed: {last.removeprefix('error: ')}")
    found = json.loads(ended.stdout)
    by_name = {row["name"]: row for row in found["rows"]}
    keras = by_name[network]["laps_ms"]
    return {
        "conditions": found["conditions"],
        "rows": {
            name: {
                "ms": by_name[given]["median_ms"],
                "low_ms": by_name[given]["low_ms"],
                "high_ms": by_name[given]["high_ms"],
                "keras_over_this": _median_ratio(keras, by_name[given]["laps_ms"]),
            }
            for name, given in names.items()
        },
    }


def _median_ratio(theirs: list[float], ours: list[float]) -> float:
    """Return the median of their times over ours, which were measured in the same rounds."""
    import numpy as np

    return float(np.median(np.divide(theirs, ours)))
