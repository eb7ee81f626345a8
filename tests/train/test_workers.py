"""Two workers on this machine: stopped together, killed, started again."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roadseg.files import read_arrays
from roadseg.runs import lock
from roadseg.runs.run_folder import RunFolder
from roadseg.train.launch.schedulers import tf_config
from roadseg.train.launch.workers import free_ports
from tests.support import REPOSITORY
from tests.train import tiny
from tests.train.test_replicas import start

STEPS = 60


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_records(tmp_path_factory.mktemp("records"))


def start_two(run: Path, records: Path, steps: int = STEPS) -> list[subprocess.Popen]:
    addresses = [f"localhost:{port}" for port in free_ports(2)]
    configurations = [tf_config(addresses, index) for index in range(2)]
    return [start(run, records, "--steps", str(steps), TF_CONFIG=c) for c in configurations]


def until_a_checkpoint(run: Path, workers: list[subprocess.Popen]) -> None:
    deadline = time.monotonic() + 300
    before = len(RunFolder(run).checkpoints())
    while len(RunFolder(run).checkpoints()) == before:
        assert time.monotonic() < deadline and all(w.poll() is None for w in workers)
        time.sleep(0.01)


def ends(workers: list[subprocess.Popen], seconds: float = 300) -> list[tuple[int, str]]:
    """Return the status and the output of each."""
    found = [worker.communicate(timeout=seconds)[0] for worker in workers]
    return [(w.returncode, output) for w, output in zip(workers, found, strict=True)]


def stopped(run: Path, records: Path, steps: int, number: int, victim: int) -> int:
    """Start two workers, signal one after its first checkpoint; return the step they stopped at."""
    workers = start_two(run, records, steps)
    until_a_checkpoint(run, workers)
    workers[victim].send_signal(number)
    (chief, said), (other, silent) = ends(workers)
    # Of which the command makes 0; a worker that got no signal itself counts it as SIGTERM.
    own = [number if each == victim else signal.SIGTERM for each in range(2)]
    assert [chief, other] == [128 + each for each in own], said + silent
    lines = re.findall(r"^stopped at step (\d+); the same command goes on$", said, re.MULTILINE)
    assert len(lines) == 1 and "stopped" not in silent
    assert not (run / lock.NAME).exists()
    step = int(lines[0])
    assert RunFolder(run).find_checkpoint()[0] == step
    return step


def test_a_signal_to_one_worker_stops_both_at_one_step(records: Path, tmp_path: Path) -> None:
    step = stopped(tmp_path / "run", records, 100_000, signal.SIGTERM, victim=1)
    events = [json.loads(x) for x in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert events[-1]["step"] == step < 100_000


def assert_same(run: Path, other: Path) -> None:
    """Two workers add up in one order, but for threads of the operations."""
    for group in ("weights", "optimizer"):
        ours, theirs = (
            read_arrays(RunFolder(each).find_checkpoint(STEPS)[1] / f"{group}.npz")
            for each in (run, other)
        )
        assert ours.keys() == theirs.keys()
        for name in ours:
            np.testing.assert_allclose(theirs[name], ours[name], rtol=0, atol=1e-6, err_msg=name)


@pytest.fixture(scope="module")
def undisturbed(records: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("undisturbed") / "run"
    assert [status for status, _ in ends(start_two(run, records))] == [0, 0]
    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "victim"), [(signal.SIGTERM, 1), (signal.SIGUSR1, 0)], ids=["TERM-1", "USR1-0"]
)
def test_two_workers_stop_and_go_on_as_if_nothing_had_happened(
    number: int, victim: int, records: Path, undisturbed: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    assert 3 <= stopped(run, records, STEPS, number, victim) < STEPS
    assert [status for status, _ in ends(start_two(run, records))] == [0, 0]
    assert_same(run, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_worker_is_named_by_the_other_and_the_group_starts_again(
    victim: int, records: Path, undisturbed: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    workers = start_two(run, records)
    until_a_checkpoint(run, workers)
    workers[victim].kill()
    killed = time.monotonic()
    found = ends(workers)
    # The heartbeat's 10 s, on a machine that may be busy.
    assert time.monotonic() - killed < 60
    status, said = found[1 - victim]
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert status == 75 and len(errors) == 1 and "Traceback" not in said, said
    assert re.match(rf"error: worker {victim} \(localhost:\d+\) is lost; start the same", errors[0])
    status, said = ends(start_two(run, records))[0]
    assert status == 0, said
    assert ("taken over; process" in said) == (victim == 0)
    assert_same(run, undisturbed)


SMALL = """--recipe sampling/density --sampler.input-size 32 32 --sampler.density-width 2
    --augment.crop-size 32 32 --batch-size 8 --log.checkpoint-every-steps 3 --steps"""


def launched(run: Path, records: Path, steps: int) -> subprocess.Popen:
    words = [*SMALL.split(), str(steps), "--records", str(records), "--run", str(run)]
    command = [sys.executable, "-m", "roadseg", "launch", "--local", "2", "--", "train", *words]
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=REPOSITORY, env=environment, **pipes)


@pytest.mark.slow
def test_one_command_starts_stops_and_continues_two_local_workers(tmp_path: Path) -> None:
    records = tiny.write_records(tmp_path / "records", count=16, size=(32, 32))
    run, steps = tmp_path / "run", 60
    first = launched(run, records, steps)
    until_a_checkpoint(run, [first])
    first.send_signal(signal.SIGTERM)
    output, errors = first.communicate(timeout=300)
    assert (first.returncode, errors) == (0, ""), output + errors
    assert len(re.findall(r"^stopped at step \d+; the same command goes on$", output, re.M)) == 1
    stopped_at = RunFolder(run).find_checkpoint()[0]
    assert stopped_at < steps
    second = launched(run, records, steps)
    output, errors = second.communicate(timeout=600)
    assert (second.returncode, errors) == (0, ""), output + errors
    assert RunFolder(run).find_checkpoint()[0] == steps
    events = [json.loads(x)["event"] for x in (run / "metrics.jsonl").read_text().splitlines()]
    assert events.count("begun") == events.count("resumed") == 1
