"""A folder is replaced whole or not at all: full disks, errors and kills."""

import contextlib
import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import keras
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("export is TensorFlow's", allow_module_level=True)

import tensorflow as tf

from roadseg.errors import RoadsegError
from roadseg.export.saved_model import export_saved_model
from roadseg.folders import replace_folder
from tests.export.support import heavy_network


@contextlib.contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """Let every write beyond `size` bytes of a file fail, as on a disk that fills up."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """Mount a file system of `size` on `folder`, or skip where that is not allowed."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("mounting a small file system takes root")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def write_text(text: str):
    return lambda folder: (folder / "a.txt").write_text(text) and None


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_new_folder_takes_the_place_of_the_old_one(tmp_path):
    replace_folder(tmp_path / "model", write_text("old"))
    replace_folder(tmp_path / "model", write_text("new"))
    assert (tmp_path / "model" / "a.txt").read_text() == "new"
    assert left_in(tmp_path) == ["model"]


def test_any_error_while_writing_keeps_the_old_folder(tmp_path):
    replace_folder(tmp_path / "model", write_text("old"))

    def fail(folder: Path) -> None:
        (folder / "a.txt").write_text("half")
        raise ValueError("a mistake in the program")

    with pytest.raises(ValueError, match="a mistake in the program"):
        replace_folder(tmp_path / "model", fail)
    assert (tmp_path / "model" / "a.txt").read_text() == "old"
    assert left_in(tmp_path) == ["model"]


def test_kill_between_the_renames_is_mended_by_the_next_export(tmp_path):
    replace_folder(tmp_path / ".old-model", write_text("old"))
    (tmp_path / ".unfinished-model-123").mkdir()

    def look(folder: Path) -> None:
        assert (tmp_path / "model" / "a.txt").read_text() == "old"
        raise OSError("no")

    with pytest.raises(RoadsegError, match="not exported"):
        replace_folder(tmp_path / "model", look)
    assert left_in(tmp_path) == ["model"]


def test_files_that_cannot_grow_leave_the_old_export_and_one_line(tmp_path):
    model, target = heavy_network(), tmp_path / "model"
    replace_folder(target, write_text("old"))
    with no_file_above(100_000), pytest.raises(RoadsegError) as refused:
        export_saved_model(model, target)
    assert str(target) in str(refused.value) and "--to" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert left_in(tmp_path) == ["model"] and left_in(target) == ["a.txt"]


def test_full_disk_leaves_the_old_export_and_one_line(tmp_path):
    model, disk = heavy_network(), tmp_path / "disk"
    with small_disk(disk, "600k"):
        replace_folder(disk / "model", write_text("old"))
        with pytest.raises(RoadsegError, match="the disk is full") as refused:
            export_saved_model(model, disk / "model")
        assert str(disk / "model") in str(refused.value) and "\n" not in str(refused.value)
        assert left_in(disk) == ["model"] and left_in(disk / "model") == ["a.txt"]


def test_unwritable_place_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RoadsegError, match="file/model: not exported"):
        replace_folder(tmp_path / "file" / "model", write_text("new"))


def test_tensorflow_file_errors_are_told_in_one_line(tmp_path):
    def fail(folder: Path) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device;\nwriting x")

    with pytest.raises(RoadsegError, match="the disk is full"):
        replace_folder(tmp_path / "model", fail)
