"""TensorBoard: the figures of training, and pictures of what the network sees and says."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from roadseg.drawing.labels import draw_points, overlay
from roadseg.label_tables.label_table import LabelTable
from roadseg.recipe.recipe import Recipe
from roadseg.runs.run_folder import RunFolder
from roadseg.train.tasks.two_camera_pictures import flow_pictures, view_pictures

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
        drawings: dict[str, Callable[..., dict[str, Tensor]]] = {
            "segmentation": self._overlays,
            "sampling_grid": self._grids,
            "flow": flow_pictures,
            "two_cameras": partial(view_pictures, table=self.table),
        }
        draw = drawings[self.recipe.task]
        with self.writer.as_default(step=step):
            for name, images in draw(training, few).items():
                tf.summary.image(name, images, max_outputs=PICTURES)

    def _overlays(self, training: Any, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        images, labels = training.inputs(batch)
        logits = training.model(images, training=False)
        logits = logits["logits"] if isinstance(logits, dict) else logits
        predicted = tf.argmax(logits, -1, output_type=tf.int32)
        pictures = {
            "image": tf.cast(images, tf.uint8),
            "label": self._overlay(images, labels),
            "prediction": self._overlay(images, predicted),
        }
        if training.sampler is not None:
            whole = tf.cast(batch["image"], tf.float32)
            points = training.sampler.grid(whole, self.recipe.sampling.size)
            pictures["sampling_points"] = _points(whole, points, (0, 255, 255))
        return pictures

    def _grids(self, training: Any, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        if self.recipe.learns_density:
            return _densities(training, batch)
        images = tf.image.resize(batch["image"], [256, 256], method="nearest")
        predicted = training.model(batch["image"], training=False)
        pictures = {"prediction": _points(images, predicted, (255, 255, 0))}
        if "target" in batch:
            pictures["target"] = _points(images, batch["target"], (0, 255, 0))
        return pictures

    def _overlay(self, images: Tensor, labels: Tensor) -> np.ndarray:
        pairs = zip(_uint8(images), np.asarray(labels), strict=True)
        return np.stack([overlay(image, label, self.table) for image, label in pairs])


def _densities(training: Any, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the predicted and the wanted density, white where they are highest."""
    logits = training.model(batch["image"], training=False)
    maps = {"prediction": tf.exp(logits - tf.reduce_max(logits, axis=(1, 2), keepdims=True))}
    if "target" in batch:
        maps["target"] = batch["target"]
    pictures = {"image": tf.cast(batch["image"], tf.uint8)}
    for name, density in maps.items():
        shade = density / tf.reduce_max(density, axis=(1, 2), keepdims=True)
        large = tf.repeat(tf.repeat(shade, 4, axis=1), 4, axis=2)
        pictures[name] = tf.cast(tf.round(255 * large), tf.uint8)[..., None]
    return pictures


def _points(images: Tensor, grids: Tensor, colour: tuple[int, int, int]) -> np.ndarray:
    """Return `images` as uint8 with a dot of `colour` at each point of `grids` (0..1)."""
    inside = np.clip(np.nan_to_num(np.asarray(grids, np.float64)), 0, 1)
    pairs = zip(_uint8(images), inside, strict=True)
    return np.stack([draw_points(image, grid, colour) for image, grid in pairs])


def _uint8(images: Tensor) -> np.ndarray:
    return np.asarray(tf.cast(images, tf.uint8))
