"""Training of the task 'segmentation': crops, sampled or not, to the loss of every head."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from roadseg.data_conversion.read.records import RecordSet, parse_encoded
from roadseg.label_tables.label_table import LabelTable
from roadseg.losses.criteria import Term, named_heads
from roadseg.ops.resize import resize_bilinear, resize_nearest
from roadseg.recipe.recipe import Recipe
from roadseg.sampling import sample_batch, unsample
from roadseg.train.data import augment, colour, edges
from roadseg.train.data.augment import inside_picture, restore_padding
from roadseg.train.data.records import parser
from roadseg.train.network_check import check_network
from roadseg.train.tasks.pictures import overlays, points
from roadseg.train.tasks.task import Batch, Step, Tensor, TrainingTask


class SegmentationTraining(TrainingTask):
    """Logits of single images against their labels."""

    def check(self, recipe: Recipe, table: LabelTable) -> None:
        """Raise RoadsegError for a network that does not fit."""
        check_network(recipe)

    def parser(self, recipe: Recipe, records: RecordSet) -> Callable[[Tensor], Batch]:
        """Return what leaves images encoded where crops are cut out of them."""
        return crop_parser(recipe, records)

    def element(
        self, place: Tensor, example: Batch, recipe: Recipe, records: RecordSet, padded: bool
    ) -> Batch:
        """Return a crop: "image", "label", and "content" and "edges" where there are any."""
        return crop(place, example, recipe, padded)

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
        logits = step.model(images, training=False)
        logits = logits["logits"] if isinstance(logits, dict) else logits
        predicted = tf.argmax(logits, -1, output_type=tf.int32)
        drawn = {
            "image": tf.cast(images, tf.uint8),
            "label": overlays(images, labels, table),
            "prediction": overlays(images, predicted, table),
        }
        if step.sampler is not None:
            whole = tf.cast(batch["image"], tf.float32)
            grid = step.sampler.grid(whole, step.recipe.sampling.size)
            drawn["sampling_points"] = points(whole, grid, (0, 255, 255))
        return drawn


def crop_parser(recipe: Recipe, records: RecordSet) -> Callable[[Tensor], Batch]:
    """Return what makes an example, as `crop` takes it, of the bytes of a record.

    Crops are cut out of the bytes of images, most of which they do not show.
    """
    return parse_encoded if augment.cuts_out(recipe) else parser(records)


def crop(place: Tensor, example: Batch, recipe: Recipe, padded: bool) -> Batch:
    """Return the crop that is drawn at `place`: "image", "label", ... as `pipeline` says."""
    draw, centroid = augment.draws(recipe.seed, place), example.get("centroid")
    image, label = example["image"], example["label"]
    if recipe.edges.found_in == "image":
        label = edges.with_edges(label, recipe)
    found = augment.random_crop(image, label, draw, recipe, padded, centroid)._asdict()
    if recipe.edges.found_in == "image":
        found |= edges.apart(found["label"])
    found["image"] = colour.changed(found["image"], recipe, place)
    if not padded:
        del found["content"]
    return found


def sampled(step: Step, batch: Batch) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return what the network sees, its labels, and where it was sampled, if it was."""
    images = restore_padding(batch["image"], batch.get("content"), step.padding)
    labels, grid = _labels(step, batch), None
    if step.sampler is not None:
        size = step.recipe.sampling.size
        images, labels, grid = sample_batch(images, labels, step.sampler, size)
    return tf.cast(images, step.dtype), labels, grid


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
        head = resize_bilinear(tf.cast(head, tf.float32), step.recipe.sampling.size)
        return unsample(head, grid, size)

    return {name: back(head) for name, head in named_heads(logits)}, labels


def _with_void(step: Step, batch: Batch) -> Tensor:
    """Return labels with ignored pixels as the last output's class; padding stays ignored."""
    logits = step.model.output
    void = (logits["logits"] if isinstance(logits, dict) else logits).shape[-1] - 1
    labels = tf.cast(batch["label"], tf.int32)
    ignored = labels == step.ignore
    if batch.get("content") is not None:
        ignored &= inside_picture(labels, batch["content"])
    return tf.where(ignored, void, labels)
