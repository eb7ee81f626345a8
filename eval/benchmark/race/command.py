"""The part of `roadseg benchmark` that races."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from roadseg.command_line.options import parse_size
from roadseg.data_conversion.read.folders import find_shards
from roadseg.errors import RoadsegError
from roadseg.eval.benchmark.race.contestants import Setting, as_files, contestants, is_file
from roadseg.eval.benchmark.race.pixels import InputOptions
from roadseg.eval.benchmark.race.plot import check_plot
from roadseg.eval.benchmark.race.turns import LEAST_ROUNDS

if TYPE_CHECKING:
    from roadseg.eval.benchmark.options import BenchmarkOptions

USUAL_SPLIT = "val"
ELSEWHERE = ("all", "count", "layers", "saved_model", "sampling_size", "labels")
"""Options that say nothing about a race."""


def is_race(options: "BenchmarkOptions") -> bool:
    """Return whether the options ask for a race: others to race against, files, or accuracy."""
    wanted = options.against or options.records or options.plot or options.formats
    return bool(wanted) or any(is_file(name) for name in options.names)


def run_race(options: "BenchmarkOptions") -> int:
    """Race what the options name, print it, and return the exit status."""
    _check(options)
    found = contestants(options.names, options.against)
    if options.formats and not any(one.kind == "network" for one in found):
        raise RoadsegError(
            "--formats: of networks by name, with random weights, and none is named; write runs "
            "and presets with `roadseg export`, and name the folders"
        )
    size = parse_size(options.size) if options.size else None
    from roadseg.eval.benchmark.latency import processor_name, say_if_busy
    from roadseg.eval.benchmark.race import table
    from roadseg.eval.benchmark.race.race import USUAL_SIZE, open_judge, race
    from roadseg.eval.tables import show_benchmark
    from roadseg.processors import usable_cpus

    inputs = InputOptions(
        options.file_layout,
        options.file_values,
        options.file_mean,
        options.file_std,
        options.file_colours,
    )
    threads = options.threads or usable_cpus()
    setting = Setting(
        threads,
        options.warm_up,
        inputs,
        options.file_output,
        options.num_classes,
        options.builder_options(),
    )
    judge = open_judge(options.records, options.split or USUAL_SPLIT, options.max_images)
    image = size or (judge.records.image_size if judge else USUAL_SIZE)
    say_if_busy()
    with TemporaryDirectory() as folder:
        if options.formats:
            if image is None:
                raise RoadsegError(
                    "--formats: the images of the records have no one size; give --size"
                )
            found = as_files(found, options.formats, setting, image, Path(folder))
        results = race(found, setting, options.repeats, size, judge)
    if options.plot is not None:
        from roadseg.eval.benchmark.race.plot import write_plot

        write_plot(options.plot, results)
    told = table.conditions(
        "its own size" if image is None else "x".join(map(str, image)),
        threads,
        options.repeats,
        options.warm_up,
        processor_name(),
    )
    if judge is not None:
        number = min(judge.limit or judge.records.num_examples, judge.records.num_examples)
        told["mIoU"] = f"{number} images of {options.records}, split {judge.records.split}"
    values = [table.as_values(one) for one in results]
    lines = table.ratio_lines(results)
    show_benchmark(table.table(results), values, told, options.json, lines)
    return 0


def _check(options: "BenchmarkOptions") -> None:
    """Raise RoadsegError for options that do not go together, before anything is loaded."""
    for name in ELSEWHERE:
        if getattr(options, name):
            flag = "--" + name.replace("_", "-")
            raise RoadsegError(
                f"{flag}: not in a race, which goes from image to labels; leave it out"
            )
    if options.batch_size != 1:
        raise RoadsegError("--batch-size: a race is of one image a call; leave it out")
    if options.repeats < LEAST_ROUNDS or options.warm_up < 0:
        raise RoadsegError(
            f"--repeats {options.repeats} --warm-up {options.warm_up}: a ratio with its interval "
            f"needs {LEAST_ROUNDS} rounds or more, after 0 calls or more"
        )
    if options.max_images is not None and options.max_images < 1:
        raise RoadsegError(f"--max-images {options.max_images}: at least 1 is needed")
    if options.file_std is not None and not all(value > 0 for value in options.file_std):
        raise RoadsegError(f"--file-std {options.file_std}: three numbers above 0 are needed")
    if options.plot is not None:
        check_plot(options.plot)
        if options.records is None:
            raise RoadsegError("--plot: draws mIoU against ms; give --records as well")
    if options.records is not None:
        for part in (options.split or USUAL_SPLIT).split("+"):
            find_shards(options.records, part)
    options.builder_options()
