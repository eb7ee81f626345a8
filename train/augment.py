"""Random scale, crop and flip of image and label together, a function of the draws alone.

No hidden state: the same four numbers give the same crop, so a resumed run sees what it would have.
"""

import inspect
from typing import Any, NamedTuple

import tensorflow as tf

from roadseg.errors import RoadsegError
from roadseg.layers.entry import mean_colour
from roadseg.models.registry import find
from roadseg.ops.resize import resize_bilinear, resize_nearest
from roadseg.recipe import Recipe

Tensor = Any
IMAGE_PADDING = 127.5
LABEL_PADDING = 255


class Crop(NamedTuple):
    """One training crop: pixels as bytes, and where in it the picture (not padding) lies."""

    image: Tensor
    """(height, width, 3) uint8; padding is 127 here and gets its colour on the device."""
    label: Tensor
    """(height, width) uint8 train ids, 255 = ignore or padding."""
    content: Tensor
    """(4,) int32: first row, first column, end row, end column of the picture in the crop."""


def may_pad(recipe: Recipe, image_size: tuple[int, int] | None) -> bool:
    """Return whether a crop of images of this size (None: of several) can reach beyond them."""
    if image_size is None or recipe.min_scale < 1.0:
        return True
    return any(have < want for have, want in zip(image_size, recipe.crop_size, strict=True))


def draws(seed: int, index: Tensor) -> Tensor:
    """Return four numbers in [0, 1) for the example at `index` of the whole run."""
    return tf.random.stateless_uniform((4,), seed=tf.stack([tf.constant(seed, tf.int64), index]))


def random_crop(
    image: Tensor, label: Tensor, draw: Tensor, recipe: Recipe, padded: bool = True
) -> Crop:
    """Return a crop of recipe.crop_size.

    image: (height, width, 3) uint8; label: (height, width) integer train ids.
    draw: (4,) in [0, 1) for scale, row, column, flip.
    padded: False where no image can be smaller than the crop, which then costs less.
    Order as published: scale, pad at the bottom and right, crop, flip.
    Source: adaptive-sampling, research/deeplab/input_preprocess.py; Fast_Seg has the same order.
    """
    label = tf.cast(label, tf.uint8)
    if recipe.max_scale > recipe.min_scale or recipe.min_scale != 1.0:
        image, label = _rescaled(image, label, scale(draw[0], recipe), recipe.scaling)
    height, width = recipe.crop_size
    size = tf.shape(image)[:2]
    free = tf.maximum(size - [height, width], 0)
    # Draws are float32, below 1; their product with free + 1 can still round up to it.
    offset = tf.minimum(tf.cast(draw[1:3] * tf.cast(free + 1, tf.float32), tf.int32), free)
    shown = tf.minimum(size, [height, width])
    image = image[offset[0] : offset[0] + shown[0], offset[1] : offset[1] + shown[1]]
    label = label[offset[0] : offset[0] + shown[0], offset[1] : offset[1] + shown[1]]
    flipped = draw[3] < recipe.flip_probability
    image = tf.cond(flipped, lambda: tf.reverse(image, [1]), lambda: image)
    label = tf.cond(flipped, lambda: tf.reverse(label, [1]), lambda: label)
    # Flipping the crop would carry padding from the right to the left.
    left = tf.where(flipped, width - shown[1], 0)
    right, below = width - shown[1] - left, height - shown[0]
    if padded:
        image = tf.pad(image, [[0, below], [left, right], [0, 0]], constant_values=127)
        label = tf.pad(label, [[0, below], [left, right]], constant_values=LABEL_PADDING)
    image = tf.ensure_shape(image, (height, width, 3))
    label = tf.ensure_shape(label, (height, width))
    return Crop(image, label, tf.stack([0, left, shown[0], left + shown[1]]))


def scale(draw: Tensor, recipe: Recipe) -> Tensor:
    """Return the factor for a draw in [0, 1): one of the steps, or any value in the range."""
    if recipe.scale_step <= 0:
        return recipe.min_scale + draw * (recipe.max_scale - recipe.min_scale)
    count = int((recipe.max_scale - recipe.min_scale) / recipe.scale_step + 1 + 1e-6)
    step = tf.minimum(tf.floor(draw * count), count - 1)
    return recipe.min_scale + step * recipe.scale_step


def padding_colour(recipe: Recipe) -> tuple[float, float, float]:
    """Return the RGB colour, 0..255, of padding: grey, or what normalisation brings to zero.

    Raises RoadsegError where the network of `recipe` has no choice of normalisations to ask.
    """
    if recipe.padding == "grey":
        return (IMAGE_PADDING,) * 3
    build = find(recipe.model).build
    option = inspect.signature(build).parameters.get("normalisation")
    if option is None:
        raise RoadsegError(
            f"--padding mean: {recipe.model} has no option 'normalisation'; use grey"
        )
    return mean_colour(str(recipe.model_options.get("normalisation", option.default)))


def restore_padding(
    images: Tensor,
    content: Tensor | None,
    colour: tuple[float, float, float] = (IMAGE_PADDING,) * 3,
) -> Tensor:
    """Return images as float32 with padding at `colour`, which bytes cannot hold.

    images: (batch, height, width, 3) uint8; content: (batch, 4) as in `Crop`, or None where
        nothing is padded: the images then come back as they are, in bytes.
    colour: RGB, 0..255.
    """
    if content is None:
        return images
    inside = inside_picture(images, content)[..., None]
    return tf.where(inside, tf.cast(images, tf.float32), tf.constant(colour))


def inside_picture(crops: Tensor, content: Tensor) -> Tensor:
    """Return which pixels of `crops` (batch, height, width, ...) are no padding, boolean."""
    rows, columns = tf.range(tf.shape(crops)[1]), tf.range(tf.shape(crops)[2])
    in_rows = (rows >= content[:, 0:1]) & (rows < content[:, 2:3])
    in_columns = (columns >= content[:, 1:2]) & (columns < content[:, 3:4])
    return in_rows[:, :, None] & in_columns[:, None, :]


def _rescaled(image: Tensor, label: Tensor, factor: Tensor, how: str) -> tuple[Tensor, Tensor]:
    size = tf.cast(tf.shape(image)[:2], tf.float32) * factor
    # OpenCV rounds sizes, and picks labels by the integer part of i in / out.
    opencv = how == "half_pixel"
    height, width = tf.unstack(tf.cast(tf.round(size) if opencv else size, tf.int32))
    blended = resize_bilinear(image[None], (height, width), "half_pixel" if opencv else True)
    # Back to bytes costs half a grey level and a quarter of the transfer to the device.
    image = tf.cast(tf.round(blended[0]), tf.uint8)
    label = resize_nearest(label[None, :, :, None], (height, width), align_corners=not opencv)
    return image, label[0, :, :, 0]
