"""Times the confusion matrix beside a compiled loop over the pixels, in one process.

python -m roadseg.eval.benchmark.confusion
python -m roadseg.eval.benchmark.confusion --size 1024x2048 --repeats 30

The loop is what SGCPNet's `miou_utils` (Cython) becomes, written in C and compiled when this runs:
its published binary is for Python 3.6, and Cython is not there once the project is installed. Only
ratios of times taken in turns are printed, since times themselves depend on what else runs.
"""

import argparse
import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.metrics.confusion import ConfusionMatrix

CLASSES = 19
IGNORE = 255
LOOP = """
#include <stddef.h>
#include <stdint.h>

void count(const uint8_t *labels, const uint8_t *predictions, size_t pixels, uint8_t classes,
           int64_t *counts) {
  for (size_t i = 0; i < pixels; ++i) {
    if (labels[i] < classes) ++counts[labels[i] * (size_t)classes + predictions[i]];
  }
}
"""

Count = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Takes labels and predictions (height, width) and returns counts (classes, classes)."""


def main(argv: Sequence[str] | None = None) -> int:
    """Print how many times as fast as the loop each way counts; return 1 if ours is slower."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", default="1024x2048", help="height x width of the maps")
    parser.add_argument("--repeats", type=int, default=20, help="turns; the best of each counts")
    options = parser.parse_args(argv)
    try:
        size = tuple(int(side) for side in options.size.split("x"))
        height, width = size
    except ValueError:
        parser.error(f"--size {options.size}: give height and width, such as 1024x2048")
    if min(height, width) < 64 or options.repeats < 1:
        parser.error("sides of at least 64 pixels, and at least one turn")
    try:
        with tempfile.TemporaryDirectory() as folder:
            rows = ratios((height, width), options.repeats, compiled_loop(Path(folder)))
    except RoadsegError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{height}x{width}, {CLASSES} classes; times as fast as the compiled loop:")
    for name, values in rows.items():
        print(f"  {name:<8}" + "   ".join(f"{way} {ratio:.2f}" for way, ratio in values.items()))
    return int(min(values["ours"] for values in rows.values()) < 1)


def ratios(size: tuple[int, int], repeats: int, loop: Count) -> dict[str, dict[str, float]]:
    """Return the time of the loop over that of each way, by kind of map and way.

    Raises RoadsegError where two ways count differently.
    """
    found = {}
    for kind, (labels, predictions) in maps(size).items():
        wide = predictions.astype(np.int32)
        calls = {
            "loop": lambda a=labels, b=predictions: loop(a, b),
            "ours": lambda a=labels, b=predictions: counted(a, b),
            "ours, int32 predictions": lambda a=labels, b=wide: counted(a, b),
            "numpy": lambda a=labels, b=predictions: counted_by_numpy(a, b),
        }
        counts = {way: call() for way, call in calls.items()}
        if any((of_way != counts["loop"]).any() for of_way in counts.values()):
            raise RoadsegError(f"{kind} maps are not counted alike; report this")
        best = dict.fromkeys(calls, float("inf"))
        for _ in range(repeats):
            for way, call in calls.items():
                begin = time.thread_time_ns()
                call()
                best[way] = min(best[way], time.thread_time_ns() - begin)
        found[kind] = {way: best["loop"] / best[way] for way in calls if way != "loop"}
    return found


def maps(size: tuple[int, int]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return labels and predictions, uint8, like those of streets and of pure noise."""
    from roadseg.nus_native.street import draw_street

    random = np.random.default_rng(0)
    noise = random.integers(0, CLASSES, (2, *size), np.uint8)
    street = draw_street(*size, seed=0).astype(np.uint8)
    street[street >= CLASSES] = IGNORE
    # Boundaries a little beside the true ones, and single wrong pixels, as networks have them.
    prediction = np.where(random.random(size) < 0.02, noise[0], np.roll(street, 3, 1))
    prediction[prediction == IGNORE] = 0
    noise[0][random.random(size) < 0.1] = IGNORE
    return {"street": (street, prediction.astype(np.uint8)), "noise": (noise[0], noise[1])}


def counted(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return what a confusion matrix of one image counts."""
    matrix = ConfusionMatrix(CLASSES, IGNORE)
    matrix.add(labels, predictions)
    return matrix.matrix


def counted_by_numpy(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return the counts by NumPy's bincount."""
    codes = np.minimum(labels, CLASSES).astype(np.uint16) * np.uint16(CLASSES) + predictions
    counts = np.bincount(codes.ravel(), minlength=CLASSES * (CLASSES + 1))
    return counts[: CLASSES * CLASSES].reshape(CLASSES, CLASSES)


def compiled_loop(folder: Path) -> Count:
    """Compile the loop in `folder` and return it; RoadsegError where there is no C compiler."""
    compiler = next(filter(shutil.which, (os.environ.get("CC", "cc"), "gcc", "clang")), None)
    if compiler is None:
        raise RoadsegError("no C compiler; install one (Debian: apt-get install gcc), or set CC")
    source, library = folder / "loop.c", folder / "loop.so"
    source.write_text(LOOP, encoding="utf-8")
    command = [compiler, "-O3", "-shared", "-fPIC", str(source), "-o", str(library)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RoadsegError(f"{' '.join(command)}: {done.stderr.strip().splitlines()[-1]}")
    function = ctypes.CDLL(str(library)).count
    bytes_ = np.ctypeslib.ndpointer(np.uint8, flags="C_CONTIGUOUS")
    counts_ = np.ctypeslib.ndpointer(np.int64, flags="C_CONTIGUOUS")
    function.argtypes = [bytes_, bytes_, ctypes.c_size_t, ctypes.c_uint8, counts_]
    function.restype = None

    def count(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
        counts = np.zeros((CLASSES, CLASSES), np.int64)
        function(labels, predictions, labels.size, CLASSES, counts)
        return counts

    return count


if __name__ == "__main__":
    sys.exit(main())
