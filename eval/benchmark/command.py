"""`roadseg benchmark`: parameters, multiply-adds and latency of networks, runs and SavedModels."""

from collections.abc import Sequence
from pathlib import Path

from roadseg.command_line import arguments
from roadseg.command_line.options import parse_size
from roadseg.errors import RoadsegError
from roadseg.eval.benchmark.options import USUAL_SIZE, BenchmarkOptions
from roadseg.eval.benchmark.race.command import is_race, run_race
from roadseg.network_names import refuse_unknown_network
from roadseg.processors import usable_cpus

EXAMPLE = """roadseg benchmark --all --size 512x1024
roadseg benchmark deeplabv3_mobilenet_v2 --size 1024x1024 --sampler density --sampling-size 96x128
roadseg benchmark deeplabv3_mobilenet_v2 --count --size 128x128 --options output_stride=16
roadseg benchmark sfnet_resnet18 --size 512x1024 --layers fpn_out_align .warped
roadseg benchmark --input records/cityscapes --size 832x832
roadseg benchmark runs/street exports/street/openvino --against theirs.xml --size 512x1024
roadseg benchmark ours.onnx ours.tflite --against theirs.pt2 --records camvid --plot race.svg"""


def main(argv: Sequence[str]) -> int:
    """Run the command and return the exit status."""
    options = arguments.parse(BenchmarkOptions, argv, command="benchmark", example=EXAMPLE)
    if options.threads is not None and options.threads < 1:
        raise RoadsegError(f"--threads {options.threads}: at least 1 is needed")
    if options.input is not None:
        from roadseg.eval.benchmark.input_speed import time_input

        return time_input(options, options.threads or usable_cpus())
    if is_race(options):
        return run_race(options)
    size = parse_size(options.size or USUAL_SIZE)
    if not options.names and not options.all:
        raise RoadsegError("benchmark: name networks, runs or SavedModels, or give --all")
    if min(options.repeats, options.batch_size) < 1 or options.warm_up < 0:
        raise RoadsegError("benchmark: --repeats and --batch-size are at least 1, --warm-up 0")
    for name in options.names:
        if not Path(name).exists():
            refuse_unknown_network(name)
    options.builder_options()
    _check_sampling(options)
    from roadseg.eval.benchmark.latency import set_threads

    threads = set_threads(options.threads)
    _check_tasks(options)
    if options.layers:
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


def _check_sampling(options: BenchmarkOptions) -> None:
    if options.sampler and not options.sampling_size:
        raise RoadsegError(
            f"--sampler {' '.join(options.sampler)}: say how many samples by --sampling-size, "
            "128 or 96x128"
        )


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
    from roadseg.eval.benchmark import networks
    from roadseg.models import registry

    names = [*options.names]
    names += [
        name for name in registry.list_models("segmentation") if options.all and name not in names
    ]
    chosen = options.builder_options()
    subjects = networks.subjects(names, chosen, options.num_classes)
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
        raise RoadsegError("--layers is for networks alone, one image a call, no other options")
    chosen = options.builder_options()
    rows: list[part_times.PartTime] = []
    for subject in networks.subjects(options.names, chosen, options.num_classes):
        times = part_times.time_parts(
            subject, options.layers, size, options.warm_up, options.repeats
        )
        rows.extend(times)
    conditions = _conditions(options, size, threads) | part_times.CONDITIONS
    conditions["images"] = networks.CONDITIONS["images"]
    conditions["protocol"] = f"{options.warm_up} calls to warm up, median of {options.repeats}"
    part_times.show(rows, conditions, options.json)
    return 0


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
