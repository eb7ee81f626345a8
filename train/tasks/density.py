"""Training of samplers by density: predicted densities against those of the labels."""

import math

import keras
import numpy as np
from keras import ops

from roadseg.label_tables.label_table import LabelTable
from roadseg.losses.criteria import Term
from roadseg.losses.density import density_cross_entropy
from roadseg.recipe.recipe import Recipe
from roadseg.sampling import boundary_density
from roadseg.sampling.density_targets import STRIDE, density_input
from roadseg.train.network_check import need
from roadseg.train.tasks.sampling_grid import SamplingGridTraining, check_classes, target_classes
from roadseg.train.tasks.task import Batch, Batches, Step, Tensor

# Share of a uniform density that each cell keeps: its logarithm is then bounded.
LEAST_SHARE = 1e-3


class DensityTraining(SamplingGridTraining):
    """Densities of whole crops, made small."""

    def check(self, recipe: Recipe, table: LabelTable) -> None:
        """Raise RoadsegError for sizes, widths, classes and weights that do not fit."""
        check_classes(recipe, table)
        size, width, weights = (
            density_input(recipe),
            recipe.sampler.density_width,
            recipe.sampler.class_weights,
        )
        divided = all(side % STRIDE == 0 and side >= 2 * STRIDE for side in size)
        wanted = f"multiples of {STRIDE}, at least {2 * STRIDE}; or 0 0, by the aspect of the crop"
        need(divided, "sampler.input_size", size, wanted)
        cells = tuple(side // STRIDE for side in size)
        held = all(cell <= side for cell, side in zip(cells, recipe.augment.crop_size, strict=True))
        wanted = f"at least {cells[0]} {cells[1]}, a pixel for each cell of the density"
        need(held, "augment.crop_size", recipe.augment.crop_size, wanted)
        need(
            width >= 2 and width % 2 == 0,
            "sampler.density_width",
            width,
            "an even number of at least 2",
        )
        fits = not weights or (len(weights) == table.num_classes and min(weights) >= 0)
        wanted = f"{table.num_classes} numbers of 0 or more, one a class of {table.name}; or none"
        need(fits, "sampler.class_weights", weights, wanted)
        counted = recipe.sampler.classes or range(table.num_classes)
        some = not weights or any(weights[train_id] > 0 for train_id in counted)
        need(some, "sampler.class_weights", weights, "one above 0 among the target classes")

    def first_weights(
        self, recipe: Recipe, model: keras.Model, batches: Batches, examples: int
    ) -> None:
        """Set the bias of each cell to the logarithm of the mean target over one epoch."""
        first = batches(recipe.replace(sampler={"targets": "native"}))
        count = math.ceil(examples / recipe.batch_size)
        mean = np.mean([np.asarray(batch["target"]).mean(0) for batch in first.take(count)], axis=0)
        mean = (1 - LEAST_SHARE) * mean + LEAST_SHARE / mean.size
        model.get_layer("prior").cells.assign(np.log(mean * mean.size))

    def terms(self, step: Step, batch: Batch, training: bool) -> list[Term]:
        """Return the cross entropy of the densities."""
        found = step.model(batch["image"], training=training)
        return [Term(1.0, *density_cross_entropy(found, self.target(step, batch)))]

    def pictures(self, step: Step, batch: Batch, table: LabelTable) -> dict[str, Tensor]:
        """Return the predicted and the wanted density, white where they are highest."""
        logits = step.model(batch["image"], training=False)
        maps = {"prediction": ops.exp(logits - ops.max(logits, axis=(1, 2), keepdims=True))}
        if "target" in batch:
            maps["target"] = batch["target"]
        drawn = {"image": ops.cast(batch["image"], "uint8")}
        for name, density in maps.items():
            shade = density / ops.max(density, axis=(1, 2), keepdims=True)
            large = ops.repeat(ops.repeat(shade, 4, axis=1), 4, axis=2)
            drawn[name] = ops.cast(ops.round(255 * large), "uint8")[..., None]
        return drawn

    def in_graph(self, step: Step, labels: Tensor) -> Tensor:
        """Return the densities of `labels`, on the device."""
        cells = tuple(step.model.output_shape[1:3])
        weights = step.recipe.sampler.class_weights
        classes = target_classes(step.recipe)
        return boundary_density(labels, cells, classes, step.ignore, class_weights=weights)

    def input_size(self, recipe: Recipe) -> tuple[int, int]:
        """Return the size of the image that the network sees."""
        return density_input(recipe)

    def target_shape(self, recipe: Recipe) -> tuple[int, ...]:
        """Return the cells of the density."""
        height, width = density_input(recipe)
        return height // STRIDE, width // STRIDE

    def native_targets(self, recipe: Recipe, labels: np.ndarray) -> np.ndarray:
        """Return the densities of `labels`, by the native code."""
        from roadseg.nus_native import boundary_density

        cells, weights = self.target_shape(recipe), recipe.sampler.class_weights or None
        return boundary_density(labels, cells, target_classes(recipe), class_weights=weights)
