"""What can be said about a training before TensorFlow is imported: whether its files are there."""

import os
from pathlib import Path

from roadseg.data_conversion.read.folders import find_shards
from roadseg.errors import RoadsegError
from roadseg.files import refuse_unwritable
from roadseg.network_names import refuse_unknown_network
from roadseg.recipe.recipe import TRAINED_SAMPLERS, Recipe
from roadseg.runs.lock import refuse_locked
from roadseg.runs.run_folder import RunFolder
from roadseg.tasks.table import task_of
from roadseg.train.check import check_numbers
from roadseg.train.on_jax.check import refuse_backend
from roadseg.train.start.begin import check_initial_weights, find_sampler


def refuse_early(recipe: Recipe, run: RunFolder) -> None:
    """Raise RoadsegError for records, weights or runs that are not there, and for a full place.

    Whatever it lets pass is looked at again, and closer, where it is used.
    """
    refuse_backend(recipe, os.environ.get("KERAS_BACKEND") or "tensorflow")
    check_numbers(recipe)
    refuse_unwritable(run.path, "--run")
    if run.path.exists() and not run.path.is_dir():
        raise RoadsegError(f"{run.path}: a file; name a folder with --run")
    if not os.environ.get("TF_CONFIG"):  # of several workers one holds the lock, which is theirs
        refuse_locked(run.path)
    for split in (*recipe.split.split("+"), *filter(None, (recipe.class_uniform.coarse_split,))):
        if split:
            find_shards(Path(recipe.records), split)
    if run.exists and run.checkpoints():
        return
    task = task_of(recipe)
    if not task.is_sampler:
        refuse_unknown_network(recipe.model)
    check_initial_weights(recipe)
    if task.samples(recipe) and recipe.sampling.kind in TRAINED_SAMPLERS:
        find_sampler(recipe)
