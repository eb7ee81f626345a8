"""Training of the task 'segmentation': crops, sampled or not, to the loss of every head."""

from typing import Any

from keras import ops

from roadseg.label_tables.label_table import LabelTable
from roadseg.layers.heads import main_logits
from roadseg.losses.criteria import Term, named_heads
from roadseg.ops.resize import resize_bilinear, resize_nearest
from roadseg.recipe.recipe import Recipe
from roadseg.sampling import sample_batch, unsample
from roadseg.train.data.augment import inside_picture, restore_padding
from roadseg.train.network_check import check_network
from roadseg.train.tasks.crops import CropTraining
from roadseg.train.tasks.pictures import overlays, points
from roadseg.train.tasks.task import Batch, Step, Tensor


class SegmentationTraining(CropTraining):
    """Logits of single images against their labels."""

    def check(self, recipe: Recipe, table: LabelTable) -> None:
        """Raise RoadsegError for a network that does not fit."""
        check_network(recipe)

    def terms(self, step: Step, batch: Batch, training: bool) -> list[Term]:
        """Return the parts of the loss, at the samples or at the pixels."""
        images, labels, grid = sampled(step, batch)
        logits = step.model(images, training=training)
        if grid is None:
            return step.criterion.terms(logits, labels, batch.get("edges"))
        if step.recipe.loss.size == "samples":
            return step.criterion.terms(logits, labels)
        return step.criterion.terms(*_at_pixels(step, logits, grid, batch))

    def pictures(self, step: Step, batch: Batch, table: LabelTable) -> dict[str, Tensor]:
        """Return the images, labels and predictions, and where the sampler looked."""
        images, labels, _ = sampled(step, batch)
        logits = main_logits(step.model(images, training=False))
        predicted = ops.argmax(logits, -1)
        drawn = {
            "image": ops.cast(images, "uint8"),
            "label": overlays(images, labels, table),
            "prediction": overlays(images, predicted, table),
        }
        if step.sampler is not None:
            whole = ops.cast(batch["image"], "float32")
            grid = step.sampler.grid(whole, step.recipe.sampling.size)
            drawn["sampling_points"] = points(whole, grid, (0, 255, 255))
        return drawn


def sampled(step: Step, batch: Batch) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return what the network sees, its labels, and where it was sampled, if it was."""
    images = restore_padding(batch["image"], batch.get("content"), step.padding)
    labels, grid = _labels(step, batch), None
    if step.sampler is not None:
        size = step.recipe.sampling.size
        images, labels, grid = sample_batch(images, labels, step.sampler, size)
    return ops.cast(images, step.dtype), labels, grid


def _labels(step: Step, batch: Batch) -> Tensor:
    return _with_void(step, batch) if step.recipe.network.void_class else batch["label"]


def _at_pixels(step: Step, logits: Any, grid: Tensor, batch: Batch) -> tuple[Any, Tensor]:
    """Return logits interpolated from samples to pixels, and the labels there."""
    labels = _labels(step, batch)
    part = 2 if step.recipe.loss.size == "half" else 1
    size = tuple(-(-side // part) for side in labels.shape[1:3])
    if part > 1:
        labels = resize_nearest(labels[..., None], size)[..., 0]

    def back(head: Tensor) -> Tensor:
        head = resize_bilinear(ops.cast(head, "float32"), step.recipe.sampling.size)
        return unsample(head, grid, size)

    return {name: back(head) for name, head in named_heads(logits)}, labels


def _with_void(step: Step, batch: Batch) -> Tensor:
    """Return labels with ignored pixels as the last output's class; padding stays ignored."""
    void = main_logits(step.model.output).shape[-1] - 1
    labels = ops.cast(batch["label"], "int32")
    ignored = labels == step.ignore
    if batch.get("content") is not None:
        ignored &= inside_picture(labels, batch["content"])
    return ops.where(ignored, void, labels)
