"""Training of the published sampler: grids against their exact targets."""

import numpy as np
import tensorflow as tf

from roadseg.data_conversion.read.streams import as_written
from roadseg.label_tables.label_table import LabelTable
from roadseg.losses.criteria import Term
from roadseg.losses.squared_error import squared_error
from roadseg.ops.resize import resize_bilinear, resize_nearest
from roadseg.recipe.recipe import Recipe
from roadseg.sampling import boundary_targets
from roadseg.train.data.augment import padding_colour, restore_padding
from roadseg.train.network_check import need
from roadseg.train.tasks.crops import CropTraining
from roadseg.train.tasks.pictures import points
from roadseg.train.tasks.task import Batch, Step, Tensor


class SamplingGridTraining(CropTraining):
    """Grids of whole crops, made small."""

    def check(self, recipe: Recipe, table: LabelTable) -> None:
        """Raise RoadsegError for classes that the data set lacks, and sizes that do not divide."""
        check_classes(recipe, table)
        (height, width), (rows, columns) = recipe.sampler.input_size, recipe.sampler.grid_size
        fits = height % rows == 0 and width % columns == 0 and height // rows == width // columns
        stride = height // rows
        allowed = stride in (4, 8, 16, 32)
        need(
            fits and allowed,
            "sampler.grid_size",
            recipe.sampler.grid_size,
            f"sampler.input_size {recipe.sampler.input_size} divided by 4, 8, 16 or 32",
        )

    def on_batch(self, batches: tf.data.Dataset, recipe: Recipe) -> tf.data.Dataset:
        """Return small images, and targets of the full-size crops (or their labels)."""
        return batches.map(
            as_written(lambda batch: self._targets(batch, recipe)),
            num_parallel_calls=tf.data.AUTOTUNE,
        )

    def terms(self, step: Step, batch: Batch, training: bool) -> list[Term]:
        """Return the squared error of the grids."""
        found = step.model(batch["image"], training=training)
        return [Term(1.0, *squared_error(found, self.target(step, batch)))]

    def pictures(self, step: Step, batch: Batch, table: LabelTable) -> dict[str, Tensor]:
        """Return the predicted and the wanted points."""
        images = resize_nearest(batch["image"], (256, 256), "half_pixel")
        predicted = step.model(batch["image"], training=False)
        drawn = {"prediction": points(images, predicted, (255, 255, 0))}
        if "target" in batch:
            drawn["target"] = points(images, batch["target"], (0, 255, 0))
        return drawn

    def target(self, step: Step, batch: Batch) -> Tensor:
        """Return what the network should give; computed here with sampler.targets='graph'."""
        return batch["target"] if "target" in batch else self.in_graph(step, batch["label"])

    def in_graph(self, step: Step, labels: Tensor) -> Tensor:
        """Return the targets of `labels`, on the device."""
        sampler, classes = step.recipe.sampler, target_classes(step.recipe)
        return boundary_targets(labels, sampler.grid_size, sampler.alpha, classes, step.ignore)

    def input_size(self, recipe: Recipe) -> tuple[int, int]:
        """Return the size of the image that the network sees."""
        return recipe.sampler.input_size

    def target_shape(self, recipe: Recipe) -> tuple[int, ...]:
        """Return the shape of one image's target."""
        return (*recipe.sampler.grid_size, 2)

    def native_targets(self, recipe: Recipe, labels: np.ndarray) -> np.ndarray:
        """Return the targets of `labels`, by the native code."""
        from roadseg.nus_native import boundary_targets

        sampler, classes = recipe.sampler, target_classes(recipe)
        grids = boundary_targets(labels, sampler.grid_size, sampler.alpha, classes)
        return np.asarray(grids, np.float32)

    def _targets(self, batch: Batch, recipe: Recipe) -> Batch:
        images = restore_padding(batch["image"], batch.get("content"), padding_colour(recipe))
        images = resize_bilinear(images, self.input_size(recipe), align_corners=True)
        labels, shape = batch["label"], self.target_shape(recipe)
        if recipe.sampler.targets == "graph":
            return {"image": images, "label": labels}

        def native(labels: np.ndarray) -> np.ndarray:
            return self.native_targets(recipe, labels)

        target = tf.numpy_function(native, [labels], tf.float32)
        return {"image": images, "target": tf.ensure_shape(target, (labels.shape[0], *shape))}


def check_classes(recipe: Recipe, table: LabelTable) -> None:
    """Raise RoadsegError unless the data set has the target classes."""
    for train_id in recipe.sampler.classes:
        need(
            0 <= train_id < table.num_classes,
            "sampler.classes",
            recipe.sampler.classes,
            f"{table.name} has classes 0 to {table.num_classes - 1}; none given means all",
        )


def target_classes(recipe: Recipe) -> list[int] | None:
    """Return the classes whose boundaries count; None for all."""
    return list(recipe.sampler.classes) or None
