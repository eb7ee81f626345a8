"""One training a run folder: refused by name of the first, and taken over from the dead."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from roadseg.errors import RoadsegError
from roadseg.runs import lock
from roadseg.runs.run_folder import RunFolder

HOLDS = """
import sys, time
from pathlib import Path
from roadseg.runs.lock import run_lock
with run_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(300)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen]:
    """Another process that holds the lock of `tmp_path`."""
    command = [sys.executable, "-c", HOLDS, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_training_is_refused_by_name_of_the_first(
    tmp_path: Path, holder: subprocess.Popen
) -> None:
    host = os.uname().nodename
    named = rf"trained by process {holder.pid} on {host}, which began at 20\d\d-.*another --run"
    before = time.monotonic()
    with pytest.raises(RoadsegError, match=named):
        lock.refuse_locked(tmp_path)
    with pytest.raises(RoadsegError, match=named), lock.run_lock(tmp_path):
        pass
    assert time.monotonic() - before < 2


def test_the_lock_of_a_dead_process_is_taken_over_with_one_line(
    tmp_path: Path, holder: subprocess.Popen, capsys: pytest.CaptureFixture[str]
) -> None:
    holder.kill()
    holder.wait()
    lock.refuse_locked(tmp_path)
    with lock.run_lock(tmp_path):
        said = capsys.readouterr().out
        assert said.count("\n") == 1 and f"taken over; process {holder.pid} on" in said
        with pytest.raises(RoadsegError, match=f"trained by process {os.getpid()} on"):
            lock.refuse_locked(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_lock_is_gone_after_its_training_and_so_is_a_folder_that_stayed_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("empty", "begun"):
        with lock.run_lock(tmp_path / name):
            assert (tmp_path / name / lock.NAME).is_file()
            if name == "begun":
                (tmp_path / name / "recipe.json").write_text("{}")
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == [
        "begun",
        "begun/recipe.json",
    ]
    assert not capsys.readouterr().out


def on_another_machine(folder: Path, age_s: float) -> Path:
    path = folder / lock.NAME
    there = {"host": "far", "pid": 7, "since": "2026-01-01 10:00:00 +0000", "boot": "another"}
    path.write_text(json.dumps(there))
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def test_the_lock_of_a_machine_that_gave_no_sign_of_life_for_long_is_taken_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the file system keeps locks to each machine: nothing here holds the lock."""
    on_another_machine(tmp_path, lock.GONE_S + 5)
    with lock.run_lock(tmp_path):
        pass
    assert "taken over; process 7 on far" in capsys.readouterr().out


@pytest.mark.parametrize("locks", [True, None], ids=["locks of its own", "no locks"])
def test_another_machine_that_gives_signs_of_life_keeps_its_run(
    locks: bool | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "try_lock", lambda handle: locks)
    path, over = on_another_machine(tmp_path, 1), threading.Event()
    monkeypatch.setattr(lock, "BEAT_S", 0.2)
    with path.open("r+") as file:
        beat = threading.Thread(target=lock._beat, args=(file.fileno(), over))
        beat.start()
        try:
            with pytest.raises(RoadsegError, match="trained by process 7 on far"):
                lock._take(tmp_path)
        finally:
            over.set()
            beat.join()
    assert json.loads(path.read_text())["host"] == "far"


def test_a_machine_that_falls_silent_is_watched_until_it_counts_as_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_another_machine(tmp_path, 0)
    monkeypatch.setattr(lock, "BEAT_S", 0.2)
    monkeypatch.setattr(lock, "GONE_S", 0.5)
    before = time.monotonic()
    with lock.run_lock(tmp_path):
        assert time.monotonic() - before > 0.4


def test_a_damaged_lock_is_no_obstacle_once_it_is_old(tmp_path: Path) -> None:
    path = tmp_path / lock.NAME
    path.write_bytes(b"\xff[")
    os.utime(path, (time.time() - lock.GONE_S - 5,) * 2)
    with lock.run_lock(tmp_path):
        assert json.loads(path.read_text())["pid"] == os.getpid()


def test_who_changes_a_file_alone_is_waited_for(tmp_path: Path) -> None:
    path, order = tmp_path / "file", []

    def second() -> None:
        with lock.alone_with(path):
            order.append("second")

    with lock.alone_with(path):
        waiting = threading.Thread(target=second)
        waiting.start()
        time.sleep(0.2)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]
    with lock.alone_with(tmp_path / "nowhere" / "file"):
        assert not (tmp_path / "nowhere").exists()


def test_two_evaluations_compare_with_the_best_of_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from roadseg.eval import store

    run = RunFolder(tmp_path)
    read = store._read_best

    def slow(run: RunFolder) -> dict[str, Any] | None:
        found = read(run)
        time.sleep(0.3)
        return found

    monkeypatch.setattr(store, "_read_best", slow)
    names = {"split": "val", "protocol": SimpleNamespace(label="p")}
    results: Any = [
        SimpleNamespace(step=step, main_metric=("miou", value), **names)
        for step, value in ((1, 0.6), (2, 0.5))
    ]
    both = [threading.Thread(target=store.update_best, args=(run, r)) for r in results]
    for thread in both:
        thread.start()
        time.sleep(0.1)
    for thread in both:
        thread.join()
    assert run.best_step() == 1


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RoadsegError, match=r"\.training\.lock: not written"):
        with lock.run_lock(tmp_path / "file" / "run"):
            pass
