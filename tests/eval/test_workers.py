"""`roadseg launch --local 2 -- eval`: the file of one process, or one line and another status."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from roadseg.eval.evaluation import Evaluation
from roadseg.eval.watch import evaluated_steps
from roadseg.runs.run_folder import RunFolder
from roadseg.train.launch.schedulers import tf_config
from roadseg.train.launch.workers import free_ports
from tests.eval.runs import add_checkpoint, begin_run, recipe, write_records
from tests.support import REPOSITORY

pytestmark = pytest.mark.slow
# Both workers have images to do for minutes, unless they end before.
MANY = 3000


def a_run(folder: Path, images: int) -> RunFolder:
    records = write_records(folder / "records", images)
    named = recipe(records, model="tests.eval.small_runs:tiny", **{"sampling.kind": "none"})
    run = begin_run(folder / "run", named)
    add_checkpoint(run, 10)
    return run


def started(*words: object, **environment: str) -> subprocess.Popen:
    given = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"} | environment
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = [sys.executable, "-m", "roadseg", *map(str, words)]
    return subprocess.Popen(command, cwd=REPOSITORY, env=given, **pipes)


def results(run: RunFolder) -> list[Path]:
    return [path for path in (run.path / "evaluation").rglob("*") if path.is_file()]


def test_two_workers_write_the_file_of_one_process_and_print_its_tables(tmp_path: Path) -> None:
    run = a_run(tmp_path, images=25)
    words = "eval", run.path, "--batch-size", 2, "--boundary-f"
    shown, stored = [], []
    for before in ((), ("launch", "--local", 2, "--")):
        process = started(*before, *words)
        output, errors = process.communicate(timeout=600)
        assert process.returncode == 0, output + errors
        shown.append(output)
        (path,) = results(run)
        stored.append(path.read_bytes())
        path.unlink()
        assert "Traceback" not in errors and "[1 here]" not in output
    assert stored[0] == stored[1]
    assert shown[0] == shown[1]
    assert not list(run.path.glob(".held-*"))


def two(run: RunFolder) -> list[subprocess.Popen]:
    addresses = [f"localhost:{port}" for port in free_ports(2)]
    return [started("eval", run.path, TF_CONFIG=tf_config(addresses, i)) for i in range(2)]


@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_worker_is_named_and_nothing_is_written(victim: int, tmp_path: Path) -> None:
    run = a_run(tmp_path, MANY)
    workers = two(run)
    first = workers[0].stderr
    assert first is not None
    while "of 3000 images" not in first.readline():
        assert all(worker.poll() is None for worker in workers)
    workers[victim].kill()
    killed = time.monotonic()
    output, errors = workers[1 - victim].communicate(timeout=300)
    # The heartbeat's 10 s, on a machine that may be busy.
    assert time.monotonic() - killed < 60
    assert workers[1 - victim].returncode == 75, output + errors
    lines = [line for line in errors.splitlines() if "of 3000 images" not in line]
    # What the first worker says where labels are looked at for the first time; no table follows.
    shown = [line for line in output.splitlines() if not line.startswith("checking labels")]
    assert len(lines) == 1 and not shown
    assert re.match(rf"error: worker {victim} \(localhost:\d+\) is lost; start the same", lines[0])
    assert not results(run)


def test_a_damaged_record_of_one_worker_ends_both_with_its_line(tmp_path: Path) -> None:
    run = a_run(tmp_path, images=6)
    (shard,) = (tmp_path / "records").glob("*.tfrecord")
    content = bytearray(shard.read_bytes())
    # In the last record, which is the second worker's; its length, and all others, stay right.
    content[-40] ^= 1
    shard.write_bytes(content)
    process = started("launch", "--local", 2, "--", "eval", run.path)
    output, errors = process.communicate(timeout=600)
    said = [line for line in (output + errors).splitlines() if "error: " in line]
    assert process.returncode == 2 and len(said) == 2 and "Traceback" not in output + errors
    assert {line.removeprefix("[1 here] ") for line in said} == {said[0].removeprefix("[1 here] ")}
    assert f"{shard}, record 5" in said[0]
    assert not results(run)


def test_sigterm_to_launch_ends_both_and_leaves_nothing(tmp_path: Path) -> None:
    run = a_run(tmp_path, MANY)
    process = started("launch", "--local", 2, "--", "eval", run.path)
    assert process.stderr is not None
    while "of 3000 images" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 128 + signal.SIGTERM, output + errors
    assert "Traceback" not in output + errors
    assert not results(run) and not list(run.path.glob(".held-*"))
    assert evaluated_steps(Evaluation(run)) == []
