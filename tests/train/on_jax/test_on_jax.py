"""Whole trainings on JAX: the losses of TensorFlow, on one device and two, stopped or not."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from roadseg.files import read_arrays
from roadseg.runs.run_folder import RunFolder
from tests import pairs
from tests.support import REPOSITORY
from tests.train import tiny
from tests.train.on_jax import batches, twenty_steps

pytest.importorskip("jax")
pytestmark = pytest.mark.slow
TWO = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}


def start(module: str, *words: object, **environment: str) -> subprocess.Popen:
    """Start a module of these tests on JAX, if `environment` names no other backend."""
    command = [sys.executable, "-m", f"tests.train.on_jax.{module}", *map(str, words)]
    values = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "jax"} | environment
    # Compiling is most of the time.
    values["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
    return subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env={**os.environ, **values},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen) -> None:
    output = process.communicate()[0]
    assert process.returncode == 0, output


def losses(run: Path) -> np.ndarray:
    events = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return np.array([event["loss"] for event in events if event["event"] == "train"])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the twenty steps of every case, on both backends."""
    folder = tmp_path_factory.mktemp("twenty_steps")
    records = tiny.write_records(folder / "records", size=twenty_steps.SIZE)
    two = pairs.write_pairs(folder / "pairs")
    backends = ("tensorflow", "jax")
    both = [start("twenty_steps", folder / b, records, two, KERAS_BACKEND=b) for b in backends]
    for process in both:
        finish(process)
    return folder


@pytest.mark.parametrize("name", twenty_steps.CASES)
def test_twenty_steps_have_the_losses_of_tensorflow(trained: Path, name: str) -> None:
    ours, theirs = (losses(trained / backend / name) for backend in ("jax", "tensorflow"))
    assert len(ours) == twenty_steps.STEPS and abs(theirs[-1] / theirs[0] - 1) > 0.01
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)


@pytest.mark.parametrize("name", twenty_steps.DEEP)
def test_deep_networks_have_the_first_loss_and_gradient_of_tensorflow(
    trained: Path, name: str
) -> None:
    """The slots are then the gradient, decay included, times one number.

    A ReLU flipped by rounding changes it by far more than rounding: DABNet's by 1.6 percent.
    """
    both = [trained / backend / name for backend in ("jax", "tensorflow")]
    np.testing.assert_allclose(*map(losses, both), rtol=1e-4)
    ours, theirs = (arrays(run, 1) for run in both)
    slots = [slot for slot in theirs if slot.startswith("optimizer.npz:") and "/" in slot]
    slots = [slot for slot in slots if not slot.endswith(".squares")]
    error = sum(np.sum((ours[slot] - theirs[slot]) ** 2) for slot in slots)
    assert error <= 0.05**2 * sum(np.sum(theirs[slot] ** 2) for slot in slots)


def test_batches_are_those_of_tensorflow(tmp_path: Path) -> None:
    records = tiny.write_records(tmp_path / "records", size=twenty_steps.SIZE)
    two = pairs.write_pairs(tmp_path / "pairs")
    backends = ("tensorflow", "jax")
    for process in [
        start("batches", tmp_path / f"{b}.npz", records, two, KERAS_BACKEND=b) for b in backends
    ]:
        finish(process)
    theirs, ours = (read_arrays(tmp_path / f"{b}.npz") for b in backends)
    assert ours.keys() == theirs.keys() and len(ours) >= 2 * batches.BATCHES * len(batches.RECIPES)
    for name in theirs:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


@pytest.fixture(scope="module")
def gone_on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the folder of trainings that were stopped, or not, or went to another backend."""
    folder = tmp_path_factory.mktemp("going_on")
    records = tiny.write_records(folder / "records")
    on_jax = (
        "dropout going_on_dropout@5 going_on_dropout jax jax_then_tensorflow@5 ohem half@5 half"
    )
    words = {"jax": on_jax, "tensorflow": "tensorflow tensorflow_then_jax@5"}
    first = [
        start("going_on", folder, records, *w.split(), KERAS_BACKEND=b) for b, w in words.items()
    ]
    for process in first:
        finish(process)
    second = [
        start("going_on", folder, records, "jax_then_tensorflow", KERAS_BACKEND="tensorflow"),
        start("going_on", folder, records, "tensorflow_then_jax", "two_plain", "two_ohem", **TWO),
    ]
    for process in second:
        finish(process)
    yield folder


def arrays(run: Path, step: int = 8) -> dict[str, np.ndarray]:
    folder = RunFolder(run).find_checkpoint(step)[1]
    files = sorted(folder.glob("*.npz"))
    return {f"{file.name}:{name}": a for file in files for name, a in read_arrays(file).items()}


def test_a_stopped_run_goes_on_as_if_nothing_had_happened(gone_on: Path) -> None:
    ours, theirs = arrays(gone_on / "going_on_dropout"), arrays(gone_on / "dropout")
    assert ours.keys() == theirs.keys() and "ema.npz:conv/kernel" in ours
    for name in theirs:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


@pytest.mark.parametrize(
    ("moved", "stayed"), [("jax_then_tensorflow", "jax"), ("tensorflow_then_jax", "tensorflow")]
)
def test_a_run_goes_on_on_the_other_backend(gone_on: Path, moved: str, stayed: str) -> None:
    ours, theirs = arrays(gone_on / moved), arrays(gone_on / stayed)
    assert ours.keys() == theirs.keys()
    for name in theirs:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-3, atol=1e-4, err_msg=name)
    np.testing.assert_allclose(losses(gone_on / moved), losses(gone_on / stayed), rtol=1e-4)


def test_two_devices_give_the_weights_of_one(gone_on: Path) -> None:
    ours, theirs = arrays(gone_on / "two_plain"), arrays(gone_on / "jax")
    for name in theirs:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-3, atol=1e-5, err_msg=name)
    np.testing.assert_allclose(losses(gone_on / "two_plain"), losses(gone_on / "jax"), rtol=1e-5)


def test_hard_pixels_of_two_devices_are_those_of_the_whole_batch(gone_on: Path) -> None:
    """Each device for itself would keep as many, twice in all.

    Of the first step, since later a pixel at the limit can fall on either side of it.
    """
    two, one, all_pixels = (losses(gone_on / run)[0] for run in ("two_ohem", "ohem", "jax"))
    assert two == pytest.approx(one, rel=1e-5)
    assert one > 1.1 * all_pixels


def test_half_precision_keeps_its_scale_in_checkpoints(gone_on: Path) -> None:
    found = arrays(gone_on / "half")
    assert found["optimizer.npz:loss_scale"] == 2.0**15
    assert found["optimizer.npz:loss_scale.good_steps"] == 8.0
    np.testing.assert_allclose(losses(gone_on / "half"), losses(gone_on / "jax"), rtol=0.03)
