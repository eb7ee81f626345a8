"""What the evaluation of a task offers."""

import abc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from roadseg.errors import RoadsegError
from roadseg.eval.job import Job, Progress
from roadseg.eval.results.base import BaseResult

Evaluate = Callable[[Progress | None], BaseResult]


class Evaluator(abc.ABC):
    """How the runs of one task are evaluated."""

    has_classes = True
    """Whether what is learned has the classes of the label table."""

    has_pictures = False
    """Whether it gives a label map of each image, to draw and to compare boundary by boundary."""

    def open(self, path: Path, split: str) -> Any:
        """Return the records of `split`; raise RoadsegError if there is none or it is empty."""
        return open_split(path, split)

    @abc.abstractmethod
    def load(self, job: Job, step: int) -> Evaluate:
        """Read the weights of `step` now; return what evaluates them when it is called.

        The checkpoint may be pruned in between.
        """


def open_split(path: Path, split: str) -> Any:
    """Return the records of `split`; raise RoadsegError if there is none or it is empty."""
    from roadseg.data_conversion.read.records import open_records

    records = open_records(path, split)
    if not records.files or records.num_examples == 0:
        raise RoadsegError(
            f"{path}: the split '{split}' holds no image; convert the data set again, "
            "or choose another with --split"
        )
    return records
