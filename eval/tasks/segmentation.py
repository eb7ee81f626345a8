"""Scores of segmentation networks: what they make of frames, against the labels."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

from roadseg.eval.dump import dump
from roadseg.eval.frames import Frame, batches
from roadseg.eval.job import Job, Progress
from roadseg.eval.protocols import Pending, Predictor, predictor
from roadseg.eval.results.segmentation import SegmentationResult
from roadseg.eval.scoring import SegmentationScorer, in_threads
from roadseg.eval.tasks.evaluator import Evaluate, Evaluator
from roadseg.label_tables.label_table import LabelTable


class Segmentation(Evaluator):
    """Labels of single images."""

    has_pictures = True

    def load(self, job: Job, step: int) -> Evaluate:
        """Return what labels and scores the frames of `job`; see `Evaluator.load`."""
        segmenter = job.run.load_segmenter(step, sampler=job.sampler)
        if job.sampler is not None and job.sampler.kind == "previous":
            from roadseg.eval.previous import previous_predictor

            return partial(_evaluate, job, step, previous_predictor(segmenter))
        predict = predictor(segmenter, job.protocol)
        return partial(_evaluate, job, step, predict)


def _evaluate(
    job: Job, step: int, predict: Predictor, progress: Progress | None
) -> SegmentationResult:
    folder = job.options.save_predictions
    scorer = score_frames(
        job.frames(),
        predict,
        job.table,
        job.options.batch_size,
        job.options.workers,
        progress and (lambda done: progress(done, job.images)),
        boundary_f=job.options.boundary_f,
        dump=None if folder is None else partial(dump, folder, table=job.table),
    )
    return SegmentationResult(**job.origin(step), **scorer.values())


def score_frames(
    frames: Iterable[Frame],
    predict: Predictor,
    table: LabelTable,
    batch_size: int = 1,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
    boundary_f: bool = False,
    dump: Callable[[Frame, np.ndarray], None] | None = None,
) -> SegmentationScorer:
    """Return the scores of what `predict` makes of `frames`, added up in their order.

    The graph runs in this thread; interpolation, metrics and `dump`, which is called with each
    frame and its labels, run beside it for earlier images. boundary_f: see `SegmentationScorer`.
    """
    scorer = SegmentationScorer(table, boundary_f)

    def measure(frame: Frame, pending: Pending) -> tuple[str, Any]:
        prediction = pending()
        if dump is not None:
            dump(frame, prediction)
        return frame.name, scorer.count(scorer.geometry(frame.label), prediction)

    def jobs() -> Iterator[Callable[[], tuple[str, Any]]]:
        for batch in batches(iter(frames), batch_size):
            pending = predict(np.stack([frame.image for frame in batch]))
            for pair in zip(batch, pending, strict=True):
                yield partial(measure, *pair)

    for name, measured in in_threads(jobs(), workers):
        scorer.add(name, measured)
        if progress:
            progress(len(scorer.per_image))
    return scorer
