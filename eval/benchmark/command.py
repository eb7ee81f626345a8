"""`roadseg benchmark`: parameters, multiply-adds and latency of networks, runs and SavedModels."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from roadseg.command_line import arguments
from roadseg.command_line.options import read_options
from roadseg.errors import RoadsegError
from roadseg.network_names import refuse_unknown_network

EXAMPLE = """roadseg benchmark --all --size 512x1024
roadseg benchmark deeplabv3_mobilenet_v2 --size 1024x1024 --sampler density --sampling-size 96x128
roadseg benchmark deeplabv3_mobilenet_v2 --count --size 128x128 --option output_stride=16
roadseg benchmark sfnet_resnet18 --size 512x1024 --part fpn_out_align .warped"""


@dataclasses.dataclass(frozen=True)
class BenchmarkOptions:
    """Count and time networks as their originals were timed, in every format installed; runs,
    SavedModels and sampled networks from image to the labels of every pixel.
    """

    names: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="NAME")] = ()
    """Networks, run folders or folders of SavedModels."""
    all: bool = False
    """Every network of single images in the registry."""
    size: str = "1024x2048"
    """Image size, height x width."""
    sampling_size: tuple[str, ...] = ()
    """Put networks behind sampling with so many samples: 128 a side, or 96x128."""
    sampler: tuple[str, ...] = ("uniform", "nus", "density")
    """What samples then, untrained: uniform, prior, nus, density."""
    count: bool = False
    """Print both operation counts, and time nothing."""
    num_classes: int = 19
    """Classes of the networks named."""
    option: tuple[str, ...] = ()
    """Options of the networks named, such as output_stride=8."""
    batch_size: int = 1
    """Images a call."""
    warm_up: int = 3
    """Calls before the clock starts."""
    repeats: int = 10
    """Calls that are timed."""
    threads: int | None = None
    """Threads of TensorFlow and the other runtimes; default one a core."""
    saved_model: bool = False
    """Time each also as a SavedModel, written to a temporary folder."""
    labels: bool = False
    """Time networks from uint8 images to labels of every pixel, as runs are timed."""
    part: tuple[str, ...] = ()
    """Also time the layers whose names hold a text, alone, and print their share of the network."""
    json: bool = False
    """Print JSON instead of tables."""

    def builder_options(self) -> dict[str, Any]:
        """Return --option as keyword arguments; raise RoadsegError for one that is none."""
        return parse_options(self.option)


def main(argv: Sequence[str]) -> int:
    """Run the command and return the exit status."""
    options = arguments.parse(BenchmarkOptions, argv, command="benchmark", example=EXAMPLE)
    size = parse_size(options.size)
    if not options.names and not options.all:
        raise RoadsegError("benchmark: name networks, runs or SavedModels, or give --all")
    if min(options.repeats, options.batch_size) < 1 or options.warm_up < 0:
        raise RoadsegError("benchmark: --repeats and --batch-size are at least 1, --warm-up 0")
    for name in options.names:
        if not Path(name).exists():
            refuse_unknown_network(name)
    from roadseg.eval.benchmark.latency import set_threads

    threads = set_threads(options.threads)
    _check_tasks(options)
    if options.part:
        return _time_parts(options, size, threads)
    if _networks_alone(options):
        return _time_networks(options, size, threads)
    from roadseg.eval.benchmark.runs import as_values, benchmark, table
    from roadseg.eval.tables import show_benchmark

    rows = list(benchmark(options, size))
    conditions = _conditions(options, size, threads)
    values = [as_values(row) for row in rows]
    show_benchmark(table(rows, options.count), values, conditions, options.json)
    return 0


def _check_tasks(options: BenchmarkOptions) -> None:
    """Refuse to time or sample for networks that take two images at a time; they are counted."""
    from roadseg.models.registry import list_models

    for name in options.names:
        one_image = name not in list_models() or name in list_models("segmentation")
        if not one_image and (options.sampling_size or not options.count):
            raise RoadsegError(
                f"{name} takes two images at a time, which is not timed here; count it with --count"
            )


def _networks_alone(options: BenchmarkOptions) -> bool:
    """Return whether nothing but plain networks is named, to be timed as originals are."""
    if options.count or options.labels or options.saved_model or options.sampling_size:
        return False
    return options.batch_size == 1 and not any(Path(name).is_dir() for name in options.names)


def _time_networks(options: BenchmarkOptions, size: tuple[int, int], threads: int) -> int:
    import roadseg
    from roadseg.eval.benchmark import networks

    names = [*options.names]
    names += [
        name for name in roadseg.list_models("segmentation") if options.all and name not in names
    ]
    chosen = options.builder_options()
    subjects = networks.subjects(names, chosen, options.num_classes, options.all)
    conditions = _conditions(options, size, threads) | networks.CONDITIONS
    conditions["calls"] = f"{options.warm_up} to warm up, then {options.repeats}"
    rows: list[networks.Timed] = []
    measure = networks.time_network
    try:
        for subject in subjects:
            rows.append(measure(subject, size, threads, options.warm_up, options.repeats))
    finally:
        # All of them take half an hour: an interruption leaves the table of those that are done.
        if rows:
            networks.show(rows, conditions, options.json)
    return 0


def _time_parts(options: BenchmarkOptions, size: tuple[int, int], threads: int) -> int:
    from roadseg.eval.benchmark import networks
    from roadseg.eval.benchmark import parts as part_times

    if not _networks_alone(options):
        raise RoadsegError("--part is for networks alone, one image a call, without other options")
    chosen = options.builder_options()
    rows: list[part_times.PartTime] = []
    for subject in networks.subjects(options.names, chosen, options.num_classes, False):
        times = part_times.time_parts(subject, options.part, size, options.warm_up, options.repeats)
        rows.extend(times)
    conditions = _conditions(options, size, threads) | part_times.CONDITIONS
    conditions["images"] = networks.CONDITIONS["images"]
    conditions["protocol"] = f"{options.warm_up} calls to warm up, median of {options.repeats}"
    part_times.show(rows, conditions, options.json)
    return 0


def parse_size(text: str, option: str = "--size") -> tuple[int, int]:
    """Return (height, width) from '1024x2048'; raise RoadsegError for anything else."""
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise RoadsegError(f"{option} {text}: give height x width, such as 1024x2048")
    return int(parts[0]), int(parts[1])


def parse_options(pairs: Sequence[str]) -> dict[str, Any]:
    """Return builder options from 'name=value'; see `read_options`."""
    return read_options(pairs)


def _conditions(
    options: BenchmarkOptions, size: tuple[int, int], threads: int
) -> dict[str, str | int]:
    """Return what the numbers depend on."""
    conditions: dict[str, str | int] = {"image": f"{size[0]}x{size[1]} (height x width)"}
    if options.count:
        conditions["multiply-adds"] = "every output position of convolutions and dense layers"
        conditions["notebook's count"] = "as published: dilated depthwise layers in part only"
        return conditions
    import tensorflow as tf

    from roadseg.eval.benchmark.latency import device_name

    conditions["batch"] = options.batch_size
    conditions["device"] = f"{device_name()}, {threads} threads, TensorFlow {tf.__version__}"
    conditions["protocol"] = (
        f"uint8 images to labels of every pixel; {options.warm_up} calls to warm up, median and "
        f"quartiles of {options.repeats}; CPU ms is processor time over all threads"
    )
    conditions["images"] = (
        "of a run: the first of its records; else noise, on which an untrained network shows "
        "hardly a boundary and un-sampling is quicker than on streets: time a run for its real cost"
    )
    return conditions
