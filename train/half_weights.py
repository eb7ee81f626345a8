"""Writes the newest weights of a run as half floats into one small file, to ship and to start from.

example: python -m roadseg.train.half_weights runs/demo/backbone train/demo_backbone.npz

`roadseg train --start.initial-weights FILE` takes it, as any `.npz` of ours. In the package's
folder `weights/shipped`, with a row in `weights.presets.PRESETS` that has the size and the checksum
printed here, it is a preset that labels without a network.
"""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.files import write_arrays
from roadseg.runs.checkpoint import read_weights
from roadseg.runs.run_folder import RunFolder, auxiliary_layers
from roadseg.tasks.table import task_of

LARGEST = float(np.finfo(np.float16).max)


def write_half_weights(run: RunFolder, path: Path) -> int:
    """Write the newest checkpoint of `run` to `path` (.npz) and return its size in bytes.

    The averaged weights, where there are any, without those of training's own heads; of a run
    behind learned sampling those of its sampler as well, under `network/` and `sampler/`. What has
    one axis (biases, statistics), whose range is wider, stays as it is. Other values that no half
    float can hold are refused by RoadsegError, as is a run without checkpoint.
    """
    arrays = _halves(run)
    if task_of(run.recipe).samples(run.recipe) and run.recipe.sampling.kind != "uniform":
        arrays = {f"network/{name}": array for name, array in arrays.items()}
        sampler = _halves(run.sampler_folder)
        arrays |= {f"sampler/{name}": array for name, array in sampler.items()}
    write_arrays(path, arrays)
    return path.stat().st_size


def _halves(run: RunFolder) -> dict[str, np.ndarray]:
    """Return the weights of the newest checkpoint of `run` as half floats."""
    _, folder = run.find_checkpoint()
    spare = auxiliary_layers(run.recipe)
    weights = read_weights(folder)
    arrays = {name: weights[name] for name in weights if not name.startswith(spare)}
    for name, array in arrays.items():
        largest = float(np.abs(array).max(initial=0.0))
        if not largest <= (LARGEST if array.ndim > 1 else np.inf):
            raise RoadsegError(
                f"{folder}: '{name}' holds {largest:g}, beyond half floats; ship weights.npz itself"
            )
        arrays[name] = array.astype(np.float16) if array.ndim > 1 else array
    return arrays


def main(argv: Sequence[str]) -> int:
    """Write the file that the arguments name and return the exit status."""
    if len(argv) != 2:
        raise RoadsegError(f"half_weights: a run and a file are wanted, got {len(argv)} words")
    path = Path(argv[1])
    size = write_half_weights(RunFolder(argv[0]), path)
    print(f"written: {path} ({size / 1e6:.2f} MB)")
    print(f"size {size}, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except RoadsegError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
