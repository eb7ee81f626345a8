"""One evaluation of one checkpoint: from the run folder to a typed result, and onto disk."""

from importlib.metadata import version
from pathlib import Path
from typing import Literal

from roadseg.data_conversion.read.folders import find_shards
from roadseg.errors import RoadsegError
from roadseg.eval.job import EvaluationOptions, Job, Progress
from roadseg.eval.protocols import choose_protocol
from roadseg.eval.resizing import validation_frame
from roadseg.eval.results.base import BaseResult
from roadseg.eval.spread import ALONE, Group
from roadseg.eval.tasks.evaluator import Evaluate, open_records_of
from roadseg.eval.tasks.table import find_evaluator
from roadseg.label_tables.label_table import LabelTable
from roadseg.recipe.protocol import Protocol
from roadseg.runs import checkpoint
from roadseg.runs.run_folder import RunFolder
from roadseg.tasks.table import task_of


class Evaluation:
    """A run, a split and a protocol, checked once and then used for any number of checkpoints."""

    def __init__(
        self, run: RunFolder, options: EvaluationOptions | None = None, group: Group = ALONE
    ) -> None:
        """Raise RoadsegError for a folder that is no run, and for records that do not fit it.

        group: the workers over which its images are spread.
        """
        self.run, self.group = run, group
        self.options = options = options or EvaluationOptions()
        _refuse_missing(run)
        if options.max_images is not None and options.max_images < 1:
            raise RoadsegError(f"--max-images {options.max_images}: at least one image is needed")
        if options.batch_size < 1:
            raise RoadsegError(f"--batch-size {options.batch_size}: at least 1 is needed")
        recipe = run.recipe
        self.evaluator = find_evaluator(recipe)
        self.protocol = choose_protocol(recipe, options.protocol, options.changes)
        sampler = options.sampling.load(run)
        if sampler is not None and sampler.kind == "previous":
            _check_previous(self.protocol)
        table = run.label_table
        records = open_records_of(recipe, options.records or Path(recipe.records), options.split)
        if task_of(recipe).has_classes:
            check_same_classes(table, records.label_table, run.path, records.path)
        if not self.evaluator.has_pictures and (options.save_predictions or options.boundary_f):
            option = "--save-predictions" if options.save_predictions else "--boundary-f"
            learns = task_of(recipe).learns
            raise RoadsegError(f"{option}: {run.path} learns {learns}; leave it out")
        prepare = validation_frame(self.protocol, records.label_table.name)
        self.job = Job(run, recipe, table, records, self.protocol, options, sampler, prepare, group)

    @property
    def folder(self) -> Path:
        """Where results go: evaluation/<split>-<protocol>, partial evaluations apart."""
        name = f"{self.options.split}-{self.protocol.label}"
        if self.options.sampling.given:
            name += f"-by-{self.options.sampling.label}"
        if self.options.max_images is not None:
            name += f"-first{self.options.max_images}"
        return self.run.evaluation_folder(name)

    def result_path(self, step: int) -> Path:
        """Return where the result of the checkpoint at `step` is kept."""
        return self.folder / f"{checkpoint.checkpoint_name(step)}.json"

    def find_step(self) -> int:
        """Return the step that the options name; RoadsegError if there is no such checkpoint."""
        return find_step(self.run, self.options.step)

    def agreed(self, step: int) -> int:
        """Return the step that the first worker found, where others may see a newer one.

        Raises RoadsegError, for all workers, where one has other records or another version.
        """
        records = self.job.records
        files = [[file.name, file.stat().st_size] for file in records.files]
        if not self.group.is_same([version("roadseg"), records.num_examples, files]):
            raise RoadsegError(
                f"{self.run.path}: the workers found different records, or are of different "
                "versions; are run and records the same folders on all of them?"
            )
        return self.group.from_first(step)

    def load(self, step: int) -> Evaluate:
        """Return a function that evaluates the checkpoint at `step`, whose weights are now read.

        What it needs from the checkpoint is in memory afterwards: pruning it does no harm.
        """
        return self.evaluator.load(self.job, step)


def find_step(run: RunFolder, step: int | Literal["best", "last"]) -> int:
    """Return the step of `run` that `step` names; RoadsegError if there is no such checkpoint."""
    if not run.checkpoints():
        raise RoadsegError(
            f"{run.checkpoint_folder}: no checkpoint yet; train on, "
            "or wait for the first one with --follow"
        )
    return run.find_checkpoint(None if step == "last" else step)[0]


def refuse_early(run: RunFolder, options: EvaluationOptions) -> None:
    """Raise RoadsegError for a run, protocol, split or step that is not there, without TensorFlow.

    All is looked at again, and closer, where it is used; reading records takes seconds.
    """
    _refuse_missing(run)
    choose_protocol(run.recipe, options.protocol, options.changes)
    for split in filter(None, options.split.split("+")):
        find_shards(options.records or Path(run.recipe.records), split)
    find_step(run, options.step)


def _refuse_missing(run: RunFolder) -> None:
    if not run.exists:
        raise RoadsegError(
            f"{run.path}: no run here (no recipe.json); give the folder that `roadseg train` made"
        )


def _check_previous(protocol: Protocol) -> None:
    """Raise RoadsegError unless labels come back from the graph frame by frame."""
    if protocol.interpolation != "graph" or not protocol.is_whole:
        raise RoadsegError(
            f"--sampler previous: of whole frames, interpolated in the graph; not by protocol "
            f"'{protocol.label}'"
        )


def evaluate(
    run: RunFolder | Path | str,
    options: EvaluationOptions | None = None,
    progress: Progress | None = None,
) -> BaseResult:
    """Return the metrics of one checkpoint of `run`; writes nothing.

    Raises RoadsegError for whatever does not fit: run, checkpoint, records, split, protocol.
    """
    evaluation = Evaluation(run if isinstance(run, RunFolder) else RunFolder(run), options)
    return evaluation.load(evaluation.find_step())(progress)


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
