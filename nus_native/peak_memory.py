"""Measures the memory that a call needs at its peak, in a fresh process."""

import multiprocessing
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

STATUS = Path("/proc/self/status")


def peak_memory(name: str, arrays: Sequence[NDArray], **options: Any) -> int | None:
    """Return the bytes that `nus_native.<name>(*arrays, **options)` adds at its peak.

    Its result counts too. None where the system does not tell (it does on Linux).
    """
    if not STATUS.exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder, f"{index}.npy")) for index in range(len(arrays))]
        for path, array in zip(paths, arrays, strict=True):
            np.save(path, array)
        # A forked process would begin with the memory of its parent.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            return pool.submit(_measure, name, paths, options).result()


def _measure(name: str, paths: list[str], options: dict[str, Any]) -> int:
    from roadseg import nus_native

    # Loads the native code, whose own memory is not the call's.
    nus_native.solve_grid(np.zeros((2, 2, 2)))
    arrays = [np.load(path) for path in paths]
    before = highest_resident()
    getattr(nus_native, name)(*arrays, **options)
    return highest_resident() - before


def highest_resident() -> int:
    """Return the most bytes of memory that this process has held so far.

    `getrusage` would not do: Linux hands a process's highest over to the program that it becomes,
    so a child's count begins with that of the large process that started it.
    """
    return _bytes("VmHWM")


def resident() -> int:
    """Return the bytes of memory that this process holds now."""
    return _bytes("VmRSS")


def _bytes(entry: str) -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(entry))
    return 1024 * int(line.split()[1])
