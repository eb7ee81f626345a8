"""What is known of a data set before any image is looked at: its frame, and its mean density."""

import dataclasses
import math

import keras
import numpy as np

from roadseg.data_conversion.read.records import RecordSet
from roadseg.errors import RoadsegError
from roadseg.recipe.recipe import Recipe
from roadseg.train.data.pipeline import training_batches

# Share of a uniform density that each cell keeps: its logarithm is then bounded.
LEAST_SHARE = 1e-3


def with_frame(recipe: Recipe, records: RecordSet) -> Recipe:
    """Return `recipe` with crop_size 0 0 replaced by the size that all images of `records` have.

    Raises RoadsegError where they have several sizes.
    """
    if max(recipe.crop_size) > 0 or recipe.reads_pairs:
        return recipe
    if records.image_size is None:
        raise RoadsegError(
            f"{recipe.records}: images of several sizes, so --crop-size 0 0 has no meaning; give "
            "--crop-size HEIGHT WIDTH"
        )
    return dataclasses.replace(recipe, crop_size=records.image_size)


def fit_prior(recipe: Recipe, model: keras.Model, records: RecordSet) -> None:
    """Set the bias of each cell to the logarithm of the mean target over one epoch of batches."""
    batches = training_batches(dataclasses.replace(recipe, targets="native"), records)
    count = math.ceil(records.num_examples / recipe.batch_size)
    mean = np.mean([np.asarray(batch["target"]).mean(0) for batch in batches.take(count)], axis=0)
    mean = (1 - LEAST_SHARE) * mean + LEAST_SHARE / mean.size
    model.get_layer("prior").cells.assign(np.log(mean * mean.size))
