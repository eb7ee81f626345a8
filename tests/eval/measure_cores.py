"""Time of an evaluation, and of a search for the centroids of classes, by processor cores.

python -m tests.eval.measure_cores runs/street --cores 1 2 --turns 3
python -m tests.eval.measure_cores --records records --cores 1 2 --turns 3

Processes with so many cores take turns; each works once without the clock, then three times with
it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

PASSES = 3


def main(argv: Sequence[str] | None = None) -> None:
    """Print the seconds of each turn, and how many times faster more cores are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, nargs="?", help="evaluated; else --records")
    parser.add_argument("--records", type=Path, help="whose centroids are sought")
    parser.add_argument("--split", default="train")
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.child:
        work = evaluation(options) if options.run else search(options)
        print(json.dumps(seconds(work)))
        return
    found: dict[int, list[float]] = {cores: [] for cores in options.cores}
    for _ in range(options.turns):
        for cores in options.cores:
            found[cores].append(turn(cores, sys.argv[1:] if argv is None else argv))
            print(f"{cores} cores: {found[cores][-1]:.2f} s", flush=True)
    for cores in options.cores[1:]:
        pairs = zip(found[options.cores[0]], found[cores], strict=True)
        ratios = sorted(alone / more for alone, more in pairs)
        print(
            f"{options.cores[0]} to {cores} cores: {statistics.median(ratios):.2f} times, "
            f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
        )


def turn(cores: int, argv: Sequence[str]) -> float:
    """Return the median of a process that may use the first `cores` cores."""
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    command = [sys.executable, "-m", "tests.eval.measure_cores", *argv, "--child"]
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, allowed),
    )
    return float(statistics.median(json.loads(done.stdout.splitlines()[-1])))


def seconds(work: Callable[[], object]) -> list[float]:
    """Return how long `work` takes once it is warm."""
    work()
    found = []
    for _ in range(PASSES):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return found


def evaluation(options: argparse.Namespace) -> Callable[[], object]:
    """Return what evaluates the last checkpoint, with its weights read and its graph traced."""
    from roadseg.eval.cores import share_cores
    from roadseg.eval.evaluation import Evaluation
    from roadseg.eval.job import EvaluationOptions
    from roadseg.runs.run_folder import RunFolder

    share_cores()
    wanted = EvaluationOptions(split="val", records=options.records)
    evaluation = Evaluation(RunFolder(options.run), wanted)
    evaluate = evaluation.load(evaluation.find_step())
    return lambda: evaluate(None)


def search(options: argparse.Namespace) -> Callable[[], object]:
    """Return what finds centroids in tiles of 256 pixels anew."""
    from roadseg.data_conversion.read.records import open_records
    from roadseg.train.data.centroid_cache import find_centroids

    records = open_records(options.records, options.split)
    return lambda: find_centroids(records, 256)


if __name__ == "__main__":
    main()
