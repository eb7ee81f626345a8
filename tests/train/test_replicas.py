"""Two devices and two machines give the weights of one device."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from roadseg.files import read_arrays
from roadseg.runs.run_folder import RunFolder
from roadseg.train import loop
from roadseg.train.launch.schedulers import tf_config
from roadseg.train.launch.workers import free_ports
from tests.support import REPOSITORY
from tests.train import tiny
from tests.train.two_replicas import RUNS


def start(run: Path, records: Path, *options: str, **environment: str) -> subprocess.Popen:
    # Dropout draws one mask a replica, so runs are compared without it.
    command = [sys.executable, "-m", "tests.train.tiny", str(run), str(records), "--dropout", "0"]
    return subprocess.Popen(
        [*command, *options],
        cwd=REPOSITORY,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen) -> None:
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output[-3000:]


def assert_near(run: Path, other: Path) -> None:
    for group in ("weights", "optimizer"):
        ours = read_arrays(RunFolder(run).find_checkpoint(8)[1] / f"{group}.npz")
        theirs = read_arrays(RunFolder(other).find_checkpoint(8)[1] / f"{group}.npz")
        for name in ours:
            if not name.startswith("random_state"):
                # Sums in another order: float32 rounding, over eight steps.
                np.testing.assert_allclose(
                    theirs[name], ours[name], rtol=1e-5, atol=2e-6, err_msg=name
                )


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_records(tmp_path_factory.mktemp("records"))


class OnTwo(NamedTuple):
    """What one process with two devices did."""

    runs: Path
    """Folder of the runs of `RUNS`."""
    mined: list[float]
    """Loss of a step with mining, and what it has to be."""


@pytest.fixture(scope="module")
def on_two(records: Path, tmp_path_factory: pytest.TempPathFactory) -> OnTwo:
    folder = tmp_path_factory.mktemp("two")
    command = [sys.executable, "-m", "tests.train.two_replicas", str(folder), str(records)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return OnTwo(folder, json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("name", RUNS)
def test_two_replicas_give_the_weights_of_one(
    name: str, on_two: OnTwo, records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those of several heads, with mining and Adam."""
    tiny.patch_networks(monkeypatch)
    assert loop.train(tiny.recipe(records, **RUNS[name]), RunFolder(tmp_path / "one")) == 0
    assert_near(tmp_path / "one", on_two.runs / name)


def test_each_replica_mines_its_own_pixels_and_all_divide_by_what_all_keep(on_two: OnTwo) -> None:
    found, expected = on_two.mined
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_half_precision_and_averages_work_on_two_replicas(tmp_path: Path) -> None:
    records = tiny.write_records(tmp_path / "records")
    options = ("--replicas", "2", "--optimizer.ema-decay", "0.9", "--precision", "mixed_float16")
    half = start(tmp_path / "half", records, *options)
    full = start(tmp_path / "full", records, "--optimizer.ema-decay", "0.9")
    finish(half)
    finish(full)
    ours, theirs = (
        read_arrays(RunFolder(tmp_path / name).find_checkpoint(8)[1] / "ema.npz")
        for name in ("half", "full")
    )
    for name in theirs:
        np.testing.assert_allclose(ours[name], theirs[name], atol=0.01, err_msg=name)


@pytest.mark.slow
def test_norms_left_to_their_replica_learn_from_its_images_alone(tmp_path: Path) -> None:
    records = tiny.write_records(tmp_path / "records")
    one = start(tmp_path / "one", records, "--steps", "1")
    two = start(
        tmp_path / "two",
        records,
        "--steps",
        "1",
        "--replicas",
        "2",
        "--batch-norm.unsynchronised",
        "conv.*",
    )
    finish(one)
    finish(two)
    means = [
        read_arrays(RunFolder(tmp_path / run).find_checkpoint()[1] / "weights.npz")[
            "conv.bn/moving_mean"
        ]
        for run in ("one", "two")
    ]
    assert np.abs(means[0] - means[1]).max() > 1e-4


@pytest.mark.slow
def test_two_workers_give_the_weights_of_one(tmp_path: Path) -> None:
    records = tiny.write_records(tmp_path / "records")
    addresses = [f"localhost:{port}" for port in free_ports(2)]
    workers = [
        start(tmp_path / "two", records, TF_CONFIG=tf_config(addresses, index))
        for index in range(2)
    ]
    finish(start(tmp_path / "one", records))
    for worker in workers:
        finish(worker)
    assert_near(tmp_path / "one", tmp_path / "two")
