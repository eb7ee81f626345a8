"""Follows a run: evaluates each new checkpoint once, until the run's end or for ever."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from roadseg.errors import RoadsegError
from roadseg.eval.evaluation import Evaluation
from roadseg.eval.job import Progress
from roadseg.eval.results.base import BaseResult
from roadseg.eval.store import store_result
from roadseg.eval.tasks.evaluator import Evaluate
from roadseg.files import disk_error
from roadseg.runs import checkpoint
from roadseg.runs.lock import try_lock, wait_for_lock
from roadseg.runs.run_folder import RunFolder

INTERVAL_S = 300.0
POLL_S = 2.0
_HELD = ".held-"

Report = Callable[[str], None]


@dataclass(frozen=True)
class FollowOptions:
    """When to look, and when to stop."""

    interval_s: float = INTERVAL_S
    """Least time between the starts of two evaluations. Source: adaptive-sampling, eval.py."""
    until_step: int | None = None
    """Stop once a checkpoint at or beyond this step is evaluated; None: at the run's last step."""
    max_evaluations: int | None = None
    """Stop after so many; 0 or less: never, not even at the last step. None: no such limit."""
    poll_s: float = POLL_S
    """Time between two looks into the checkpoint folder."""

    def last_step(self, recipe_steps: int) -> float:
        """Return the step whose evaluation ends the watch; infinity for an endless one."""
        if self.until_step is not None:
            return self.until_step
        endless = self.max_evaluations is not None and self.max_evaluations <= 0
        return float("inf") if endless else recipe_steps


def wait_for_run(
    run: RunFolder, report: Report = print, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Return once a run was begun in the folder, which need not exist yet; say so while waiting.

    Source: adaptive-sampling, eval.py, whose loop may be started before the training.
    Raises RoadsegError where the path is a file, so that no run can appear there.
    """
    told = False
    while not run.exists:
        if run.path.is_file():
            raise RoadsegError(f"{run.path}: a file, not a run folder; give the folder of the run")
        if not told:
            report(f"waiting for a run to begin in {run.path} (no recipe.json there yet)")
            told = True
        sleep(POLL_S)


def follow(
    evaluation: Evaluation,
    options: FollowOptions | None = None,
    progress: Progress | None = None,
    report: Report = print,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[BaseResult]:
    """Yield the result of each checkpoint not evaluated before, as it appears, and store it.

    Waiting checkpoints are taken oldest first, so curves grow in order and none is left out that
    still exists (the original skips to the newest). A step counts as evaluated once its JSON file
    exists, so a restarted watch goes on where it was. A checkpoint that is pruned before it is read
    is passed over.
    `report` gets one line whenever the watch waits or passes a checkpoint over.
    Raises RoadsegError for a checkpoint that does not fit the run, and where the disk is full.
    """
    options = options or FollowOptions()
    last_step = options.last_step(evaluation.run.recipe.steps)
    passed_over: set[int] = set()
    started, done, told = -float("inf"), 0, False
    while not _is_over(evaluation, last_step):
        waiting = [step for step in unevaluated(evaluation) if step not in passed_over]
        pause = options.interval_s - (clock() - started)
        if not waiting or pause > 0:
            if not waiting and not told:
                report(f"waiting for a new checkpoint in {evaluation.run.checkpoint_folder}")
                told = True
            sleep(min(options.poll_s, pause) if waiting else options.poll_s)
            continue
        started, told = clock(), False
        result = evaluate_and_store(evaluation, waiting[0], progress)
        if result is None:
            passed_over.add(waiting[0])
            report(f"step {waiting[0]} was pruned before it could be read; passed over")
            # It took no time: the next may begin at once.
            started = -float("inf")
            continue
        yield result
        done += 1
        if options.max_evaluations is not None and 0 < options.max_evaluations <= done:
            return


def unevaluated(evaluation: Evaluation) -> list[int]:
    """Return the steps of complete checkpoints without a result, oldest first."""
    steps = [step for step, _ in evaluation.run.checkpoints()]
    return [step for step in steps if not evaluation.result_path(step).is_file()]


def evaluated_steps(evaluation: Evaluation) -> list[int]:
    """Return the steps that have a result of this kind of evaluation, in order."""
    names = (path.stem.removeprefix("step-") for path in evaluation.folder.glob("step-*.json"))
    return sorted(int(name) for name in names if name.isdecimal())


def _is_over(evaluation: Evaluation, last_step: float) -> bool:
    """Return whether a step at or beyond `last_step` is evaluated."""
    return any(step >= last_step for step in evaluated_steps(evaluation))


def evaluate_and_store(
    evaluation: Evaluation, step: int, progress: Progress | None = None
) -> BaseResult | None:
    """Evaluate the checkpoint at `step` and store the result; None if it was pruned meanwhile.

    If it turns out to be the best and was pruned during the evaluation, it is put back.
    """
    with held(evaluation.run, step) as hold:
        if hold is None:
            return None
        begin = time.monotonic()
        run_evaluation = _loaded(evaluation, step, hold)
        if run_evaluation is None:
            return None
        result = run_evaluation(progress)
        store_result(evaluation, result, time.monotonic() - begin)
        if evaluation.run.best_step() == step:
            hold.put_back()
        return result


def evaluate_with_others(
    evaluation: Evaluation, step: int, progress: Progress | None = None
) -> BaseResult:
    """Evaluate as one of several workers the checkpoint at `step`; the first worker stores it.

    Raises RoadsegError, the same for all, where the checkpoint was pruned or one worker fails. Ends
    well only once the result is stored.
    """
    group = evaluation.group
    with held(evaluation.run, step) as hold:

        def load() -> Evaluate:
            loaded = None if hold is None else _loaded(evaluation, step, hold)
            if loaded is None:
                raise pruned(evaluation.run, step)
            return loaded

        def store() -> None:
            if group.writes:
                store_result(evaluation, result, time.monotonic() - begin)
                if hold is not None and evaluation.run.best_step() == step:
                    hold.put_back()

        begin = time.monotonic()
        result = group.together(load)(progress)
        group.together(store)
        return result


def pruned(run: RunFolder, step: int) -> RoadsegError:
    """Return what to say of a checkpoint that is there no longer."""
    return RoadsegError(
        f"{run.checkpoint_folder}: step {step} was pruned before it could be read; run the same "
        "command again"
    )


def _loaded(evaluation: Evaluation, step: int, hold: "_Hold") -> Evaluate | None:
    """Return what evaluates the held checkpoint; None if it was pruned before it was read."""
    try:
        run_evaluation = evaluation.load(step)
    except (RoadsegError, OSError):
        if hold.pruned:
            return None
        raise
    # A file that vanished while others were read need not have raised (averaged weights).
    return None if hold.pruned else run_evaluation


@dataclass(frozen=True)
class _Hold:
    original: Path
    copy: Path

    @property
    def pruned(self) -> bool:
        return not self.original.is_dir()

    def put_back(self) -> None:
        """Restore the checkpoint under its own name if it was pruned."""
        if self.pruned:
            self.copy.rename(self.original)


@contextmanager
def held(run: RunFolder, step: int) -> Iterator[_Hold | None]:
    """Keep the files of one checkpoint from vanishing, by hard links; None if it is gone already.

    The links lie beside the checkpoints, in `.held-*`, and are taken away at the end: by the
    next evaluation, where this process is killed. The folder's lock tells whose is alive.
    """
    original = run.checkpoint_folder / checkpoint.checkpoint_name(step)
    _clear_left(run.path)
    try:
        folder, lock = _own_folder(run.path)
    except OSError as error:
        raise disk_error(run.path, error) from None
    copy = folder / original.name
    try:
        copy.mkdir()
        for file in original.iterdir():
            if file.is_file():
                _link_or_copy(file, copy / file.name)
        hold = _Hold(original, copy) if (copy / "state.json").is_file() else None
    except FileNotFoundError:
        hold = None
    except OSError as error:
        _let_go(folder, lock)
        raise disk_error(copy, error) from None
    try:
        yield hold
    finally:
        _let_go(folder, lock)


def _own_folder(run: Path) -> tuple[Path, int]:
    """Make a folder in `run`, lock it and return it with its handle; others leave it alone."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_HELD, dir=run))
        # Another evaluation may clear it up before it is locked.
        with suppress(FileNotFoundError):
            handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
            wait_for_lock(handle)
            if folder.is_dir():
                return folder, handle
            os.close(handle)


def _clear_left(run: Path) -> None:
    """Remove the folders of evaluations that were killed; where disks have no locks, none."""
    for folder in run.glob(f"{_HELD}*"):
        with suppress(OSError):
            handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if try_lock(handle):
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(handle)


def _let_go(folder: Path, lock: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)


def _link_or_copy(source: Path, target: Path) -> None:
    """Link `source`; on file systems without hard links (some network shares), copy it."""
    try:
        os.link(source, target)
    # It was pruned, which the caller has to know.
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copy2(source, target)
