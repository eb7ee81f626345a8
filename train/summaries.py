"""TensorBoard: the figures of training, and pictures of what the network sees and says."""

from typing import Any

import numpy as np
import tensorflow as tf

from roadseg.label_tables.label_table import LabelTable
from roadseg.recipe.recipe import Recipe
from roadseg.runs.run_folder import RunFolder
from roadseg.train.tasks.table import training_of

Tensor = Any
PICTURES = 2


class Summaries:
    """Writes to <run>/tensorboard/train."""

    def __init__(self, run: RunFolder, recipe: Recipe, table: LabelTable):
        """Open the log and put the recipe in it."""
        self.recipe = recipe
        self.table = table
        self.writer = tf.summary.create_file_writer(str(run.tensorboard("train")))
        with self.writer.as_default(step=0):
            tf.summary.text("recipe", f"```\n{recipe.to_json()}\n```")

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Write each value under its name."""
        with self.writer.as_default(step=step):
            for name, value in values.items():
                tf.summary.scalar(name, value)
        self.writer.flush()

    def pictures(self, step: int, training: Any, batch: dict[str, Tensor]) -> None:
        """Write pictures of the first images of `batch`, as `training` (the step) sees them."""
        few = {name: part[:PICTURES] for name, part in batch.items()}
        with self.writer.as_default(step=step):
            for name, images in (
                training_of(self.recipe).pictures(training, few, self.table).items()
            ):
                tf.summary.image(name, np.asarray(images), max_outputs=PICTURES)
