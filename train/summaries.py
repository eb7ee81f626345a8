"""TensorBoard: the figures of training, and pictures of what the network sees and says."""

from typing import Any

import numpy as np
import tensorflow as tf

from roadseg.datasets.label_table import LabelTable
from roadseg.recipe import Recipe
from roadseg.run_folder import RunFolder

Tensor = Any
PICTURES = 2


class Summaries:
    """Writes to <run>/tensorboard/train."""

    def __init__(self, run: RunFolder, recipe: Recipe, table: LabelTable):
        """Open the log and put the recipe in it."""
        self.recipe = recipe
        colours = np.zeros((256, 3), np.uint8)
        colours[: len(table.colours)] = table.colours
        self.colours = tf.constant(colours)
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
        draw = self._grids if self.recipe.task == "sampling" else self._overlays
        with self.writer.as_default(step=step):
            for name, images in draw(training, few).items():
                tf.summary.image(name, images, max_outputs=PICTURES)

    def _overlays(self, training: Any, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        images, labels = training.inputs(batch)
        scores = training.model(images, training=False)
        scores = scores["scores"] if isinstance(scores, dict) else scores
        predicted = tf.argmax(scores, -1, output_type=tf.int32)
        pictures = {
            "image": tf.cast(images, tf.uint8),
            "label": self._overlay(images, labels),
            "prediction": self._overlay(images, predicted),
        }
        if training.auxiliary is not None:
            whole = tf.cast(batch["image"], tf.float32)
            points = training.auxiliary.locations(whole, self.recipe.sampling_size)
            pictures["sampling_points"] = draw_points(whole, points, (0, 255, 255))
        return pictures

    def _grids(self, training: Any, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        images = tf.image.resize(batch["image"], [256, 256], method="nearest")
        predicted = training.model(batch["image"], training=False)
        pictures = {"prediction": draw_points(images, predicted, (255, 255, 0), radius=2)}
        if "target" in batch:
            pictures["target"] = draw_points(images, batch["target"], (0, 255, 0), radius=2)
        return pictures

    def _overlay(self, images: Tensor, labels: Tensor) -> Tensor:
        colours = tf.cast(tf.gather(self.colours, tf.cast(labels, tf.int32)), tf.float32)
        return tf.cast(0.4 * images + 0.6 * colours, tf.uint8)


def draw_points(
    images: Tensor, grid: Tensor, colour: tuple[int, int, int], radius: int = 0
) -> Tensor:
    """Return `images` as uint8 with a square of `colour` at each point of `grid` (0..1)."""
    pictures = np.array(tf.cast(images, tf.uint8))
    height, width = pictures.shape[1:3]
    points = np.clip(np.asarray(grid, np.float64).reshape(len(pictures), -1, 2), 0, 1)
    pixels = np.rint(points * (height - 1, width - 1)).astype(int)
    for picture, places in zip(pictures, pixels, strict=True):
        for row, column in places:
            top, left = max(row - radius, 0), max(column - radius, 0)
            picture[top : row + radius + 1, left : column + radius + 1] = colour
    return tf.constant(pictures)
