import dataclasses
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.eval.evaluation import Evaluation
from roadseg.eval.frames import Frame
from roadseg.eval.results.base import BaseResult
from roadseg.eval.results.segmentation import SegmentationResult
from roadseg.eval.tasks.segmentation import score_frames
from roadseg.eval.watch import (
    FollowOptions,
    evaluated_steps,
    follow,
    held,
    unevaluated,
    wait_for_run,
)
from roadseg.recipe.protocol import Protocol
from roadseg.runs.run_folder import RunFolder
from tests.eval.runs import TABLE, add_checkpoint, begin_run, recipe, street, write_records

QUICK = FollowOptions(interval_s=0, poll_s=1)


class Stopped(Exception):
    """Raised by a fake sleep when nothing more will come."""


def no_more(_: float) -> None:
    raise Stopped


def result_of(step: int, miou: float | None = None) -> SegmentationResult:
    label = street(0)[1]
    frames = [Frame("one", np.zeros((*label.shape, 3), np.uint8), label)]
    values = score_frames(frames, lambda _: [lambda: np.zeros_like(label)], TABLE).values()
    origin = {"run": "r", "recipe": "toy", "split": "val", "protocol": Protocol()}
    result = SegmentationResult(step=step, **origin, limit=None, **values)
    return dataclasses.replace(result, miou=step / 100 if miou is None else miou)


@pytest.fixture
def evaluation(tmp_path: Path) -> Evaluation:
    """Return the evaluation of a run of 30 steps whose scores come from nowhere, at once."""
    run = begin_run(tmp_path / "run", recipe(write_records(tmp_path / "records", count=1)))
    evaluation = Evaluation(run)

    def load(step: int) -> Callable[[Any], BaseResult]:
        run.load_network(step)
        return lambda progress: result_of(step)

    evaluation.load = load  # type: ignore[method-assign]
    return evaluation


def steps_of(results: Iterator[BaseResult]) -> list[int]:
    """Return the steps that a watch yields until it ends or sleeps for ever."""
    steps = []
    try:
        for result in results:
            steps.append(result.step)
    except Stopped:
        steps.append(-1)
    return steps


def watch(evaluation: Evaluation, options: FollowOptions = QUICK, **hooks: Any) -> list[int]:
    hooks = {"sleep": no_more, "report": lambda line: None} | hooks
    return steps_of(follow(evaluation, options, **hooks))


def test_each_checkpoint_is_evaluated_once_up_to_the_last_step(evaluation: Evaluation) -> None:
    for step in (20, 10, 30):
        add_checkpoint(evaluation.run, step)
    assert watch(evaluation) == [10, 20, 30]
    assert evaluated_steps(evaluation) == [10, 20, 30]
    assert watch(evaluation) == []


def test_a_restarted_watch_goes_on_where_it_was(evaluation: Evaluation) -> None:
    add_checkpoint(evaluation.run, 10)
    assert watch(evaluation) == [10, -1]
    add_checkpoint(evaluation.run, 20)
    assert watch(evaluation) == [20, -1]


def test_a_new_checkpoint_is_waited_for(evaluation: Evaluation) -> None:
    coming = iter((10, 30))
    told: list[str] = []

    def sleep(seconds: float) -> None:
        add_checkpoint(evaluation.run, next(coming))

    assert watch(evaluation, sleep=sleep, report=told.append) == [10, 30]
    assert told == [f"waiting for a new checkpoint in {evaluation.run.checkpoint_folder}"] * 2


def test_a_half_written_checkpoint_is_never_read(evaluation: Evaluation) -> None:
    add_checkpoint(evaluation.run, 10)
    whole = evaluation.run.checkpoint_folder / "step-00000010"
    half = evaluation.run.checkpoint_folder / ".unfinished-step-00000020-1"
    shutil.copytree(whole, half)
    without_state = evaluation.run.checkpoint_folder / "step-00000015"
    shutil.copytree(whole, without_state)
    (without_state / "state.json").unlink()
    assert watch(evaluation) == [10, -1]


def test_evaluations_start_an_interval_apart(evaluation: Evaluation) -> None:
    for step in (10, 20, 30):
        add_checkpoint(evaluation.run, step)
    now, started = [0.0], []
    load = evaluation.load

    def timed(step: int) -> Callable[[Any], BaseResult]:
        started.append(now[0])
        now[0] += 40
        return load(step)

    def sleep(seconds: float) -> None:
        now[0] += seconds

    evaluation.load = timed  # type: ignore[method-assign]
    options = FollowOptions(interval_s=300, poll_s=7)
    assert watch(evaluation, options, sleep=sleep, clock=lambda: now[0]) == [10, 20, 30]
    assert started == [0, 300, 600]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (FollowOptions(0, until_step=20), [10, 20]),
        (FollowOptions(0, until_step=15), [10, 20]),
        (FollowOptions(0, max_evaluations=1), [10]),
        (FollowOptions(0, max_evaluations=0), [10, 20, 30, -1]),
        (FollowOptions(0, max_evaluations=-1), [10, 20, 30, -1]),
        (FollowOptions(0, until_step=50, max_evaluations=-1), [10, 20, 30, -1]),
    ],
)
def test_a_watch_ends_where_it_is_told_to(
    evaluation: Evaluation, options: FollowOptions, expected: list[int]
) -> None:
    for step in (10, 20, 30):
        add_checkpoint(evaluation.run, step)
    assert watch(evaluation, options) == expected


@pytest.mark.parametrize("moment", ["before", "while reading", "unnoticed"])
def test_a_checkpoint_pruned_before_it_is_read_is_passed_over(
    evaluation: Evaluation, moment: str
) -> None:
    for step in (10, 30):
        add_checkpoint(evaluation.run, step)
    load = evaluation.load
    told: list[str] = []

    def pruning(step: int) -> Callable[[Any], BaseResult]:
        if step == 10:
            ready = load(step) if moment == "unnoticed" else None
            shutil.rmtree(evaluation.run.checkpoint_folder / "step-00000010")
            if moment == "before":
                raise RoadsegError("no step 10")
            return ready or load(step)
        return load(step)

    evaluation.load = pruning  # type: ignore[method-assign]
    assert watch(evaluation, report=told.append) == [30]
    assert told == ["step 10 was pruned before it could be read; passed over"]
    assert evaluated_steps(evaluation) == [30]


def test_a_checkpoint_that_is_there_and_does_not_fit_ends_the_watch(
    evaluation: Evaluation,
) -> None:
    path = add_checkpoint(evaluation.run, 10)
    (path / "weights.npz").write_bytes(b"no archive")
    with pytest.raises(RoadsegError, match="step-00000010/weights.npz"):
        watch(evaluation)


def test_the_best_checkpoint_survives_being_pruned_during_its_evaluation(
    evaluation: Evaluation,
) -> None:
    for step in (10, 20):
        add_checkpoint(evaluation.run, step)
    load = evaluation.load

    def pruned_meanwhile(step: int) -> Callable[[Any], BaseResult]:
        load(step)

        def run_evaluation(progress: Any) -> BaseResult:
            shutil.rmtree(evaluation.run.checkpoint_folder / f"step-{step:08d}")
            return result_of(step, miou=0.5 if step == 10 else 0.1)

        return run_evaluation

    evaluation.load = pruned_meanwhile  # type: ignore[method-assign]
    assert watch(evaluation) == [10, 20, -1]
    assert [step for step, _ in evaluation.run.checkpoints()] == [10]
    assert evaluation.run.best_step() == 10
    evaluation.run.load_network("best")


def test_an_interrupted_evaluation_leaves_nothing_and_is_done_again(
    evaluation: Evaluation,
) -> None:
    add_checkpoint(evaluation.run, 30)
    load = evaluation.load

    def interrupted(progress: Any) -> BaseResult:
        raise KeyboardInterrupt

    evaluation.load = lambda step: interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        watch(evaluation)
    assert unevaluated(evaluation) == [30]
    assert not list(evaluation.run.path.glob(".held-*"))
    evaluation.load = load  # type: ignore[method-assign]
    assert watch(evaluation) == [30]


def test_holding_a_checkpoint_takes_no_second_copy(evaluation: Evaluation) -> None:
    path = add_checkpoint(evaluation.run, 10)
    with held(evaluation.run, 10) as hold:
        assert hold is not None
        assert (hold.copy / "weights.npz").samefile(path / "weights.npz")
    assert not list(evaluation.run.path.glob(".held-*"))
    with held(RunFolder(evaluation.run.path), 99) as hold:
        assert hold is None


def test_what_a_killed_evaluation_held_goes_and_what_a_running_one_holds_stays(
    evaluation: Evaluation,
) -> None:
    run = evaluation.run
    add_checkpoint(run, 10)
    (run.path / ".held-killed" / "step-00000010").mkdir(parents=True)
    with held(run, 10) as first, held(run, 10) as second:
        assert first is not None and second is not None
        assert not (run.path / ".held-killed").exists()
        assert first.copy.is_dir() and second.copy.is_dir()
    assert not list(run.path.glob(".held-*"))


def test_a_watch_that_is_started_before_the_training_waits_for_the_run(tmp_path: Path) -> None:
    told: list[str] = []
    records = write_records(tmp_path / "records", count=1)
    wait_for_run(
        RunFolder(tmp_path / "run"),
        told.append,
        lambda _: begin_run(tmp_path / "run", recipe(records)),
    )
    assert told == [f"waiting for a run to begin in {tmp_path / 'run'} (no recipe.json there yet)"]


def test_a_file_in_place_of_a_run_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with pytest.raises(RoadsegError, match="a file, not a run folder"):
        wait_for_run(RunFolder(tmp_path / "run"), sleep=no_more)
