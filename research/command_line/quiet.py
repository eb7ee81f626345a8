"""Keeps TensorFlow's start-up notices off the terminal, unless the user asks for them."""

import importlib.abc
import importlib.machinery
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_set_here: set[str] = set()


def given_environment() -> dict[str, str]:
    """Return the environment as the user gave it, for a roadseg that is started from this one."""
    return {name: value for name, value in os.environ.items() if name not in _set_here}


def quiet_tensorflow() -> None:
    """Let the next `import tensorflow` say nothing; TF_CPP_MIN_LOG_LEVEL in the environment wins.

    The notices (oneDNN, missing CUDA drivers) are written by native code to file descriptor 2
    before any log level counts, so the descriptor itself is pointed elsewhere for that moment.
    """
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ or "tensorflow" in sys.modules:
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    _set_here.add("TF_CPP_MIN_LOG_LEVEL")
    sys.meta_path.insert(0, _QuietImport())


class _QuietImport(importlib.abc.MetaPathFinder):
    """Finds `tensorflow` as always, and loads it with the notices thrown away."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> Any:
        if fullname != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def load_quietly(module: ModuleType) -> None:
            with without_native_notices():
                load(module)
                # The first look for GPUs has notices of its own, about missing drivers.
                module.config.list_physical_devices("GPU")

        spec.loader.exec_module = load_quietly  # type: ignore[method-assign]
        return spec


@contextmanager
def without_native_notices() -> Iterator[None]:
    """Keep what native code writes to standard error from the user; Python's errors still rise."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
