"""One evaluation of one checkpoint: from the run folder to a typed result, and onto disk."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.eval.dump import dump
from roadseg.eval.frames import Frame, batches, read_frames
from roadseg.eval.inference import InferenceMode
from roadseg.eval.protocols import Pending, Predictor, Protocol, choose_protocol, predictor
from roadseg.eval.replaced import SamplerArguments
from roadseg.eval.resizing import validation_frame
from roadseg.eval.results.base import BaseResult
from roadseg.eval.results.sampling_grid import GridScore, SamplingResult
from roadseg.eval.results.segmentation import EvaluationResult
from roadseg.eval.scoring import SegmentationScorer, in_threads
from roadseg.eval.tasks.density import evaluate_density
from roadseg.eval.tasks.two_cameras import evaluate_flow, evaluate_views, open_views
from roadseg.label_tables.label_table import LabelTable
from roadseg.metrics.grid_error import GridError
from roadseg.runs import checkpoint
from roadseg.runs.run_folder import LEARNED, RunFolder

if TYPE_CHECKING:
    from roadseg.data_conversion.read.records import RecordSet

Progress = Callable[[int, int], None]
"""Called with (images done, images to do) after each image."""


@dataclass(frozen=True)
class EvaluationOptions:
    """What to evaluate. Everything else is read from the run's recipe."""

    records: Path | None = None
    """Folder of records; None for the recipe's."""
    split: str = "val"
    protocol: str | None = None
    """One of protocols.PROTOCOLS; None for the usual one of the task."""
    interpolation: str | None = None
    """'graph', 'mesh' or 'delaunay'; None for the protocol's own."""
    step: int | Literal["best", "last"] = "last"
    limit: int | None = None
    """Images to take from the start of the split; None for all."""
    batch_size: int = 1
    workers: int | None = None
    """Threads for interpolation and metrics; None for one a core, at most 8."""
    mode: InferenceMode = field(default_factory=InferenceMode)
    """Whole image or tiles, scales, mirror."""
    boundary_f: bool = False
    """Measure the boundary F-score as well."""
    sampling: SamplerArguments = field(default_factory=SamplerArguments)
    """Another sampler than the run's own."""
    dump: Path | None = None
    """Folder for pictures of every prediction; None for no pictures."""


class Evaluation:
    """A run, a split and a protocol, checked once and then used for any number of checkpoints."""

    def __init__(self, run: RunFolder, options: EvaluationOptions | None = None) -> None:
        """Raise RoadsegError for a folder that is no run, and for records that do not fit it."""
        self.run = run
        self.options = options = options or EvaluationOptions()
        if not run.exists:
            raise RoadsegError(
                f"{run.path}: no run here (no recipe.json); give the folder that "
                "`roadseg train` made"
            )
        if options.limit is not None and options.limit < 1:
            raise RoadsegError(f"--limit {options.limit}: at least one image has to be evaluated")
        if options.batch_size < 1:
            raise RoadsegError(f"--batch-size {options.batch_size}: at least 1 is needed")
        self.recipe = run.recipe
        self.protocol: Protocol = choose_protocol(
            self.recipe, options.protocol, options.interpolation, options.mode
        )
        self.sampler = options.sampling.load(run)
        if self.sampler is not None and self.sampler.kind == "previous":
            _check_previous(self.protocol)
        self.table = run.label_table
        opener = open_views if self.recipe.reads_pairs else open_split
        self.records = opener(options.records or Path(self.recipe.records), options.split)
        if self.recipe.task != "flow":
            check_same_classes(self.table, self.records.label_table, run.path, self.records.path)
        self.prepare = validation_frame(self.protocol.name, self.records.label_table.name)
        if self.recipe.task != "segmentation" and (options.dump or options.boundary_f):
            option, learned = (
                "--dump" if options.dump else "--boundary-f",
                LEARNED[self.recipe.task],
            )
            raise RoadsegError(f"{option}: {run.path} learns {learned}; leave it out")

    @property
    def images(self) -> int:
        """Images that one evaluation looks at."""
        found = self.records.num_examples
        return found if self.options.limit is None else min(found, self.options.limit)

    @property
    def folder(self) -> Path:
        """Where results go: evaluation/<split>-<protocol>, partial evaluations apart."""
        name = f"{self.options.split}-{self.protocol.label}"
        if self.options.sampling.given:
            name += f"-by-{self.options.sampling.label}"
        if self.options.limit is not None:
            name += f"-first{self.options.limit}"
        return self.run.evaluation_folder(name)

    def result_path(self, step: int) -> Path:
        """Return where the result of the checkpoint at `step` is kept."""
        return self.folder / f"{checkpoint.checkpoint_name(step)}.json"

    def find_step(self) -> int:
        """Return the step that the options name; RoadsegError if there is no such checkpoint."""
        if not self.run.checkpoints():
            raise RoadsegError(
                f"{self.run.checkpoint_folder}: no checkpoint yet; train on, "
                "or wait for the first one with --follow"
            )
        step = self.options.step
        return self.run.find_checkpoint(None if step == "last" else step)[0]

    def load(self, step: int) -> Callable[[Progress | None], BaseResult]:
        """Return a function that evaluates the checkpoint at `step`, whose weights are now read.

        What it needs from the checkpoint is in memory afterwards: pruning it does no harm.
        """
        if self.recipe.task == "sampling":
            sampler = self.run.load_sampler(step)
            if self.recipe.learns_density:
                return partial(evaluate_density, self, step, sampler)
            return partial(self._evaluate_grids, step, sampler)
        if self.recipe.task in ("flow", "two_views"):
            evaluate = evaluate_flow if self.recipe.task == "flow" else evaluate_views
            return partial(evaluate, self, step, self.run.load_network(step))
        segmenter = self.run.load_segmenter(step, sampler=self.sampler)
        protocol = self.protocol
        if self.sampler is not None and self.sampler.kind == "previous":
            from roadseg.eval.predict.previous import previous_predictor

            return partial(self._evaluate_labels, step, previous_predictor(segmenter))
        predict = predictor(segmenter, protocol.interpolation, protocol.mode)
        return partial(self._evaluate_labels, step, predict)

    def frames(self) -> Iterator[Frame]:
        """Yield the images and labels to evaluate, cut as the protocol asks."""
        return read_frames(self.records, self.protocol.crop, self.options.limit, self.prepare)

    def _evaluate_labels(
        self, step: int, predict: Predictor, progress: Progress | None
    ) -> BaseResult:
        folder = self.options.dump
        scorer = score_frames(
            self.frames(),
            predict,
            self.table,
            self.options.batch_size,
            self.options.workers,
            progress and (lambda done: progress(done, self.images)),
            boundary_f=self.options.boundary_f,
            dump=None if folder is None else partial(dump, folder, table=self.table),
        )
        return EvaluationResult(**self.origin(step), **scorer.values())

    def _evaluate_grids(self, step: int, network: Any, progress: Progress | None) -> BaseResult:
        from roadseg.nus_native import boundary_targets
        from roadseg.sampling import uniform_grid

        recipe = self.recipe
        target_of = partial(
            boundary_targets,
            grid=recipe.grid_size,
            alpha=recipe.target_alpha,
            target_classes=recipe.target_classes or None,
            ignore=self.table.ignore,
        )
        error, uniform_error = GridError(), GridError()
        uniform = np.asarray(uniform_grid(recipe.grid_size))
        per_image = []
        for batch in batches(self.frames(), self.options.batch_size):
            images = np.stack([frame.image for frame in batch]).astype(np.float32)
            grids = np.asarray(network(images, training=False))
            for frame, grid in zip(batch, grids, strict=True):
                target = target_of(frame.label)
                per_image.append(GridScore(frame.name, *error.add(target, grid)))
                uniform_error.add(target, uniform)
                if progress:
                    progress(len(per_image), self.images)
        return SamplingResult(
            **self.origin(step),
            images=len(per_image),
            mse=error.mse,
            mse_projected=error.mse_projected,
            mse_uniform=uniform_error.mse,
            per_image=per_image,
        )

    def origin(self, step: int) -> dict[str, Any]:
        """Return the fields of a result that say what it is of."""
        return {
            "run": self.run.path.resolve().name,
            "recipe": self.recipe.name,
            "step": step,
            "split": self.options.split,
            "protocol": self.protocol.name,
            "interpolation": self.protocol.interpolation,
            "limit": self.options.limit,
            "mode": self.protocol.mode,
            "sampler": self.options.sampling.label,
        }


def _check_previous(protocol: Protocol) -> None:
    """Raise RoadsegError unless labels come back from the graph frame by frame."""
    if protocol.interpolation != "graph" or not protocol.mode.is_whole:
        raise RoadsegError(
            f"--sampler previous: of whole frames, interpolated in the graph; not by protocol "
            f"'{protocol.label}'"
        )


def evaluate(
    run: RunFolder | Path | str,
    options: EvaluationOptions | None = None,
    progress: Progress | None = None,
) -> BaseResult:
    """Return the scores of one checkpoint of `run`; writes nothing.

    Raises RoadsegError for whatever does not fit: run, checkpoint, records, split, protocol.
    """
    evaluation = Evaluation(run if isinstance(run, RunFolder) else RunFolder(run), options)
    return evaluation.load(evaluation.find_step())(progress)


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


def open_split(path: Path, split: str) -> "RecordSet":
    """Return the records of `split`; raise RoadsegError if there is none or it is empty."""
    from roadseg.data_conversion.read.records import open_records

    records = open_records(path, split)
    if not records.files or records.num_examples == 0:
        raise RoadsegError(
            f"{path}: the split '{split}' holds no image; convert the data set again, "
            "or choose another with --split"
        )
    return records


def check_same_classes(run: LabelTable, records: LabelTable, run_at: Path, at: Path) -> None:
    """Raise RoadsegError unless both tables name the same classes in the same order."""
    if run.names == records.names and run.ignore == records.ignore:
        return
    if len(run.names) != len(records.names):
        what = f"{len(records.names)} classes where {run_at} was trained on {len(run.names)}"
    else:
        pairs = enumerate(zip(records.names, run.names, strict=True))
        odd = next(
            (f"class {n} '{a}' where {run_at} has '{b}'" for n, (a, b) in pairs if a != b), ""
        )
        what = odd or f"ignore value {records.ignore} where {run_at} has {run.ignore}"
    raise RoadsegError(f"{at}: {what}; give the run's own data set with --records")
