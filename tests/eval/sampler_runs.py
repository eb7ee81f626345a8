"""Runs of samplers by density, small and untrained, and runs behind them."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from roadseg.runs.checkpoint import write_checkpoint
from roadseg.runs.run_folder import RunFolder, build_network, variable_arrays
from tests.eval.runs import add_checkpoint, begin_run, recipe

THUMBNAIL = (32, 40)
CELLS = (8, 10)


def density_run(folder: Path, records: Path, seed: int = 0, **values: Any) -> RunFolder:
    """Return a run of a density sampler with one checkpoint of random weights, at step 20."""
    settings = {"task": "sampling_grid", "model": "density_sampler", "network.options": {}}
    settings |= {
        "network.evaluation_options": {},
        "sampling.kind": "none",
        "sampler.input_size": THUMBNAIL,
    }
    run = begin_run(folder, recipe(records, **(settings | {"sampler.density_width": 8} | values)))
    add_checkpoint(run, 20, seed)
    return run


def prior_run(folder: Path, records: Path, density: np.ndarray | None = None) -> RunFolder:
    """Return a run of a fixed density, (8, 10); None: three times as much in the lower half."""
    if density is None:
        density = np.ones(CELLS, np.float32)
        density[CELLS[0] // 2 :] = 3
    settings = {"task": "sampling_grid", "model": "prior_sampler", "network.options": {}}
    settings |= {
        "network.evaluation_options": {},
        "sampling.kind": "none",
        "sampler.input_size": THUMBNAIL,
    }
    run = begin_run(folder, recipe(records, **settings))
    arrays = variable_arrays(build_network(run.recipe, 0))
    (name,) = arrays
    arrays[name] = np.log(density).astype(np.float32).reshape(arrays[name].shape)
    write_checkpoint(run.checkpoint_folder, 1, {"weights": arrays}, {})
    return run


def run_behind(folder: Path, sampler: RunFolder, kind: str, **values: Any) -> RunFolder:
    """Return a segmentation run behind `sampler`, with its copy and one checkpoint at step 30."""
    records = Path(sampler.recipe.records)
    run = begin_run(folder, recipe(records, sampling={"kind": kind}, **values))
    shutil.copytree(sampler.path, run.path / "sampler")
    add_checkpoint(run, 30)
    return run
