"""Checkpoint folders: whole or absent, newest and best kept."""

import errno
import json
from pathlib import Path

import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.files import Arrays, read_arrays, write_arrays, write_file, write_text
from roadseg.runs import checkpoint

GROUPS = {"weights": {"conv/kernel": np.arange(6.0).reshape(2, 3), "conv/bias": np.zeros(3)}}


def write(folder: Path, *steps: int) -> None:
    for step in steps:
        checkpoint.write_checkpoint(folder, step, GROUPS, {"examples": 4})


def test_arrays_and_state_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = checkpoint.write_checkpoint(tmp_path, 1200, GROUPS, {"examples": 4})
    assert path.name == "step-00001200"
    arrays = read_arrays(path / "weights.npz")
    np.testing.assert_array_equal(arrays["conv/kernel"], GROUPS["weights"]["conv/kernel"])
    assert checkpoint.read_state(path) == {"step": 1200, "examples": 4, "files": ["weights"]}


def test_checkpoints_are_listed_oldest_first_without_unfinished_ones(tmp_path: Path) -> None:
    write(tmp_path, 20, 3, 100)
    (tmp_path / ".unfinished-step-00000200-7").mkdir()
    (tmp_path / "step-00000300").mkdir()
    assert [step for step, _ in checkpoint.list_checkpoints(tmp_path)] == [3, 20, 100]
    assert checkpoint.list_checkpoints(tmp_path / "absent") == []


def test_pruning_keeps_the_newest_and_those_named(tmp_path: Path) -> None:
    write(tmp_path, 1, 2, 3, 4, 5)
    checkpoint.prune(tmp_path, 2, also=[1])
    assert [step for step, _ in checkpoint.list_checkpoints(tmp_path)] == [1, 4, 5]
    assert len(list(tmp_path.iterdir())) == 3


def test_the_last_checkpoint_is_never_pruned(tmp_path: Path) -> None:
    write(tmp_path, 1, 2)
    checkpoint.prune(tmp_path, 0)
    assert [step for step, _ in checkpoint.list_checkpoints(tmp_path)] == [2]


def test_a_full_disk_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 1)

    def full(path: Path, arrays: Arrays) -> None:
        path.write_bytes(b"PK half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint, "_write_arrays", full)
    with pytest.raises(
        RoadsegError, match=r"step-00000002: not written, the disk is full"
    ) as error:
        write(tmp_path, 2)
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001"]


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut short"])
def test_a_damaged_file_of_arrays_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.npz"
    path.write_bytes(content)
    with pytest.raises(RoadsegError, match="weights.npz: not readable"):
        read_arrays(path)


def test_pickled_objects_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    np.savez(path, a=np.array([{"code": "run"}], dtype=object))
    with pytest.raises(RoadsegError, match="not readable"):
        read_arrays(path)


@pytest.mark.parametrize("text", ["{", json.dumps({"epoch": 3}), "[]"])
def test_a_state_without_a_step_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(RoadsegError, match="state.json"):
        checkpoint.read_state(tmp_path)


def test_text_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "recipe.json"
    write_text(path, "old")
    write_text(path, "new")
    assert path.read_text() == "new"
    assert len(list(path.parent.iterdir())) == 1


def test_a_folder_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RoadsegError, match="a.npz: not written"):
        write_arrays(tmp_path / "file" / "a.npz", {"a": np.zeros(1)})


def test_arrays_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.npz"
    write_arrays(path, {"a.b": np.arange(3)})

    def fails(file: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(RoadsegError, match="a.npz: not written, the disk is full"):
        write_file(path, fails)
    np.testing.assert_array_equal(read_arrays(path)["a.b"], np.arange(3))
    assert [found.name for found in path.parent.iterdir()] == ["a.npz"]


def test_a_file_where_a_folder_is_needed_is_called_one(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with pytest.raises(RoadsegError, match="a file lies where a folder is needed.*choose another"):
        write_text(tmp_path / "run" / "recipe.json", "text")
