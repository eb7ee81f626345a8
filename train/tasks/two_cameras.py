"""Training of the task 'two_cameras': the images of both, and the labels of both."""

import tensorflow as tf
from keras import ops

from roadseg.data_conversion.read.records import RecordSet
from roadseg.label_tables.label_table import LabelTable
from roadseg.losses.criteria import Term
from roadseg.models.two_cameras import CAMERAS
from roadseg.ops.resize import resize_nearest
from roadseg.recipe.recipe import Recipe
from roadseg.train.data.antialiased import resize_linear
from roadseg.train.network_check import check_network
from roadseg.train.tasks.pictures import overlays
from roadseg.train.tasks.task import Batch, Step, Tensor, TrainingTask

# How the keys of each view begin in an example; the first view is the wide one.
_PREFIXES = dict(zip(CAMERAS, ("", "second_"), strict=True))


class TwoCameraTraining(TrainingTask):
    """Logits of both cameras against their labels."""

    def check(self, recipe: Recipe, table: LabelTable) -> None:
        """Raise RoadsegError for a network that does not fit."""
        check_network(recipe)

    def element(
        self, place: Tensor, example: Batch, recipe: Recipe, records: RecordSet, padded: bool
    ) -> Batch:
        """Return both cameras and their labels, as `views` gives them."""
        return views(example, recipe.augment.crop_size)

    def terms(self, step: Step, batch: Batch, training: bool) -> list[Term]:
        """Return the parts of the loss of both cameras."""
        images = {name: ops.cast(batch[name], step.dtype) for name in CAMERAS}
        logits = step.model(images, training=training)
        labels = {name: batch[f"{name}_label"] for name in CAMERAS}
        # Published: both cameras' means count alike, however many pixels have labels.
        return [t for name in CAMERAS for t in step.criterion.terms(logits[name], labels[name])]

    def pictures(self, step: Step, batch: Batch, table: LabelTable) -> dict[str, Tensor]:
        """Return the labels and the predictions of both cameras over their images."""
        return view_pictures(step, batch, table)


def views(example: Batch, size: tuple[int, int], labelled: bool = True) -> Batch:
    """Return both cameras at one size: "wide", "narrow", and with labels "wide_label", ...

    Images (*size, 3) uint8, resized as by Pillow's BILINEAR; labels (*size) uint8, as by its
    NEAREST. Nothing is augmented: a flipped or cut view belongs to another rig than the network's.
    Source: SemanticsSharing 9fc1fde, mode `train_onlyrs`, with 1216 x 1920.
    """
    found: Batch = {}
    for view, prefix in _PREFIXES.items():
        image = tf.round(resize_linear(example[f"{prefix}image"][None], size)[0])
        found[view] = tf.ensure_shape(tf.cast(image, tf.uint8), (*size, 3))
        if labelled:
            label = example[f"{prefix}label"][None, ..., None]
            label = resize_nearest(label, size, "half_pixel")[0, ..., 0]
            found[f"{view}_label"] = tf.ensure_shape(label, size)
    return found


def view_pictures(step: Step, batch: Batch, table: LabelTable) -> dict[str, Tensor]:
    """Return the labels and the predictions of both cameras over their images."""
    images = {view: ops.cast(batch[view], "float32") for view in CAMERAS}
    logits = step.model(images, training=False)
    pictures: dict[str, Tensor] = {}
    for view in CAMERAS:
        predicted = ops.argmax(logits[view], -1)
        for name, labels in (("label", batch[f"{view}_label"]), ("prediction", predicted)):
            pictures[f"{view}_{name}"] = overlays(batch[view], labels, table)
    return pictures
