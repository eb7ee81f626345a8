"""Requests to stop: one signal is noted, a second one acts, and all workers hear of them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import tensorflow as tf

from roadseg import cli
from roadseg.errors import RoadsegError
from roadseg.runs import lost
from roadseg.runs.lock import run_lock
from roadseg.runs.run_folder import RunFolder
from roadseg.train import devices, loop
from roadseg.train.stop import Agreement, StopSignal
from tests.train import tiny

# Stands for a step that takes minutes: Python runs no handler until it is done.
BUSY = """
import hashlib, threading
from roadseg.train.stop import StopSignal
with StopSignal():
    threading.Timer(0.2, lambda: print("busy", flush=True)).start()
    hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_the_first_signal_is_noted_and_the_handlers_come_back(number: int) -> None:
    before = signal.getsignal(number)
    with StopSignal() as stop:
        assert not stop.received
        os.kill(os.getpid(), number)
        assert stop.received == number
        assert signal.getsignal(number) is before
    assert signal.set_wakeup_fd(-1) == -1


def test_a_second_signal_ends_a_process_that_has_not_come_to_the_first() -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == b"busy\n"
        process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 128 + signal.SIGTERM


def test_one_process_stops_after_the_step_in_progress() -> None:
    stop = StopSignal()
    agreement = Agreement(stop, alone=True)
    assert not agreement.reached(0.0)
    stop.received = signal.SIGTERM
    assert agreement.reached(0.0)


def test_several_workers_stop_a_step_after_one_of_them_asked() -> None:
    stops = [StopSignal(), StopSignal()]
    agreements = [Agreement(stop, alone=False) for stop in stops]

    def step() -> list[bool]:
        asked = sum(each.asks for each in agreements)
        return [each.reached(asked) for each in agreements]

    assert step() == [False, False]
    stops[1].received = signal.SIGUSR1
    assert step() == [False, False]
    assert step() == [True, True]


@pytest.mark.parametrize(
    ("returned", "words", "status"),
    [
        (0, [], 0),
        (128 + signal.SIGTERM, [], 0),
        (128 + signal.SIGUSR1, [], 0),
        (128 + signal.SIGTERM, ["--status-when-stopped", "75"], 75),
        (0, ["--status-when-stopped", "75"], 0),
        (128 + signal.SIGINT, ["--status-when-stopped", "75"], 130),
    ],
)
def test_a_run_that_was_asked_to_stop_has_not_failed(
    returned: int, words: list[str], status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "train", lambda *_, **__: returned)
    (tmp_path / "train-00000-of-00001.tfrecord").write_bytes(b"")
    named = ["--recipe", "nus/sampler", "--records", str(tmp_path)]
    assert cli.main(["train", *named, "--run", str(tmp_path / "run"), *words]) == status


def test_a_second_training_in_a_folder_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.patch_networks(monkeypatch)
    records = tiny.write_records(tmp_path / "records")
    named = ["--recipe", "nus/sampler", "--records", str(records)]
    before = time.monotonic()
    with run_lock(tmp_path / "run"):
        assert cli.main(["train", *named, "--run", str(tmp_path / "run")]) == 2
        assert time.monotonic() - before < 2
        assert f"trained by process {os.getpid()} on" in capsys.readouterr().err
        with pytest.raises(RoadsegError, match=f"trained by process {os.getpid()} on"):
            loop.train(tiny.recipe(records), RunFolder(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


CLUSTER = {"worker": ["a:1", "b:1", "c:1"]}


def strategy(index: int) -> SimpleNamespace:
    spec = SimpleNamespace(as_dict=lambda: CLUSTER)
    resolver = SimpleNamespace(cluster_spec=lambda: spec, task_type="worker", task_id=index)
    return SimpleNamespace(cluster_resolver=resolver)


@pytest.mark.parametrize(
    ("message", "named"),
    [
        (
            "Collective ops is aborted by: Error reported from /job:worker/task:1: The following "
            "tasks are unhealthy (stopped sending heartbeats):\n/job:worker/replica:0/task:1\n",
            r"^worker 1 \(b:1\) is lost; start the same command",
        ),
        (
            "Collective ops is aborted by: recvmsg:Connection reset by peer\nAdditional GRPC error "
            "information from remote target /job:worker/replica:0/task:0 while calling",
            r"^worker 0 \(a:1\) is lost;",
        ),
        (
            "Collective ops is aborted by: /job:worker/replica:0/task:0 /job:worker/task:1",
            r"^worker 0 \(a:1\) and worker 1 \(b:1\) are lost;",
        ),
        ("Collective ops is aborted", "^a worker that TensorFlow does not name is lost;"),
    ],
)
def test_a_lost_worker_is_named(message: str, named: str) -> None:
    with pytest.raises(lost.WorkerLost, match=named) as refused:
        with lost.naming_the_lost(strategy(2)):
            raise tf.errors.UnavailableError(None, None, message)
    assert refused.value.status == 75


def test_other_errors_are_left_alone() -> None:
    alone = tf.distribute.get_strategy()
    for where, message in ((strategy(2), "no such file"), (alone, "Collective ops is aborted")):
        with pytest.raises(tf.errors.UnavailableError), lost.naming_the_lost(where):
            raise tf.errors.UnavailableError(None, None, message)


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[int]]:
    found: list[int] = []
    monkeypatch.setattr(lost.os, "_exit", found.append)
    return lambda: found


def test_workers_that_do_no_step_for_long_end(
    ended: Callable[[], list[int]], capsys: pytest.CaptureFixture[str]
) -> None:
    with lost.StepLimit(0.3, strategy(0)) as limit:
        for _ in range(5):
            time.sleep(0.1)
            limit.advance()
        assert not ended()
        time.sleep(0.8)
    assert set(ended()) == {75}
    assert "error: no step for 0 s: a worker lives and does not go on" in capsys.readouterr().err


def test_a_process_alone_may_take_its_time(ended: Callable[[], list[int]]) -> None:
    with lost.StepLimit(0.1, tf.distribute.get_strategy()):
        time.sleep(0.3)
    assert not ended()


def test_workers_that_find_different_checkpoints_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.patch_networks(monkeypatch)
    monkeypatch.setattr(loop, "workers", lambda strategy: ["a:1", "b:1"])
    monkeypatch.setattr(loop, "meet", lambda strategy, number=0: False)
    records = tiny.write_records(tmp_path / "records")
    with pytest.raises(RoadsegError, match="found different checkpoints, this one that of step 0"):
        loop.train(tiny.recipe(records), RunFolder(tmp_path / "run"))


def test_one_process_meets_itself() -> None:
    assert devices.meet(tf.distribute.get_strategy(), 7)
