"""Training of the task 'flow': pairs that are made, stored or of two cameras."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from roadseg.data_conversion.read.records import RecordSet
from roadseg.drawing.flow import colourise_flow
from roadseg.errors import RoadsegError
from roadseg.label_tables.label_table import LabelTable
from roadseg.losses.criteria import Term
from roadseg.losses.flow import MULTI_SCALE_FACTORS
from roadseg.recipe.recipe import Recipe
from roadseg.train.data import augment
from roadseg.train.network_check import check_network, need
from roadseg.train.start.unit_variance import unit_variance
from roadseg.train.tasks.flow_terms import flow_inputs, flow_terms
from roadseg.train.tasks.task import Batch, Batches, Step, Tensor, TrainingTask
from roadseg.train.tasks.two_cameras import views
from roadseg.two_cameras.warped_pairs import DRAWS, frame_size

_SALT = 7


class FlowTraining(TrainingTask):
    """The flow between the images of a pair."""

    def check(self, recipe: Recipe, table: LabelTable) -> None:
        """Raise RoadsegError for sizes, motions and losses that do not fit."""
        check_network(recipe)
        coarsest = max(MULTI_SCALE_FACTORS)
        wanted = f"at least {coarsest} a side, of which the coarsest flow leaves one pixel"
        need(
            min(recipe.augment.crop_size) >= coarsest,
            "augment.crop_size",
            recipe.augment.crop_size,
            wanted,
        )
        shift, tilt, parallax = recipe.flow.shift_px, recipe.flow.tilt, recipe.flow.parallax_px
        need(min(shift) >= 0, "flow.shift_px", shift, "0 or more, down and across")
        # Beyond, a homography can bring what lies at infinity into view.
        need(0 <= tilt <= 0.2, "flow.tilt", tilt, "0 to 0.2")
        need(parallax >= 0, "flow.parallax_px", parallax, "0 or more")
        known = recipe.flow.pairs != "views" or recipe.flow.loss in ("self", "multi_scale_self")
        wanted = "self or multi_scale_self: the flow between views of two cameras is not known"
        need(known, "flow.loss", recipe.flow.loss, wanted)

    def element(
        self, place: Tensor, example: Batch, recipe: Recipe, records: RecordSet, padded: bool
    ) -> Batch:
        """Return what `frame`, `recorded_pair` or `views` gives, as recipe.flow.pairs says."""
        if recipe.flow.pairs == "warped":
            return frame(place, example, recipe)
        if recipe.flow.pairs == "recorded":
            return recorded_pair(example, records)
        return views(example, recipe.augment.crop_size, labelled=False)

    def first_weights(
        self, recipe: Recipe, model: keras.Model, batches: Batches, examples: int
    ) -> None:
        """Fit the weights to the first batch where the recipe asks for unit variance."""
        if recipe.start.initial_weights == "unit_variance":
            first, second, _ = flow_inputs(recipe, next(batches(recipe).as_numpy_iterator()))
            unit_variance(model, {"first": first, "second": second}, recipe.seed)

    def terms(self, step: Step, batch: Batch, training: bool) -> list[Term]:
        """Return the terms of recipe.flow.loss."""
        return flow_terms(step.recipe, step.model, batch, training)

    def pictures(self, step: Step, batch: Batch, table: LabelTable) -> dict[str, Tensor]:
        """Return both images of each pair, the flow that is found, and the known."""
        return flow_pictures(step, batch)


def frame(place: Tensor, example: Batch, recipe: Recipe) -> Batch:
    """Return {"image": a crop with the margin that a pair needs, uint8, "draws": (DRAWS,)}."""
    larger = recipe.replace(augment={"crop_size": frame_size(recipe)})
    draw = augment.draws(recipe.seed, place)
    crop = augment.random_crop(example["image"], example["label"], draw, larger)
    return {"image": crop.image, "draws": pair_draws(recipe.seed, place)}


def pair_draws(seed: int, place: Tensor) -> Tensor:
    """Return the numbers in 0..1 that make the pair at `place` of the whole run.

    Neighbours move opposite ways: a batch of an even size then favours no direction, and its
    gradient is about what images show (without this, errors stay at those of no flow for longer).
    """
    key = tf.random.fold_in(tf.stack([tf.constant(seed, tf.int64), place // 2]), _SALT)
    draws = tf.random.stateless_uniform((DRAWS,), key)
    return tf.where(place % 2 == 0, draws, 1.0 - draws)


def recorded_pair(example: Batch, records: RecordSet) -> Batch:
    """Return {"first", "second": uint8 images, "flow_xy_px"} as they are stored, uncut.

    Raises RoadsegError for records of several sizes, or without the flow.
    """
    if records.image_size is None or not getattr(records, "has_flow", False):
        what = "no flow" if records.image_size else "images of several sizes"
        raise RoadsegError(
            f"{records.path}: {what} in '{records.split}'; --flow.pairs recorded takes whole "
            "pairs with their flow (roadseg convert flow_pairs), views those without"
        )
    size = records.image_size
    return {
        "first": tf.ensure_shape(example["image"], (*size, 3)),
        "second": tf.ensure_shape(example["second_image"], (*size, 3)),
        "flow_xy_px": tf.ensure_shape(example["flow_xy_px"], (*size, 2)),
    }


def flow_pictures(step: Step, batch: Batch) -> dict[str, Tensor]:
    """Return both images of each pair, the flow that `step` finds, and the known.

    One scale of colours serves both: the known one's longest step, if there is one.
    """
    first, second, known = flow_inputs(step.recipe, batch)
    found = step.model({"first": first, "second": second}, training=False)["flow"]
    pictures = {"first": ops.cast(first, "uint8"), "second": ops.cast(second, "uint8")}
    flows = {"flow": np.asarray(found)}
    if known is not None:
        flows["known_flow"] = np.asarray(known)
    longest = float(np.linalg.norm(list(flows.values())[-1], axis=-1).max()) or 1.0
    for name, flow in flows.items():
        pictures[name] = np.stack([colourise_flow(one, longest) for one in flow])
    return pictures
