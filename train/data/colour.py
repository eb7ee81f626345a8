"""Jitter of colours and Gaussian blur of a training crop, a function of its place in the run alone.

Each step ends in bytes, cut and not rounded, as where it comes from.
Source: SFSegNets ba475ba, transforms (after torchvision's ColorJitter on PIL images, and skimage's
Gaussian filter).
"""

from functools import partial
from typing import Any

import tensorflow as tf

from roadseg.recipe.recipe import Recipe

Tensor = Any
TRUNCATE = 4.0
_JITTER_SALT, _ORDER_SALT, _BLUR_SALT = 3, 4, 5


def changed(image: Tensor, recipe: Recipe, place: Tensor) -> Tensor:
    """Return `image` (height, width, 3) uint8 with the jitter and blur of `place`, if any."""
    key = tf.stack([tf.constant(recipe.seed, tf.int64), tf.cast(place, tf.int64)])
    if recipe.colour_jitter:
        draw = tf.random.stateless_uniform((4,), tf.random.fold_in(key, _JITTER_SALT), -1.0, 1.0)
        order = tf.random.experimental.stateless_shuffle(
            tf.range(4), tf.random.fold_in(key, _ORDER_SALT)
        )
        image = jitter(image, recipe.colour_jitter * draw, order)
    lowest, highest = recipe.blur_sigma
    if highest:
        draw = tf.random.stateless_uniform((), tf.random.fold_in(key, _BLUR_SALT))
        image = blur(image, lowest + draw * (highest - lowest), int(TRUNCATE * highest + 0.5))
    return image


def jitter(image: Tensor, change: Tensor, order: Tensor) -> Tensor:
    """Return `image` (height, width, 3) uint8 brighter, flatter, greyer, turned, in some order.

    change: (4,) added to the factors, 1, of brightness, contrast and saturation; the last turns the
        hue by this share of its circle, in steps of 1/255.
    order: (4,) the numbers 0 to 3: which of these comes first, second ..
    Hue, saturation and value are not rounded to bytes, as PIL does on the way to the new hue.
    """
    steps = [
        partial(brightness, factor=1.0 + change[0]),
        partial(contrast, factor=1.0 + change[1]),
        partial(saturation, factor=1.0 + change[2]),
        partial(turned, shift=tf.cast(tf.cast(change[3] * 255.0, tf.int32), tf.float32) / 255.0),
    ]
    for number in range(4):
        image = tf.switch_case(order[number], [partial(step, image) for step in steps])
    return image


def brightness(image: Tensor, factor: Tensor) -> Tensor:
    """Return `image` blended with black: 0 gives black, 1 the image."""
    return _blend(0.0, image, factor)


def contrast(image: Tensor, factor: Tensor) -> Tensor:
    """Return `image` blended with the mean of its grey, rounded to a byte."""
    mean = tf.reduce_mean(tf.cast(grey(image), tf.float64))
    return _blend(tf.cast(tf.floor(mean + 0.5), tf.float32), image, factor)


def saturation(image: Tensor, factor: Tensor) -> Tensor:
    """Return `image` blended with its grey."""
    return _blend(tf.cast(grey(image), tf.float32)[..., None], image, factor)


def turned(image: Tensor, shift: Tensor) -> Tensor:
    """Return `image` with its hue turned by the share `shift` of the circle."""
    found = tf.image.adjust_hue(tf.cast(image, tf.float32) / 255.0, shift)
    return tf.cast(tf.clip_by_value(tf.round(255.0 * found), 0.0, 255.0), tf.uint8)


def grey(image: Tensor) -> Tensor:
    """Return the grey of `image`, (height, width) int32, 0..255, in PIL's fixed point (ITU 601)."""
    weighted = tf.cast(image, tf.int32) * [19595, 38470, 7471]
    return (tf.reduce_sum(weighted, -1) + 32768) // 65536


def _blend(other: Any, image: Tensor, factor: Tensor) -> Tensor:
    blended = other + factor * (tf.cast(image, tf.float32) - other)
    return tf.cast(tf.clip_by_value(blended, 0.0, 255.0), tf.uint8)


def blur(image: Tensor, sigma: Tensor, largest_radius: int) -> Tensor:
    """Return `image` (height, width, 3) uint8 blurred; beyond its edges the last pixel goes on.

    sigma: in pixels, above 0; the window ends at 4 sigma, rounded, at most `largest_radius`.
    """
    offset = tf.range(-largest_radius, largest_radius + 1, dtype=tf.float32)
    inside = tf.abs(offset) <= tf.floor(TRUNCATE * sigma + 0.5)
    weights = tf.where(inside, tf.exp(-0.5 * tf.square(offset / sigma)), 0.0)
    weights = weights / tf.reduce_sum(weights)
    x = tf.cast(image, tf.float32)
    for axis, shape in ((0, (-1, 1, 1, 1)), (1, (1, -1, 1, 1))):
        side = tf.shape(x)[axis]
        reach = tf.range(-largest_radius, side + largest_radius)
        x = tf.gather(x, tf.clip_by_value(reach, 0, side - 1), axis=axis)
        kernel = tf.tile(tf.reshape(weights, shape), (1, 1, 3, 1))
        x = tf.nn.depthwise_conv2d(x[None], kernel, (1, 1, 1, 1), "VALID")[0]
    # Weights that sum to a little less than 1 must not darken a flat wall by a level.
    return tf.cast(tf.clip_by_value(x + 1e-3, 0.0, 255.0), tf.uint8)
