"""Times the native code against the published way, in one process, on the same label maps.

python -m roadseg.nus_native.benchmark
python -m roadseg.nus_native.benchmark --maps 8 --repeats 10 --no-graph
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from roadseg import nus_native
from roadseg.nus_native import published
from roadseg.nus_native.peak_memory import peak_memory
from roadseg.nus_native.street import OBJECTS, Case, draw_street, interpolation_cases
from roadseg.processors import usable_cpus

Call = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One comparison; times are CPU milliseconds for one image, wanted the ratio aimed at."""

    task: str
    published_ms: float
    ours_ms: float
    wanted: float | None
    agreement: str


def main(argv: Sequence[str] | None = None) -> None:
    """Print machine, protocol, times and peak memory."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--maps", type=int, default=4, help="label maps drawn")
    parser.add_argument(
        "--repeats", type=int, default=5, help="runs over the maps; the best counts"
    )
    parser.add_argument("--side", type=int, default=1024, help="height of the maps in pixels")
    parser.add_argument("--no-graph", action="store_true", help="leave TensorFlow out")
    options = parser.parse_args(argv)
    if min(options.maps, options.repeats) < 1 or options.side < 64:
        parser.error("--maps and --repeats must be at least 1, --side at least 64")
    console = Console(width=None if Console().is_terminal else 140)
    describe(console, options)
    rows = target_rows(options.side, options.maps, options.repeats)
    cases = interpolation_cases(options.side)
    rows += interpolation_rows(cases, options.repeats, graph=not options.no_graph)
    console.print(table_of(rows))
    for line in memory_lines(options.side, cases[0]):
        console.print(line, highlight=False)


def one_blas_thread() -> None:
    """Start this program again with one BLAS thread, unless the environment says how many.

    SciPy's Delaunay calls LAPACK for each triangle; with more threads their waiting counts as CPU
    time, on a busy machine ten times the work itself, and the published way would look slow.
    """
    if "OPENBLAS_NUM_THREADS" in os.environ:
        return
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    os.execve(sys.executable, [sys.executable, "-m", __spec__.name, *sys.argv[1:]], environment)


def describe(console: Console, options: argparse.Namespace) -> None:
    """Print where, when and how this is measured."""
    import scipy

    system = f"{platform.system()} {platform.release()}"
    for line in (
        f"{cpu_name()}, {usable_cpus()} CPUs; {system}; {date.today()}",
        f"Python {platform.python_version()}, NumPy {np.__version__}, SciPy {scipy.__version__}; "
        f"Ceres {'built' if nus_native.has_ceres() else 'not built: its time is left out'}",
        f"CPU time of the process (all its threads), best of {options.repeats} runs over "
        f"{options.maps} drawn street maps after one to warm up; ours on one thread",
    ):
        console.print(line, highlight=False)


def cpu_name() -> str:
    """Return the processor's name as the system gives it."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def cpu_ms(calls: Sequence[Call], repeats: int) -> float:
    """Return the CPU milliseconds of one call, in the best of `repeats` runs through them."""
    for call in calls:
        call()
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        for call in calls:
            call()
        # The best: whatever else the machine does only adds time.
        best = min(best, time.process_time() - start)
    return 1000 * best / len(calls)


def target_rows(side: int, maps: int, repeats: int) -> list[Row]:
    """Return the comparisons of label map to sampling target."""
    streets = [draw_street(side, side, seed) for seed in range(maps)]
    rows = []
    for points, wanted in ((8, 100.0), (16, None), (64, 50.0)):
        grid = (points, points)
        theirs = [partial(published.boundary_targets, street, grid, OBJECTS) for street in streets]
        ours = [
            partial(nus_native.boundary_targets, street, grid, target_classes=OBJECTS)
            for street in streets
        ]
        apart = max(energy_excess(street, grid) for street in streets)
        rows.append(
            Row(
                f"targets, {side}x{side} at {points}x{points}",
                cpu_ms(theirs, repeats),
                cpu_ms(ours, max(repeats, 20)),
                wanted,
                f"energy {apart:+.1e}",
            )
        )
    return rows


def energy_excess(street: NDArray[np.uint8], grid: tuple[int, int]) -> float:
    """Return how much more energy the published targets have than ours, as a share of ours.

    Each against its own nearest edges, which may differ where two are equally near.
    """
    theirs_near = published.nearest_edges(published.edge_map(street, OBJECTS), grid)
    ours_near = nus_native.nearest_edges(street, grid, OBJECTS)
    theirs = nus_native.energy(published.boundary_targets(street, grid, OBJECTS), theirs_near)
    ours = nus_native.energy(nus_native.solve_grid(ours_near), ours_near)
    return float(theirs / ours - 1)


def interpolation_rows(cases: Sequence[Case], repeats: int, graph: bool) -> list[Row]:
    """Return the comparisons of samples to labels, and to scores, at every pixel."""
    rows = []
    for case in cases:
        arrays = (case.scores, case.grid, case.size)
        reference = published.labels(*arrays)
        theirs = cpu_ms([partial(published.labels, *arrays)], repeats)
        ways: dict[str, tuple[Call, float | None]] = {
            "native": (partial(nus_native.interpolate, *arrays, argmax=True), 20.0)
        }
        if graph:
            ways.update(graph_ways(case))
        for name, (call, wanted) in ways.items():
            same = float((np.asarray(call()).reshape(reference.shape) == reference).mean())
            task = f"labels, {case.scores.shape[0]}x{case.scores.shape[1]} to "
            task += f"{case.size[0]}x{case.size[1]}, {case.name}, {name}"
            wanted = wanted if case is cases[0] else None
            rows.append(Row(task, theirs, cpu_ms([call], repeats), wanted, f"{same:.2%} equal"))
    return rows


def graph_ways(case: Case) -> dict[str, tuple[Call, float | None]]:
    """Return un-sampling inside a TensorFlow graph, if that is installed."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import tensorflow as tf

        from roadseg.sampling import unsample
    except ImportError:
        return {}
    scores, grid = tf.constant(case.scores[None]), tf.constant(case.grid[None])
    function = tf.function(lambda s, g: unsample(s, g, case.size, argmax=True), autograph=False)
    return {"graph": (lambda: function(scores, grid).numpy(), 3.0)}


def table_of(rows: Sequence[Row]) -> Table:
    """Return the comparisons as a table."""
    table = Table()
    table.add_column("19 classes, one image")
    for title in ("published ms", "ours ms", "ratio", "wanted", "agreement"):
        table.add_column(title, justify="right")
    for row in rows:
        ratio = row.published_ms / row.ours_ms
        wanted = "" if row.wanted is None else f"{row.wanted:g}x"
        if row.wanted is not None:
            wanted += " reached" if ratio >= row.wanted else " missed"
        table.add_row(
            row.task,
            f"{row.published_ms:.1f}",
            f"{row.ours_ms:.3f}",
            f"{ratio:.0f}x" if ratio >= 10 else f"{ratio:.1f}x",
            wanted,
            row.agreement,
        )
    return table


def memory_lines(side: int, case: Case) -> list[str]:
    """Return what our calls add to memory at their peak, beside the size of their input."""
    street = draw_street(side, side, seed=0)
    lines = []
    for points in (8, 64):
        added = peak_memory(
            "boundary_targets", [street], grid=(points, points), target_classes=OBJECTS
        )
        lines.append(
            memory_line(f"targets at {points}x{points}", street.nbytes, added, "label map")
        )
    pixels = 4 * case.size[0] * case.size[1]
    arrays = [case.scores, case.grid]
    added = peak_memory("interpolate", arrays, size=case.size, argmax=True)
    lines.append(memory_line("labels", pixels, added, "int32 labels returned"))
    return lines


def memory_line(name: str, reference: int, added: int | None, what: str) -> str:
    """Return one sentence on peak memory."""
    if added is None:
        return f"peak memory of {name}: not measured on this system"
    return (
        f"peak memory of {name}: {added / 2**20:.1f} MiB, {added / reference:.1f} times the "
        f"{what} ({reference / 2**20:.1f} MiB)"
    )


if __name__ == "__main__":
    one_blas_thread()
    main()
