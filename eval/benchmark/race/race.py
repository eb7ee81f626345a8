"""`roadseg benchmark OURS... --against FILES...`: a race from image to labels of every pixel."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.eval.benchmark.race.contestants import Contestant, Setting
from roadseg.eval.benchmark.race.labels import at_size
from roadseg.eval.benchmark.race.pixels import resized
from roadseg.eval.benchmark.race.turns import Laps, Ratio, ratio, take_turns
from roadseg.eval.benchmark.race.workers import Worker, started

if TYPE_CHECKING:
    from roadseg.data_conversion.read.records import RecordSet

Size = tuple[int, int]
USUAL_SIZE = (1024, 2048)


@dataclass(frozen=True)
class Judge:
    """The labelled images that accuracy is counted on."""

    records: "RecordSet"
    limit: int | None
    """Images, from the start of the split; None for all."""


@dataclass(frozen=True)
class Result:
    """What the race found of one contestant."""

    contestant: Contestant
    laps: Laps
    ratios: dict[str, Ratio]
    """By the name of each other that ours is compared with; empty for the others themselves."""
    miou: float | None = None
    """0..1, None without records."""


def race(
    found: Sequence[Contestant],
    setting: Setting,
    rounds: int,
    size: Size | None,
    judge: Judge | None = None,
) -> list[Result]:
    """Return what each contestant took, ours first, all on the same image in the same minutes.

    size: of the image (height, width); None: that of the records' first, or USUAL_SIZE.
    Raises RoadsegError for a contestant that cannot be loaded, or that fails.
    """
    with started(found, setting, race_image(size, judge)) as workers:
        # While the last one was loaded, the first may have grown cold.
        for worker in workers:
            worker.lap()
        laps = take_turns(workers, rounds, say=lambda done: _say_round(done, rounds))
        scores = [None] * len(workers) if judge is None else accuracies(workers, judge, size)
    return [
        Result(one, own, _ratios(one, own, found, laps), score)
        for one, own, score in zip(found, laps, scores, strict=True)
    ]


def _ratios(
    one: Contestant, own: Laps, found: Sequence[Contestant], laps: Sequence[Laps]
) -> dict[str, Ratio]:
    if not one.ours:
        return {}
    others = [(other, its) for other, its in zip(found, laps, strict=True) if not other.ours]
    return {other.name: ratio(own.times, its.times) for other, its in others}


def race_image(size: Size | None, judge: Judge | None) -> np.ndarray:
    """Return the image that is timed, RGB uint8: the first of the records, or a drawn street."""
    if judge is None:
        from roadseg.data_conversion.sets.street_scenes import draw

        # Drawn no smaller than its parts can be seen, and then resized.
        drawn = draw("val", 0, (512, 1024), 0)[0]
        return resized(drawn, size or USUAL_SIZE)
    image = next(_frames(judge, 1))[0]
    return image if size is None or image.shape[:2] == size else resized(image, size)


def _frames(judge: Judge, limit: int | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    from roadseg.eval.frames import read_frames

    for frame in read_frames(judge.records, limit=limit):
        yield frame.image, frame.label


def accuracies(workers: Sequence[Worker], judge: Judge, size: Size | None) -> list[float | None]:
    """Return the mIoU (0..1) of each, on images of `size` if given, else of their own.

    Labels come back to the size of the right ones, each pixel the nearest.
    Raises RoadsegError for a contestant that is known to have other classes.
    """
    from roadseg.metrics.confusion import ConfusionMatrix

    table = judge.records.label_table
    for worker in workers:
        if worker.names is not None and tuple(worker.names) != tuple(table.names):
            raise RoadsegError(
                f"{worker.contestant.name}: its classes are others than those of the records "
                f"('{table.name}'); give records of its classes, or leave --records out"
            )
    matrices = [ConfusionMatrix(table.num_classes, table.ignore) for _ in workers]
    for image, label in _frames(judge, judge.limit):
        shown = image if size is None or image.shape[:2] == size else resized(image, size)
        for worker, matrix in zip(workers, matrices, strict=True):
            matrix.add(label, at_size(worker.label(shown), label.shape))
    return [matrix.metrics().miou() for matrix in matrices]


def open_judge(path: Path | None, split: str, limit: int | None) -> Judge | None:
    """Return the records to judge by, or None where none are given."""
    if path is None:
        return None
    from roadseg.data_conversion.read.records import open_records

    return Judge(open_records(path, split), limit)


def _say_round(done: int, rounds: int) -> None:
    if done == rounds or done % 10 == 0:
        print(f"{done} of {rounds} rounds", file=sys.stderr, flush=True)
