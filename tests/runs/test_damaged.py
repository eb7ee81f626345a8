"""A damaged checkpoint is named, and the one before it is taken."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.files import read_arrays
from roadseg.runs import checkpoint
from roadseg.runs.run_folder import RunFolder

VALUES = {"conv/kernel": np.arange(600.0)}
GROUPS = {"weights": VALUES, "ema": VALUES, "optimizer": VALUES}


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 8
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGE = [flipped, cut, emptied, folder, Path.unlink]


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """Return a run with checkpoints 3 and 6."""
    found = RunFolder(tmp_path / "run")
    for step in (3, 6):
        checkpoint.write_checkpoint(found.checkpoint_folder, step, GROUPS, {})
    return found


@pytest.mark.parametrize("harm", DAMAGE)
@pytest.mark.parametrize("name", ["weights.npz", "ema.npz", "state.json"])
def test_the_one_before_is_taken_and_the_damaged_file_named_once(
    harm: Callable[[Path], object], name: str, run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.find_checkpoint()[0] == 6
    path = run.find_checkpoint()[1] / name
    if (name, harm) == ("state.json", flipped):
        path.write_text('{"steps": 6}')
    else:
        harm(path)
    assert run.find_checkpoint()[0] == run.find_checkpoint()[0] == 3
    printed = capsys.readouterr().err
    assert printed.count("warning:") == 1 and printed.count("\n") == 1
    assert name in printed and "; step 3 before it is taken" in printed
    assert run.find_checkpoint(3)[0] == 3


@pytest.mark.parametrize("harm", DAMAGE)
def test_training_looks_at_what_only_it_needs(harm: Callable[[Path], object], run: RunFolder):
    harm(run.find_checkpoint()[1] / "optimizer.npz")
    assert run.find_checkpoint()[0] == 6
    assert run.find_checkpoint(training=True)[0] == 3


def test_where_all_are_damaged_the_newest_is_refused(run: RunFolder):
    for _, path in run.checkpoints():
        cut(path / "weights.npz")
    step, path = run.find_checkpoint()
    assert step == 6
    with pytest.raises(RoadsegError, match=r"step-00000006/weights.npz: not readable as .npz"):
        read_arrays(path / "weights.npz")


def test_a_checkpoint_that_is_named_is_not_replaced_by_another(run: RunFolder):
    cut(run.find_checkpoint(6)[1] / "weights.npz")
    assert run.find_checkpoint(6)[0] == 6


def test_checkpoints_of_before_their_files_were_noted_are_looked_at(run: RunFolder):
    path = run.find_checkpoint()[1]
    (path / "state.json").write_text('{"step": 6}')
    assert run.find_checkpoint()[0] == 6
    cut(path / "ema.npz")
    assert run.find_checkpoint()[0] == 3


def test_what_is_set_aside_counts_no_more_and_is_kept(run: RunFolder):
    path = run.find_checkpoint()[1]
    checkpoint.set_aside(path)
    checkpoint.set_aside(path)
    aside = path.with_name("damaged-step-00000006")
    assert (aside / "weights.npz").is_file()
    shutil.copytree(aside, path)
    checkpoint.set_aside(path)
    assert len(list(run.checkpoint_folder.glob("damaged-*/weights.npz"))) == 2
    assert [step for step, _ in run.checkpoints()] == [3]


def test_a_checkpoint_is_written_where_one_without_a_state_lies(run: RunFolder):
    path = run.find_checkpoint()[1]
    (path / "state.json").unlink()
    assert checkpoint.write_checkpoint(run.checkpoint_folder, 6, GROUPS, {}) == path
    assert [step for step, _ in run.checkpoints()] == [3, 6]
    assert (path.with_name("damaged-step-00000006") / "weights.npz").is_file()
