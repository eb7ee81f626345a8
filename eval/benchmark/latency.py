"""How long a function takes: warmed up, repeated, the median with its spread."""

import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from roadseg.processors import usable_cpus


@dataclass(frozen=True)
class Latency:
    """Times of one call in milliseconds. Quartiles say how far the machine was shared."""

    median_ms: float
    low_ms: float
    """Lower quartile."""
    high_ms: float
    """Upper quartile."""
    cpu_ms: float
    """Median processor time, added up over threads; hardly changes on a busy machine."""


def measure(call: Callable[[], Any], warm_up: int = 3, repeats: int = 10) -> Latency:
    """Return the times of `call`, which must have finished its work when it returns.

    warm_up: calls that are not timed (the first traces and allocates). repeats: calls that are.
    """
    return measure_in_turns([call], warm_up, repeats)[0]


def measure_in_turns(
    calls: Sequence[Callable[[], Any]], warm_up: int = 3, repeats: int = 10
) -> list[Latency]:
    """Return the times of each call, measured in turns: what compares them fairly, see `measure`.

    What else the machine does meanwhile falls on all of them alike.
    """
    for call in calls:
        for _ in range(warm_up):
            call()
    wall: list[list[float]] = [[] for _ in calls]
    cpu: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for number, call in enumerate(calls):
            cpu_start, start = time.process_time(), time.perf_counter()
            call()
            wall[number].append(1000 * (time.perf_counter() - start))
            cpu[number].append(1000 * (time.process_time() - cpu_start))
    return [_latency(*times) for times in zip(wall, cpu, strict=True)]


def _latency(wall: Sequence[float], cpu: Sequence[float]) -> Latency:
    low, median, high = np.percentile(wall, (25, 50, 75))
    return Latency(float(median), float(low), float(high), float(np.median(cpu)))


def say_if_busy() -> None:
    """Say on standard error if other work had half of the processors or more for a minute."""
    load, processors = os.getloadavg()[0], usable_cpus()
    if load > processors / 2:
        print(
            f"note: {load:.1f} programs at a time ran here in the last minute, on {processors} "
            "processors; on a quiet machine times are shorter and intervals narrower",
            file=sys.stderr,
            flush=True,
        )


def set_threads(threads: int | None) -> int:
    """Limit TensorFlow to `threads` a call and return how many it uses; None: one a core.

    Only before TensorFlow has computed anything; later it raises RuntimeError.
    """
    import tensorflow as tf

    if threads is not None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    return threads or usable_cpus()


def device_name() -> str:
    """Return what computes, in words: the first GPU, or the processor."""
    import tensorflow as tf

    devices = tf.config.list_physical_devices("GPU")
    if devices:
        details = tf.config.experimental.get_device_details(devices[0])
        return str(details.get("device_name", "GPU"))
    return processor_name()


def processor_name() -> str:
    """Return what the processor calls itself."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [
                line.split(":", 1)[1].strip() for line in file if line.startswith("model name")
            ]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
