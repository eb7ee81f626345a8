"""Interrupted runs: stopped, killed, changed, or on a full disk."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.files import Arrays, read_arrays
from roadseg.runs.run_folder import RunFolder
from roadseg.train import loop
from tests.chaos.compare import curves, events
from tests.support import REPOSITORY
from tests.train import tiny


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_records(tmp_path_factory.mktemp("records"))


@pytest.fixture(autouse=True)
def tiny_network(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.patch_networks(monkeypatch)


@pytest.fixture(scope="module")
def uninterrupted(records: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    run = RunFolder(tmp_path_factory.mktemp("uninterrupted") / "run")
    with pytest.MonkeyPatch.context() as patch:
        tiny.patch_networks(patch)
        assert loop.train(tiny.recipe(records), run) == 0
    return run


def arrays_of(run: RunFolder, step: int) -> Arrays:
    folder = run.find_checkpoint(step)[1]
    files = sorted(folder.glob("*.npz"))
    return {f"{f.name}:{k}": v for f in files for k, v in read_arrays(f).items()}


def assert_same(run: RunFolder, other: RunFolder, step: int = 8) -> None:
    ours, theirs = arrays_of(run, step), arrays_of(other, step)
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
    assert events(run.path / "metrics.jsonl") == events(other.path / "metrics.jsonl")
    assert curves(run.tensorboard("train")) == curves(other.tensorboard("train"))


def in_process(run: RunFolder, records: Path, *options: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "tests.train.tiny", str(run.path), str(records), *options]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def test_a_stopped_run_equals_an_uninterrupted_one(
    records: Path, uninterrupted: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder(tmp_path / "run")
    report = loop._Loop._report

    def stop_at_four(self, done, *rest):
        report(self, done, *rest)
        if done == 4:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(loop._Loop, "_report", stop_at_four)
    assert loop.train(tiny.recipe(records), run) == 128 + signal.SIGTERM
    assert [step for step, _ in run.checkpoints()] == [3, 5]
    monkeypatch.setattr(loop._Loop, "_report", report)
    assert loop.train(tiny.recipe(records), run) == 0
    assert_same(run, uninterrupted)


def test_a_run_killed_while_checkpointing_equals_an_uninterrupted_one(
    records: Path, uninterrupted: RunFolder, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "run")
    # Files 1 and 2 make the checkpoint of step 3; file 4 is the second one of step 6.
    process = in_process(run, records, "--kill-at-file", "4")
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert [step for step, _ in run.checkpoints()] == [3]
    assert list(run.checkpoint_folder.glob(".unfinished-*"))
    assert loop.train(tiny.recipe(records), run) == 0
    assert_same(run, uninterrupted)
    assert not list(run.checkpoint_folder.glob(".unfinished-*"))


def test_a_run_killed_while_training_equals_an_uninterrupted_one(
    records: Path, tmp_path: Path
) -> None:
    run, whole = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "whole")
    recipe = tiny.recipe(records, steps=150)
    process = in_process(run, records, "--steps", "150")
    # Until it has two, however busy the machine is; one that ended by itself fails below.
    while len(run.checkpoints()) < 2 and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert 3 < run.checkpoints()[-1][0] < 150
    assert loop.train(recipe, run) == 0
    assert loop.train(recipe, whole) == 0
    assert_same(run, whole, 150)


@pytest.mark.parametrize("name", ["optimizer.npz", "state.json"])
def test_a_run_whose_newest_checkpoint_is_damaged_equals_an_uninterrupted_one(
    name: str,
    records: Path,
    uninterrupted: RunFolder,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = RunFolder(shutil.copytree(uninterrupted.path, tmp_path / "run"))
    path = run.find_checkpoint(8)[1] / name
    path.write_bytes(path.read_bytes()[:-9])
    assert loop.train(tiny.recipe(records), run) == 0
    assert f"warning: {path}: not " in (printed := capsys.readouterr().err)
    assert "; step 6 before it is taken" in printed
    assert_same(run, uninterrupted)
    assert (run.checkpoint_folder / "damaged-step-00000008").is_dir()


def test_what_a_run_killed_after_its_last_checkpoint_left_is_cleared_up(
    records: Path, uninterrupted: RunFolder, tmp_path: Path
) -> None:
    run = RunFolder(shutil.copytree(uninterrupted.path, tmp_path / "run"))
    # Killed while it deleted the oldest checkpoint that is not kept.
    (run.checkpoint_folder / ".unfinished-step-00000003-deleted-7").mkdir()
    one = tiny.recipe(records, **{"log.keep_checkpoints": 1})
    assert loop.train(one, run) == 0
    assert [path.name for path in run.checkpoint_folder.iterdir()] == ["step-00000008"]


def test_another_recipe_is_refused_on_resume(records: Path, uninterrupted: RunFolder) -> None:
    with pytest.raises(RoadsegError, match=r"batch_size=4, not 8.*--run"):
        loop.train(tiny.recipe(records, batch_size=8), uninterrupted)


def test_how_often_checkpoints_are_written_may_change_on_resume(
    records: Path, uninterrupted: RunFolder
) -> None:
    assert loop.train(tiny.recipe(records, log={"checkpoint_every_steps": 1}), uninterrupted) == 0


def test_records_of_another_length_are_refused_on_resume(
    uninterrupted: RunFolder, tmp_path: Path
) -> None:
    fewer = tiny.write_records(tmp_path / "fewer", count=9)
    with pytest.raises(RoadsegError, match="began with 10 images, the records now hold 9"):
        loop.train(tiny.recipe(fewer), uninterrupted)


def test_a_folder_with_other_files_is_not_taken_for_a_run(records: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RoadsegError, match="not empty and no run folder"):
        loop.train(tiny.recipe(records), RunFolder(tmp_path))


@pytest.fixture
def small_disk(tmp_path: Path):
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    mount = tmp_path / "small"
    mount.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(mount)])
    if made.returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    yield mount
    subprocess.run(["umount", "-l", str(mount)], check=True)


def test_a_full_disk_leaves_complete_checkpoints_and_the_run_can_go_on(
    records: Path, uninterrupted: RunFolder, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder(small_disk / "run")
    ballast = small_disk / "ballast"
    save = loop.training_state.save

    def save_on_full_disk(run, step, records, number, losses):
        if number == 6:
            free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
            ballast.write_bytes(b"\0" * (free - 4096))
        return save(run, step, records, number, losses)

    monkeypatch.setattr(loop.training_state, "save", save_on_full_disk)
    with pytest.raises(RoadsegError, match=r"step-00000006: not written, the disk is full.*free"):
        loop.train(tiny.recipe(records), run)
    assert [step for step, _ in run.checkpoints()] == [3]
    assert not list(run.checkpoint_folder.glob(".unfinished-*"))
    monkeypatch.setattr(loop.training_state, "save", save)
    ballast.unlink()
    assert loop.train(tiny.recipe(records), run) == 0
    assert_same(run, uninterrupted)
