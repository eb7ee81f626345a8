"""Scores of segmentation networks: what they make of frames, against the labels."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np

from roadseg.eval.cores import side_by_side
from roadseg.eval.dump import dump
from roadseg.eval.frames import Frame, batches
from roadseg.eval.job import Job, Progress
from roadseg.eval.protocols import Pending, Predictor, predictor
from roadseg.eval.results.segmentation import SegmentationResult
from roadseg.eval.scoring import SegmentationScorer, in_threads
from roadseg.eval.tasks.evaluator import Evaluate, Evaluator
from roadseg.files import Arrays
from roadseg.label_tables.label_table import LabelTable
from roadseg.recipe.protocol import Protocol


class Segmentation(Evaluator):
    """Labels of single images."""

    has_pictures = True

    def load(self, job: Job, step: int) -> Evaluate:
        """Return what labels and scores the frames of `job`; see `Evaluator.load`."""
        segmenter = job.run.load_segmenter(step, sampler=job.sampler)
        if job.sampler is not None and job.sampler.kind == "previous":
            from roadseg.eval.previous import previous_predictor

            return partial(_evaluate, job, step, previous_predictor(segmenter))
        predict = labels_side_by_side(predictor(segmenter, job.protocol), job.protocol)
        return partial(_evaluate, job, step, predict)


def labels_side_by_side(predict: Predictor, protocol: Protocol) -> Predictor:
    """Return `predict`, by `protocol`, whose graph runs where the labels are asked for, too."""
    later = side_by_side(predict, max(protocol.factors))

    def take(images: np.ndarray) -> list[Pending]:
        return [partial(_finished, pending) for pending in later(images)]

    return take


def _finished(pending: Callable[[], Pending]) -> np.ndarray:
    return pending()()


def _evaluate(
    job: Job, step: int, predict: Predictor, progress: Progress | None
) -> SegmentationResult:
    folder = job.options.save_predictions
    scorer = SegmentationScorer(job.table, job.options.boundary_f)
    draw = None if folder is None else partial(dump, folder, table=job.table)
    measures = measures_of(job.frames(), predict, scorer, job.options.batch_size, draw)
    for arrays in job.in_order(measures, progress):
        scorer.add_named(arrays)
    return SegmentationResult(**job.origin(step), **scorer.values())


def score_frames(
    frames: Iterable[Frame],
    predict: Predictor,
    table: LabelTable,
    batch_size: int = 1,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> SegmentationScorer:
    """Return the scores of what `predict` makes of `frames`, added up in their order.

    `predict` is called in this thread; what it returns for each image, and metrics, run in others.
    """
    scorer = SegmentationScorer(table)
    for arrays in in_threads(measures_of(frames, predict, scorer, batch_size), workers):
        scorer.add_named(arrays)
        if progress:
            progress(len(scorer.per_image))
    return scorer


def measures_of(
    frames: Iterable[Frame],
    predict: Predictor,
    scorer: SegmentationScorer,
    batch_size: int = 1,
    draw: Callable[[Frame, np.ndarray], None] | None = None,
) -> Iterator[Callable[[], Arrays]]:
    """Yield, for each frame, what labels it and measures that for `scorer` in any thread.

    draw: called there with each frame and its labels.
    """

    def measure(frame: Frame, pending: Pending) -> Arrays:
        prediction = pending()
        if draw is not None:
            draw(frame, prediction)
        return scorer.count(scorer.geometry(frame.label), prediction).named(frame.name)

    for batch in batches(iter(frames), batch_size):
        pending = predict(np.stack([frame.image for frame in batch]))
        for pair in zip(batch, pending, strict=True):
            yield partial(measure, *pair)
