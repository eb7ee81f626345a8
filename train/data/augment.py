"""Random scale, crop and flip of image and label together, a function of the draws alone.

No hidden state: the same four numbers give the same crop, so a resumed run sees what it would have.
"""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from roadseg.errors import RoadsegError
from roadseg.layers.normalisation import mean_colour
from roadseg.models.registry import find, is_published
from roadseg.ops import operations as ops
from roadseg.ops.cubic import resize_cubic
from roadseg.ops.resize import Corners, resize_bilinear, resize_nearest
from roadseg.recipe.recipe import Recipe
from roadseg.tasks.table import task_of
from roadseg.train.data.antialiased import cubic_window
from roadseg.train.data.crops import Frame
from roadseg.train.data.cut_out import image_crop, label_crop, size_of

Tensor = Any
IMAGE_PADDING = 127.5
LABEL_PADDING = 255
OPENCV = ("half_pixel", "half_pixel_cubic")
"""Scalings as OpenCV has them, which rounds sizes."""
CUBIC: dict[str, tuple[Callable, Corners]] = {
    "cubic": (cubic_window, "half_pixel"),
    "half_pixel_cubic": (resize_cubic, False),
}
"""How images are scaled cubically, no further than the crop, and where labels are picked."""


class Crop(NamedTuple):
    """One training crop: pixels as bytes, and where in it the picture (not padding) lies."""

    image: Tensor
    """(height, width, 3) uint8; padding that is not black gets its colour on the device."""
    label: Tensor
    """(height, width) uint8 train ids, 255 = ignore or padding."""
    content: Tensor
    """(4,) int32: first row, first column, end row, end column of the picture in the crop."""


def may_pad(recipe: Recipe, image_size: tuple[int, int] | None) -> bool:
    """Return whether a crop of images of this size (None: of several) can reach beyond them."""
    if image_size is None or recipe.augment.min_scale < 1.0:
        return True
    return any(have < want for have, want in zip(image_size, recipe.augment.crop_size, strict=True))


def draws(seed: int, index: Tensor) -> Tensor:
    """Return four numbers in [0, 1) for the example at `index` of the whole run."""
    return tf.random.stateless_uniform((4,), seed=tf.stack([tf.constant(seed, tf.int64), index]))


def random_crop(
    image: Tensor,
    label: Tensor,
    draw: Tensor,
    recipe: Recipe,
    padded: bool = True,
    centroid: Tensor | None = None,
) -> Crop:
    """Return a crop of recipe.crop_size.

    image: (height, width, 3) uint8; label: (height, width) integer train ids, or uint16, which
        stays: `edges.with_edges` has more beside the ids. Both may be the bytes of their pictures
        where `cuts_out` says so: then only what the crop shows is decoded.
    draw: (4,) in [0, 1) for scale, row, column, flip.
    padded: False where no image can be smaller than the crop, which then costs less.
    centroid: (2,) integers, the row and column that the crop is to hold; -1 or None for any crop.
    Order as published: scale, pad, crop, flip.
    Source: adaptive-sampling, research/deeplab/input_preprocess.py; Fast_Seg has the same order, as
    has SFSegNets, with padding on all sides and centroids. SGCPNet pads on all sides alike, flips,
    and then crops, which draws from the same crops.
    """
    image, label = tf.convert_to_tensor(image), tf.convert_to_tensor(label)
    if label.dtype not in (tf.uint16, tf.string):
        label = tf.cast(label, tf.uint8)
    encoded = image.dtype == tf.string
    factor, whole = tf.constant(1.0), size_of(image) if encoded else tf.shape(image)[:2]
    size = whole
    if _is_scaled(recipe):
        shortest = tf.cast(tf.reduce_min(whole), tf.float32)
        factor = tf.maximum(scale(draw[0], recipe), recipe.augment.min_side / shortest)
        size = _scaled_size(whole, factor, recipe)
    first = _first_pixel(size, draw[1:3], recipe, centroid, factor)
    begin, end = tf.maximum(first, 0), tf.minimum(first + recipe.augment.crop_size, size)
    before, after = begin - first, first + recipe.augment.crop_size - end
    flipped = draw[3] < recipe.augment.flip_probability
    # Flipping the crop would carry padding from the right to the left.
    left = tf.where(flipped, after[1], before[1])
    right = tf.where(flipped, before[1], after[1])
    value = 0 if recipe.augment.padding == "black" else 127
    if cuts_out(recipe) and label.dtype != tf.uint16:
        place = [before[0], left, tf.cast(flipped, tf.int32)]
        numbers = tf.concat([whole, size, begin, end, place], 0)
        # Every way to scale is the same where nothing is scaled.
        scaling = recipe.augment.resize if _is_scaled(recipe) else "aligned"
        image = image_crop(image, numbers, Frame(recipe.augment.crop_size, value, scaling))
        label = label_crop(label, numbers, Frame(recipe.augment.crop_size, LABEL_PADDING, scaling))
    else:
        image, label = _window(image, label, size, begin, end, recipe)
        image = tf.cond(flipped, lambda: tf.reverse(image, [1]), lambda: image)
        label = tf.cond(flipped, lambda: tf.reverse(label, [1]), lambda: label)
        if padded:
            sides = [[before[0], after[0]], [left, right]]
            image = tf.pad(image, [*sides, [0, 0]], constant_values=value)
            label = tf.pad(label, sides, constant_values=LABEL_PADDING)
    height, width = recipe.augment.crop_size
    image = tf.ensure_shape(image, (height, width, 3))
    label = tf.ensure_shape(label, (height, width))
    content = tf.stack([before[0], left, height - after[0], width - right])
    return Crop(image, label, content)


def cuts_out(recipe: Recipe) -> bool:
    """Return whether crops are cut natively, out of encoded examples as well: all but cubic ones.

    Edges that are found in the whole image go through the crop with its labels, decoded.
    """
    cubic = _is_scaled(recipe) and recipe.augment.resize in CUBIC
    return not cubic and recipe.edges.found_in != "image"


def _first_pixel(
    size: Tensor, draw: Tensor, recipe: Recipe, centroid: Tensor | None, factor: Tensor
) -> Tensor:
    """Return row and column of the crop's first pixel in the scaled image; padding is below 0.

    Around a centroid c the published crop of side s begins between c - s and c, both ends included.
    The crop that begins at c - s does not hold c: ours begins at c - s + 1 or later.
    """
    crop = tf.constant(recipe.augment.crop_size)
    margin = tf.zeros_like(size)
    if recipe.augment.padding_position == "around":
        margin = tf.where(size < crop, (crop - size) // 2 + 1, 0)
    if recipe.augment.padding_position == "centred":
        margin = tf.maximum(crop - size + 1, 0) // 2
    free = tf.maximum(size + 2 * margin - crop, 0)
    # Draws are float32, below 1; their product with free + 1 can still round up to it.
    first = tf.minimum(tf.cast(draw * tf.cast(free + 1, tf.float32), tf.int32), free)
    if centroid is not None:
        inside = recipe.class_uniform.crop_position == "inside"
        # Cut to integers, it can come to lie one pixel beyond an image that became smaller.
        centre = tf.minimum(tf.cast(tf.cast(centroid, tf.float32) * factor, tf.int32), size - 1)
        last = crop - 1 if inside else crop
        around = tf.minimum(tf.cast(draw * tf.cast(last + 1, tf.float32), tf.int32), last)
        around += centre + margin - last if inside else centre - last
        first = tf.where(centroid[0] < 0, first, tf.clip_by_value(around, 0, free))
    return first - margin


def _is_scaled(recipe: Recipe) -> bool:
    return (
        recipe.augment.max_scale > recipe.augment.min_scale
        or recipe.augment.min_scale != 1.0
        or recipe.augment.min_side > 0
    )


def _scaled_size(whole: Tensor, factor: Tensor, recipe: Recipe) -> Tensor:
    size = tf.cast(whole, tf.float32) * factor
    size = tf.cast(tf.round(size) if recipe.augment.resize in OPENCV else size, tf.int32)
    return tf.maximum(size, recipe.augment.min_side)


def _window(
    image: Tensor, label: Tensor, size: Tensor, begin: Tensor, end: Tensor, recipe: Recipe
) -> tuple[Tensor, Tensor]:
    """Return rows and columns `begin` to `end` (without it) of both, scaled to `size`."""
    if _is_scaled(recipe) and recipe.augment.resize in CUBIC:
        resize, corners = CUBIC[recipe.augment.resize]
        whole, first, last = (tf.unstack(pair) for pair in (size, begin, end))
        window = tf.round(resize(image[None], whole, first, last)[0])
        image = tf.cast(tf.clip_by_value(window, 0.0, 255.0), tf.uint8)
        label = resize_nearest(label[None, :, :, None], whole, corners)[0, :, :, 0]
        return image, label[begin[0] : end[0], begin[1] : end[1]]
    if _is_scaled(recipe):
        image, label = _rescaled(image, label, size, recipe.augment.resize)
    image = image[begin[0] : end[0], begin[1] : end[1]]
    return image, label[begin[0] : end[0], begin[1] : end[1]]


def scale(draw: Tensor, recipe: Recipe) -> Tensor:
    """Return the factor for a draw in [0, 1): one of the steps, or any value in the range."""
    if recipe.augment.scale_step <= 0 and recipe.augment.scale_distribution == "log":
        return (
            recipe.augment.min_scale * (recipe.augment.max_scale / recipe.augment.min_scale) ** draw
        )
    if recipe.augment.scale_step <= 0:
        return recipe.augment.min_scale + draw * (
            recipe.augment.max_scale - recipe.augment.min_scale
        )
    count = int(
        (recipe.augment.max_scale - recipe.augment.min_scale) / recipe.augment.scale_step + 1 + 1e-6
    )
    step = tf.minimum(tf.floor(draw * count), count - 1)
    return recipe.augment.min_scale + step * recipe.augment.scale_step


def padding_colour(recipe: Recipe) -> tuple[float, float, float] | None:
    """Return the RGB colour, 0..255, of padding: grey, or what normalisation brings to zero.

    None for black, which bytes hold: what jitter and blur made of it stays. A network of one's own
    without the option `normalisation` gets grey: nobody else knows what it brings to zero.
    Raises RoadsegError where the network of `recipe` has no choice of normalisations to ask.
    """
    if recipe.augment.padding == "black":
        return None
    # The sampling network's normalisation brings grey to zero.
    if recipe.augment.padding == "grey" or task_of(recipe).is_sampler:
        return (IMAGE_PADDING,) * 3
    build = find(recipe.model).build
    option = inspect.signature(build).parameters.get("normalisation")
    if option is None and not is_published(recipe.model):
        return (IMAGE_PADDING,) * 3
    if option is None:
        raise RoadsegError(
            f"--augment.padding mean: {recipe.model} has no option 'normalisation'; use grey"
        )
    return mean_colour(str(recipe.network.options.get("normalisation", option.default)))


def restore_padding(
    images: Tensor,
    content: Tensor | None,
    colour: tuple[float, float, float] | None = (IMAGE_PADDING,) * 3,
) -> Tensor:
    """Return images as float32 with padding at `colour`, which bytes cannot hold.

    images: (batch, height, width, 3) uint8; content: (batch, 4) as in `Crop`, or None where
        nothing is padded: the images then come back as they are, in bytes.
    colour: RGB, 0..255; None: the images come back as they are.
    """
    if content is None or colour is None:
        return images
    inside = inside_picture(images, content)[..., None]
    return ops.where(inside, ops.cast(images, "float32"), ops.convert_to_tensor(colour, "float32"))


def inside_picture(crops: Tensor, content: Tensor) -> Tensor:
    """Return which pixels of `crops` (batch, height, width, ...) are no padding, boolean."""
    rows, columns = (ops.arange(side, dtype="int32") for side in ops.shape(crops)[1:3])
    in_rows = (rows >= content[:, 0:1]) & (rows < content[:, 2:3])
    in_columns = (columns >= content[:, 1:2]) & (columns < content[:, 3:4])
    return in_rows[:, :, None] & in_columns[:, None, :]


def _rescaled(image: Tensor, label: Tensor, size: Tensor, how: str) -> tuple[Tensor, Tensor]:
    # OpenCV picks labels by the integer part of i in / out.
    opencv = how == "half_pixel"
    height, width = tf.unstack(size)
    blended = resize_bilinear(image[None], (height, width), "half_pixel" if opencv else True)
    # Back to bytes costs half a grey level and a quarter of the transfer to the device.
    image = tf.cast(tf.round(blended[0]), tf.uint8)
    label = resize_nearest(label[None, :, :, None], (height, width), align_corners=not opencv)
    return image, label[0, :, :, 0]
