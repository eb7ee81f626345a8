"""Whatever ends a conversion, nothing half-written is taken for complete."""

import contextlib
import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest

from roadseg.cli import main
from roadseg.data_conversion.read.records import open_records
from roadseg.data_conversion.sets.street_scenes import write_street_scenes
from roadseg.data_conversion.write.write import ASIDE, LOCK, STAGING, disk_fault
from roadseg.errors import RoadsegError
from tests.data_conversion.support import small_cityscapes


def convert(source: Path, to: Path, *options: str) -> int:
    return main(["convert", "cityscapes", "--source", str(source), "--to", str(to), *options])


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return small_cityscapes(tmp_path / "city", train=4, val=2)


# Stops for ever when the second shard is asked for, in the middle of writing.
STOP_IN_THE_MIDDLE = """
import sys, time
from roadseg.data_conversion.write import examples
original, seen = examples.example_of, []
def example_of(pair, coding):
    seen.append(pair)
    if len(seen) == 3:
        print("in the middle", flush=True)
        time.sleep(600)
    return original(pair, coding)
examples.example_of = example_of
from roadseg.cli import main
sys.exit(main(sys.argv[1:]))
"""


def killed_conversion(city: Path, to: Path, *options: str) -> None:
    """Convert in a process of its own and kill it while it writes."""
    command = [sys.executable, "-c", STOP_IN_THE_MIDDLE, "convert", "cityscapes"]
    command += ["--source", str(city), "--to", str(to), "--workers", "1", *options]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout
    while "in the middle" not in (line := process.stdout.readline()):
        assert line, "the conversion ended before it was killed"
    deadline = time.monotonic() + 20
    while not any(to.rglob("*.tfrecord")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_a_killed_conversion_leaves_nothing_that_is_taken_for_records(city: Path, tmp_path: Path):
    to = tmp_path / "records"
    killed_conversion(city, to)
    assert any((to / STAGING).rglob("train-*"))
    with pytest.raises(RoadsegError, match="no records here"):
        open_records(to, "train")
    assert convert(city, to) == 0
    assert open_records(to, "train").num_examples == 4
    assert [path.name for path in to.iterdir()] == ["cityscapes"]


def test_records_survive_a_replacement_that_is_killed(city: Path, tmp_path: Path):
    to = tmp_path / "records"
    assert convert(city, to) == 0
    killed_conversion(city, to, "--overwrite", "--shards", "1")
    opened = open_records(to, "train")
    assert opened.num_examples == 4 and len(opened.files) == 4


def test_records_put_aside_come_back_if_the_replacement_never_arrived(city: Path, tmp_path: Path):
    to = tmp_path / "records"
    assert convert(city, to) == 0
    (to / "cityscapes" / "1.0.0").rename(to / ASIDE)
    broken = small_cityscapes(tmp_path / "broken")
    next((broken / "gtFine" / "train").glob("*/*labelIds.png")).write_bytes(b"")
    assert convert(broken, to, "--overwrite") == 2
    assert open_records(to, "train").num_examples == 4


def test_two_conversions_do_not_share_a_folder(
    city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    to = tmp_path / "records"
    to.mkdir()
    with (to / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert convert(city, to) == 2
    assert "another conversion is writing here" in capsys.readouterr().err


@contextlib.contextmanager
def tiny_disk(folder: Path, size: str) -> Iterator[Path]:
    """Mount a tmpfs of `size`, or skip the test with the reason."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True
    )
    if done.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_one_line_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    city = small_cityscapes(tmp_path / "city", train=40, val=10)
    with tiny_disk(tmp_path / "disk", "64k") as disk:
        assert convert(city, disk / "records") == 2
        assert not any((disk / "records").iterdir())
    error = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error: ")]
    assert error == [
        f"error: {tmp_path}/disk/records: no space left on this disk, nothing was kept; "
        "make room or change --to"
    ]


def test_a_full_disk_keeps_what_was_complete(city: Path, tmp_path: Path):
    large = small_cityscapes(tmp_path / "large", train=60, val=1)
    with tiny_disk(tmp_path / "disk", "192k") as disk:
        assert convert(city, disk) == 0
        assert convert(large, disk, "--overwrite") == 2
        assert open_records(disk, "train").num_examples == 4


def test_a_full_disk_keeps_the_scenes_that_are_drawn(tmp_path: Path):
    with tiny_disk(tmp_path / "disk", "100k") as disk:
        with pytest.raises(
            RoadsegError, match="cannot write .*make room, finished scenes are kept"
        ):
            write_street_scenes(disk / "scenes", train=9, val=0, size=(64, 128))
        images = sorted((disk / "scenes").rglob("*leftImg8bit.png"))
        assert images and all(cv2.imread(str(path)) is not None for path in images)
        assert not [path for path in (disk / "scenes").rglob(".*") if path.is_file()]


def broken(*_: object) -> None:
    raise OSError(errno.EIO, "Input/output error")


def test_a_broken_disk_is_one_line_and_leaves_nothing(
    city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("roadseg.data_conversion.write.write.sync_path", broken)
    assert convert(city, tmp_path / "to") == 2
    assert not any((tmp_path / "to").iterdir())
    error = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error: ")]
    assert error == [
        f"error: {tmp_path}/to: not written (Input/output error), nothing was kept; "
        "mend this disk or change --to"
    ]


def test_records_stay_where_new_ones_cannot_be_put_in_their_place(
    city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    assert convert(city, tmp_path / "to") == 0
    rename = Path.rename

    def refusing(path: Path, target: Path) -> Path:
        return broken() if STAGING in path.parts else rename(path, target)

    monkeypatch.setattr(Path, "rename", refusing)
    large = small_cityscapes(tmp_path / "large", train=7, val=1)
    assert convert(large, tmp_path / "to", "--overwrite") == 2
    assert "not written (Input/output error); choose another place" in capsys.readouterr().err
    monkeypatch.undo()
    assert open_records(tmp_path / "to", "train").num_examples == 4


def test_a_fault_of_a_disk_is_told_from_other_errors():
    assert disk_fault(OSError(28, "No space left on device")) == "No space left on device"
    inner = RuntimeError("write failed: Input/output error")
    outer = ValueError("conversion failed")
    outer.__cause__ = inner
    assert disk_fault(outer) == "Input/output error"
    assert disk_fault(OSError(13, "Permission denied")) is None
