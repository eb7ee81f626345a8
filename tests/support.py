"""What tests share: where the data is, and how parity fixtures are found and read."""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roadseg.errors import RoadsegError

REPOSITORY = Path(__file__).resolve().parent.parent

on_tensorflow = pytest.mark.skipif(
    os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow",
    reason="for TensorFlow, which is not Keras's backend here",
)

# Networks that are another on a larger backbone, or made of others' parts.
DEEPER_COPIES = {
    "ddrnet_23": "ddrnet_23_slim",
    "dfseg_v2": "dfseg_v1",
    "espnet_c": "espnet",
    "fpn_stdc1": "sfnet_stdc1",
    "fpn_stdc2": "fpn_stdc1",
    "mobilenet_v3_large": "mobilenet_v3_small",
    "pidnet_l": "pidnet_s",
    "pidnet_m": "pidnet_s",
    "pspnet_101": "pspnet_50",
    "sfnet_dfnet_v2": "sfnet_dfnet_v1",
    "sfnet_lite_stdc1": "sfnet_lite_resnet18",
    "sfnet_lite_stdc2": "sfnet_lite_stdc1",
    "sfnet_resnet101": "sfnet_resnet18",
    "sfnet_resnet50": "sfnet_resnet18",
    "sfnet_stdc2": "sfnet_stdc1",
}


def deeper_copies_slow(names: Iterable[str], also: Iterable[str] = ()) -> list[Any]:
    """Return parameters of a test of networks: copies, and `also`, are for `make test-all`."""
    slow = {*DEEPER_COPIES, *also}
    return [pytest.param(name, marks=pytest.mark.slow) if name in slow else name for name in names]


@contextmanager
def weights_of_zeros() -> Iterator[None]:
    """Let networks begin with kernels of zeros: drawing them takes up to half of a build.

    For tests that give every weight its value themselves, or that look at none.
    """
    import keras

    def zeros(self: Any, shape: Any, dtype: Any = None) -> Any:
        return keras.ops.zeros(shape, dtype=dtype)

    initializers = keras.initializers
    drawing = ("RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling")
    with pytest.MonkeyPatch.context() as patch:
        for name in drawing:
            patch.setattr(getattr(initializers, name), "__call__", zeros)
        yield


@contextmanager
def rough_grids() -> Iterator[None]:
    """Let densities become grids in a few steps, not 10 or 20, each of which is traced anew.

    For tests of what is done with grids; tests/sampling holds how well they are solved.
    """
    from roadseg.sampling.equidistribution import SHARP, SMOOTH

    with pytest.MonkeyPatch.context() as patch:
        for numbers in (SHARP, SMOOTH):
            patch.setitem(numbers, "iterations", 3)
        yield


def shared_root() -> Path:
    """Return where the shared data is, if it is; many tests are skipped without."""
    return Path(os.environ.get("ROADSEG_SHARED", REPOSITORY.parent / "shared"))


def shared_folder(*parts: str) -> Path:
    """Return a folder of the shared data, or skip the test with the reason."""
    path = shared_root().joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{path} is absent (data sets and weights are not part of the project)")
    return path


def assert_refused(refused: Callable[[Path], object], message: str, folder: Path) -> None:
    """Assert that `refused(folder)` raises one line that `message`, a pattern, is found in."""
    with pytest.raises(RoadsegError, match=message) as caught:
        refused(folder)
    assert "\n" not in str(caught.value)


def parity_folders() -> list[Path]:
    """Return the folders in which parity fixtures are looked for."""
    if os.environ.get("ROADSEG_PARITY_DIR"):
        return [Path(os.environ["ROADSEG_PARITY_DIR"])]
    return [REPOSITORY / "tests" / "parity" / "fixtures", shared_root() / "parity"]


def parity_fixtures(pattern: str) -> list[Path]:
    """Return the fixtures whose file name matches `pattern`, one for each name, sorted."""
    found: dict[str, Path] = {}
    for folder in parity_folders():
        for path in sorted(folder.glob(pattern)):
            found.setdefault(path.name, path)
    return [found[name] for name in sorted(found)]


def load_rule() -> Callable[..., Any]:
    """Return the module that makes parameters and images of the fixtures (`rule.py`)."""
    import importlib.util

    for folder in [*parity_folders(), REPOSITORY / "tests" / "parity" / "fixtures"]:
        path = folder / "rule.py"
        if path.exists():
            spec = importlib.util.spec_from_file_location("parity_rule", path)
            assert spec and spec.loader
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module  # type: ignore[return-value]
    pytest.skip("no rule.py beside the parity fixtures")


@dataclass
class Fixture:
    """One `.npz` of the parity folder: its arrays by key, and `meta` decoded."""

    path: Path
    arrays: dict[str, np.ndarray]
    meta: dict[str, Any]

    @classmethod
    def load(cls, path: Path) -> "Fixture":
        """Read every array of `path`."""
        with np.load(path) as archive:
            arrays = {key: archive[key] for key in archive.files}
        return cls(path, arrays, json.loads(str(arrays.pop("meta"))))


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function`, on JAX compiled whole for the arrays that it is given.

    Otherwise JAX compiles each of its operations for each shape on its own, which takes longer.
    """
    if os.environ.get("KERAS_BACKEND") != "jax":
        return function
    import jax

    known: dict[str, Any] = {}

    def call(*arguments: Any, **options: Any) -> Any:
        places = [i for i, value in enumerate(arguments) if hasattr(value, "shape")]
        rest = [None if i in places else value for i, value in enumerate(arguments)]

        def of_arrays(*arrays: Any) -> Any:
            given = dict(zip(places, arrays, strict=True))
            return function(*(given.get(i, value) for i, value in enumerate(rest)), **options)

        run = known.setdefault(repr((rest, options)), jax.jit(of_arrays))
        return run(*(arguments[i] for i in places))

    return call
