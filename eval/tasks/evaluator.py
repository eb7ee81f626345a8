"""What the evaluation of a task offers."""

import abc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from roadseg.eval.job import Job, Progress
from roadseg.eval.results.base import BaseResult
from roadseg.recipe.recipe import Recipe
from roadseg.tasks.table import task_of

Evaluate = Callable[[Progress | None], BaseResult]


class Evaluator(abc.ABC):
    """How the runs of one task are evaluated."""

    has_pictures = False
    """Whether it gives a label map of each image, to draw and to compare boundary by boundary."""

    @abc.abstractmethod
    def load(self, job: Job, step: int) -> Evaluate:
        """Read the weights of `step` now; return what evaluates them when it is called.

        The checkpoint may be pruned in between.
        """


def open_records_of(recipe: Recipe, path: Path, split: str) -> Any:
    """Return the records of `split` as a recipe reads them: with one image each, or with two.

    Raises RoadsegError as `open_records` and `open_two_cameras` do.
    """
    from roadseg.data_conversion.read.records import open_records
    from roadseg.data_conversion.read.two_cameras import open_two_cameras

    return (open_two_cameras if task_of(recipe).reads_pairs(recipe) else open_records)(path, split)
