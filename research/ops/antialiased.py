"""Cubic resize with antialiasing, as Pillow's; only as much of the result as is asked for."""

from typing import Any

import keras
from keras import ops

Tensor = Any
Place = tuple[Any, Any] | list[Any]


def cubic_window(images: Tensor, size: Place, begin: Place, end: Place) -> Tensor:
    """Return rows and columns `begin` to `end` (without it) of `images` resized to `size`, float32.

    images: (batch, height, width, channels), any type.
    size, begin, end: (height, width) or (row, column), integers or integer scalars of a graph.
    Keys' kernel with a = -1/2 at half-pixel centres, stretched where the image shrinks, weights
    divided by their sum at the edges: values can leave the range of `images`.
    Source: Pillow, BICUBIC, which rounds to bytes after each of the two axes and this does not.
    """
    images = ops.cast(images, "float32")
    height, width = ops.shape(images)[1:3]
    sides = zip(size, (height, width), strict=True)
    scale = ops.stack([ops.cast(out, "float32") / ops.cast(side, "float32") for out, side in sides])
    start = ops.stack([ops.cast(-first, "float32") for first in begin])
    shape = [last - first for first, last in zip(begin, end, strict=True)]
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        # Keras's own multiplies each axis by a dense matrix, most of which is zero.
        return tf.raw_ops.ScaleAndTranslate(
            images=images,
            size=tf.stack(shape),
            scale=scale,
            translation=start,
            kernel_type="keyscubic",
            antialias=True,
        )
    output = (images.shape[0], *shape, images.shape[3])
    return keras.ops.image.scale_and_translate(images, output, scale, start, (1, 2), "cubic")
