"""Runs what `python -m roadseg.export.untrained` wrote, each format by its own runtime.

That is started as a process, never imported: evaluation does not import export.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.files import plain_path
from roadseg.inference.runtime_files import open_file

Call = Callable[[], Any]
Load = Callable[[], Call]
TITLES = {
    "saved_model": "SavedModel",
    "onnx": "ONNX Runtime",
    "litert": "LiteRT",
    "openvino": "OpenVINO",
}


@contextmanager
def exported(
    network: str, num_classes: int, size: tuple[int, int], options: dict[str, Any]
) -> Iterator[Path]:
    """Give a temporary folder with the network in every format that can be written here.

    Another process writes it: converters keep memory and threads.
    Raises RoadsegError with that process's last words, or its status where it has none, if it
    fails.
    """
    with TemporaryDirectory() as folder:
        _write(network, num_classes, size, options, Path(folder))
        yield Path(folder)


def write_labels(
    network: str,
    num_classes: int,
    size: tuple[int, int],
    options: dict[str, Any],
    formats: Sequence[str],
    folder: Path,
) -> None:
    """Write files of `network` from image to labels: `folder`/FORMAT for each of `formats`.

    Raises RoadsegError as `exported`.
    """
    _write(network, num_classes, size, options, folder, "--labels", *formats)


def _write(
    network: str,
    num_classes: int,
    size: tuple[int, int],
    options: dict[str, Any],
    folder: Path,
    *more: str,
) -> None:
    command = [sys.executable, "-m", "roadseg.export.untrained", network, "--to", str(folder)]
    command += ["--size", *map(str, size), "--num-classes", str(num_classes)]
    result = subprocess.run(
        [*command, "--options", json.dumps(options), *more],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        reason = f"status {result.returncode}"
        if result.returncode < 0:  # a signal, and then the last words are of something else
            reason = f"signal {-result.returncode}; 9 is often lack of memory"
        elif result.stderr.strip():
            reason = result.stderr.strip().splitlines()[-1].removeprefix("error: ")[:300]
        raise RoadsegError(f"{network}: could not be exported to be timed ({reason})")


def loaders(folder: Path, image: np.ndarray, threads: int) -> Iterator[tuple[str, Load]]:
    """Yield the title of each runtime that `folder` has a file for, and what loads that file.

    image: (1, height, width, 3) float32. Loading gives a call, which runs the network on `image`
    and returns once the logits are there; a runtime may refuse its file when it loads or runs.
    """
    for name, (file, load) in _RUNTIMES.items():
        if (folder / file).exists():
            yield TITLES[name], partial(load, folder / file, image, threads)


def failures(folder: Path) -> dict[str, str]:
    """Return why a format could not be written, by the title of its runtime."""
    found = json.loads((folder / "failed.json").read_text(encoding="utf-8"))
    return {TITLES[name]: reason for name, reason in found.items()}


def _saved_model(path: Path, image: np.ndarray, threads: int) -> Call:
    import tensorflow as tf

    with plain_path(path) as plain:
        model = tf.saved_model.load(str(plain))
    function, given = model.signatures["serving_default"], tf.constant(image)

    def call(model: Any = model) -> Any:
        return [output.numpy() for output in function(image=given).values()]

    return call


def _file(path: Path, image: np.ndarray, threads: int) -> Call:
    model = open_file(path, threads)
    return lambda: model.run(image)


_RUNTIMES: dict[str, tuple[str, Callable[[Path, np.ndarray, int], Call]]] = {
    "saved_model": ("saved_model", _saved_model),
    "onnx": ("model.onnx", _file),
    "litert": ("model.tflite", _file),
    "openvino": ("model.xml", _file),
}
