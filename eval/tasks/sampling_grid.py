"""Scores of the published sampler: its grids against the exact targets."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from roadseg.eval.cores import side_by_side
from roadseg.eval.frames import Frame, batches
from roadseg.eval.job import Job, Progress
from roadseg.eval.results.sampling_grid import GridScore, SamplingGridResult
from roadseg.eval.tasks.evaluator import Evaluate, Evaluator
from roadseg.files import Arrays
from roadseg.metrics.grid_error import GridError


class SamplingGrid(Evaluator):
    """Sampling grids of single images."""

    def load(self, job: Job, step: int) -> Evaluate:
        """Return what compares the grids of `job`; see `Evaluator.load`."""
        return partial(_evaluate, job, step, job.run.load_sampler(step))


def _evaluate(job: Job, step: int, network: Any, progress: Progress | None) -> SamplingGridResult:
    from roadseg.nus_native import boundary_targets
    from roadseg.sampling import uniform_grid

    recipe = job.recipe
    target_of = partial(
        boundary_targets,
        grid=recipe.sampler.grid_size,
        alpha=recipe.sampler.alpha,
        target_classes=recipe.sampler.classes or None,
        ignore=job.table.ignore,
    )
    error, uniform_error = GridError(), GridError()
    uniform = np.asarray(uniform_grid(recipe.sampler.grid_size))
    per_image = []

    find = side_by_side(lambda images: list(np.asarray(network(images, training=False))))

    def measure(frame: Frame, grid: Callable[[], np.ndarray]) -> Arrays:
        return {"name": np.array(frame.name), "target": target_of(frame.label), "grid": grid()}

    def measures() -> Iterator[Callable[[], Arrays]]:
        for batch in batches(job.frames(), job.options.batch_size):
            images = np.stack([frame.image for frame in batch]).astype(np.float32)
            for pair in zip(batch, find(images), strict=True):
                yield partial(measure, *pair)

    for arrays in job.in_order(measures(), progress):
        scores = error.add(arrays["target"], arrays["grid"])
        per_image.append(GridScore(str(arrays["name"]), *scores))
        uniform_error.add(arrays["target"], uniform)
    return SamplingGridResult(
        **job.origin(step),
        images=len(per_image),
        mse=error.mse,
        mse_projected=error.mse_projected,
        mse_uniform=uniform_error.mse,
        per_image=per_image,
    )
