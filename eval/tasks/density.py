"""Scores of samplers by density: predicted against true densities, and grids against densities."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.eval.cores import side_by_side
from roadseg.eval.frames import Frame, batches
from roadseg.eval.job import Job, Progress
from roadseg.eval.results.density import DensityResult, DensityScore
from roadseg.eval.tasks.evaluator import Evaluate, Evaluator
from roadseg.files import Arrays
from roadseg.metrics.grid_cells import folded_cells, residual

Found = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


class Density(Evaluator):
    """Densities of single images, and the grids solved for them."""

    def load(self, job: Job, step: int) -> Evaluate:
        """Return what compares the densities of `job`; see `Evaluator.load`."""
        return partial(_evaluate, job, step, job.run.load_sampler(step))


def _evaluate(job: Job, step: int, sampler: Any, progress: Progress | None) -> DensityResult:
    """Return the scores of `sampler`, that of the run at `step`, on the images of `job`.

    Raises RoadsegError for an image smaller than the cells of the density.
    """
    forward = _forward(sampler)
    find: Callable[[np.ndarray], list[Callable[[], Found]]] = side_by_side(
        lambda images: list(zip(*(part.numpy() for part in forward(images)), strict=True))
    )
    mean_target = np.zeros(sampler.cells)
    scores: list[DensityScore] = []
    cells = 0

    def measure(frame: Frame, found: Callable[[], Found]) -> Arrays:
        logits, solved, grid, mass = found()
        target = true_density(sampler, frame, job.table.ignore)
        errors = cross_entropy(logits, target), entropy(target), residual(grid, mass)
        return {
            "name": np.array(frame.name),
            "target": target,
            "errors": np.array(errors),
            "folded": np.array(folded_cells(solved)),
            "cells": np.array((grid.shape[0] - 1) * (grid.shape[1] - 1)),
        }

    def measures() -> Iterator[Callable[[], Arrays]]:
        for batch in batches(job.frames(), job.options.batch_size):
            images = np.stack([frame.image for frame in batch]).astype(np.float32)
            for frame, found in zip(batch, find(images), strict=True):
                yield partial(measure, frame, found)

    for arrays in job.in_order(measures(), progress):
        mean_target += arrays["target"]
        cells = int(arrays["cells"])
        error, floor, fit = arrays["errors"].tolist()
        folded = int(arrays["folded"])
        scores.append(DensityScore(str(arrays["name"]), error, floor, fit, folded))
    residuals = [score.residual for score in scores]
    return DensityResult(
        **job.origin(step),
        images=len(scores),
        cross_entropy=float(np.mean([score.cross_entropy for score in scores])),
        entropy=float(np.mean([score.entropy for score in scores])),
        uniform=float(np.log(mean_target.size)),
        best_fixed=entropy(mean_target / len(scores)),
        residual=float(np.mean(residuals)),
        residual_worst=max(residuals),
        folded=sum(score.folded for score in scores),
        cells=cells,
        per_image=scores,
    )


def true_density(sampler: Any, frame: Frame, ignore: int) -> np.ndarray:
    """Return where the boundaries lie that `sampler` is trained on, of its cells, of sum 1."""
    from roadseg.nus_native import boundary_density

    try:
        density = boundary_density(
            frame.label,
            sampler.cells,
            sampler.target_classes or None,
            ignore,
            sampler.class_weights or None,
            sampler.blur,
        )
    except RoadsegError as error:
        raise RoadsegError(f"{frame.name}: {error}") from None
    return density.astype(np.float64) / density.sum(dtype=np.float64)


def cross_entropy(logits: np.ndarray, target: np.ndarray) -> float:
    """Return the cross entropy in nats of `target`, of sum 1, where `logits` are predicted."""
    wide = logits.astype(np.float64)
    highest = wide.max()
    # Less the highest, so that no exponential overflows.
    normaliser = highest + np.log(np.exp(wide - highest).sum())
    return float(normaliser - (target * wide).sum())


def entropy(density: np.ndarray) -> float:
    """Return the entropy of a density of sum 1, in nats."""
    positive = density[density > 0]
    return float(-(positive * np.log(positive)).sum())


def _forward(sampler: Any) -> Any:
    """Return what gives logits, grids as solved and as used, and the densities behind them."""
    import tensorflow as tf
    from keras import ops

    from roadseg.sampling.folds import without_folds
    from roadseg.sampling.grid import project

    @tf.function(reduce_retracing=True, autograph=False)
    def forward(images: Any) -> tuple[Any, Any, Any, Any]:
        logits = sampler.logits(images, training=False)
        count = ops.shape(images)[0]
        density = ops.broadcast_to(sampler.density(images, training=False), (count, *sampler.cells))
        solver = sampler.equidistribution
        logits = ops.broadcast_to(logits, (count, *sampler.cells))
        solved = solver.solved(density)
        return logits, project(solved), without_folds(solved), solver.mass(density)

    return forward
