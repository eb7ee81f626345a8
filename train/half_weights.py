"""Writes the newest weights of a run as half floats into one small file, to ship and to start from.

example: python -m roadseg.train.half_weights runs/demo/trunk train/demo_trunk.npz

`roadseg train --start.initial-weights FILE` takes it, as any `.npz` under our names.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.files import read_arrays, write_arrays
from roadseg.runs.run_folder import RunFolder

LARGEST = float(np.finfo(np.float16).max)


def write_half_weights(run: RunFolder, path: Path) -> int:
    """Write the newest checkpoint of `run` to `path` (.npz) and return its size in bytes.

    Values that no half float can hold are refused by RoadsegError, as is a run without checkpoint.
    """
    _, folder = run.find_checkpoint()
    arrays = read_arrays(folder / "weights.npz")
    for name, array in arrays.items():
        largest = float(np.abs(array).max(initial=0.0))
        if not largest <= LARGEST:
            raise RoadsegError(
                f"{folder}: '{name}' holds {largest:g}, beyond half floats; ship weights.npz itself"
            )
    write_arrays(path, {name: a.astype(np.float16) for name, a in arrays.items()})
    return path.stat().st_size


def main(argv: Sequence[str]) -> int:
    """Write the file that the arguments name and return the exit status."""
    if len(argv) != 2:
        raise RoadsegError(f"half_weights: a run and a file are wanted, got {len(argv)} words")
    size = write_half_weights(RunFolder(argv[0]), Path(argv[1]))
    print(f"written: {argv[1]} ({size / 1e6:.2f} MB)")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except RoadsegError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
