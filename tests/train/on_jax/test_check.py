"""What training on JAX refuses, before anything is done."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from roadseg.errors import RoadsegError
from roadseg.runs.run_folder import RunFolder
from roadseg.train.launch import command as launch
from roadseg.train.on_jax.check import check_devices, refuse_backend
from tests.train import tiny


@pytest.mark.parametrize(
    ("backend", "changes", "config", "message"),
    [
        ("torch", {}, "", "KERAS_BACKEND=torch: training runs on tensorflow and jax; leave"),
        ("jax", {}, "{}", "KERAS_BACKEND=jax: TF_CONFIG asks for several workers.*; leave"),
        ("jax", {"precision": "float64"}, "", "--precision float64: .*32 bits; take float32, or"),
    ],
)
def test_what_jax_cannot_do_is_refused_before_anything_is_written(
    backend: str,
    changes: dict[str, Any],
    config: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from roadseg.train.early import refuse_early

    monkeypatch.setenv("KERAS_BACKEND", backend)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(RoadsegError, match=message):
        refuse_early(tiny.recipe(tmp_path, **changes), RunFolder(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_tensorflow_is_not_asked_for_jax(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    refuse_backend(tiny.recipe(precision="float64"), "tensorflow")
    with pytest.raises(RoadsegError, match=r"jax is not installed; pip install 'roadseg\[jax\]'"):
        refuse_backend(tiny.recipe(), "jax")


def test_batches_and_local_moments_have_to_suit_the_devices() -> None:
    two, own = SimpleNamespace(count=2), {"batch_norm.unsynchronised": ("*",)}
    check_devices(tiny.recipe(), two)
    check_devices(tiny.recipe(batch_size=3, **own), SimpleNamespace(count=1))
    with pytest.raises(RoadsegError, match="--batch-size 3: cannot be cut for 2 devices of JAX"):
        check_devices(tiny.recipe(batch_size=3), two)
    with pytest.raises(RoadsegError, match=r"--batch-norm.unsynchronised \*: on JAX all 2 devices"):
        check_devices(tiny.recipe(**own), two)
    with pytest.raises(RoadsegError, match="strategy=SimpleNamespace: TensorFlow's"):
        check_devices(tiny.recipe(), SimpleNamespace())


def test_several_processes_are_not_launched_on_jax(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(RoadsegError, match="KERAS_BACKEND=jax: several processes train on TensorF"):
        launch.main(["--local", "2", "--", "train", "--recipe", "camvid/dabnet"])
