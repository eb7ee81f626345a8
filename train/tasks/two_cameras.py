"""What the tasks of two images take from a record: frames to make pairs of, or both images."""

from collections.abc import Callable
from functools import partial
from typing import Any

import tensorflow as tf

from roadseg.data_conversion.read.records import RecordSet, open_records, parse_example
from roadseg.data_conversion.read.two_cameras import (
    TwoCameraRecords,
    open_two_cameras,
    parse_two_cameras,
)
from roadseg.errors import RoadsegError
from roadseg.models.two_cameras import CAMERAS
from roadseg.ops.resize import resize_nearest
from roadseg.recipe.recipe import Recipe
from roadseg.train.data import augment
from roadseg.train.data.antialiased import resize_linear
from roadseg.two_cameras.rig import find_rig
from roadseg.two_cameras.warped_pairs import DRAWS, frame_size

Tensor = Any
Batch = dict[str, Tensor]
_SALT = 7
# How the keys of each view begin in an example; the first view is the wide one.
_PREFIXES = dict(zip(CAMERAS, ("", "second_"), strict=True))


def open_training_records(recipe: Recipe) -> RecordSet:
    """Return the records that `recipe` trains on, with both cameras where its task needs them.

    Raises RoadsegError as `open_records` and `open_two_cameras` do.
    """
    if recipe.reads_pairs:
        return open_two_cameras(recipe.records, recipe.split)
    return open_records(recipe.records, recipe.split)


def with_rig(recipe: Recipe) -> Recipe:
    """Return `recipe` with the text of its rig file, which the run folder then keeps.

    Raises RoadsegError for a file that is absent or is no rig file.
    """
    return (
        recipe.replace(network={"rig": find_rig(recipe.network.rig).to_yaml()})
        if recipe.network.rig
        else recipe
    )


def parser(records: RecordSet) -> Callable[[Tensor], Batch]:
    """Return how an example of `records` is decoded."""
    if isinstance(records, TwoCameraRecords):
        return partial(parse_two_cameras, has_flow=records.has_flow)
    return parse_example


def element(place: Tensor, example: Batch, recipe: Recipe, records: RecordSet) -> Batch:
    """Return what the tasks 'flow' and 'two_cameras' make of the example at `place` of the run.

    Two cameras: what `views` gives. Flow: what `frame` gives, or `recorded_pair`, or `views`
    without labels, as recipe.flow_pairs says.
    """
    if recipe.task == "two_cameras":
        return views(example, recipe.augment.crop_size)
    if recipe.flow.pairs == "warped":
        return frame(place, example, recipe)
    if recipe.flow.pairs == "recorded":
        return recorded_pair(example, records)
    return views(example, recipe.augment.crop_size, labelled=False)


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
