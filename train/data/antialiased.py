"""Resizes with antialiasing, as Pillow's: cubic in windows, and linear."""

from typing import Any

import keras

from roadseg.ops import operations as ops
from roadseg.ops.backend import graph_elsewhere, tensorflow

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
    return _window(images, size, begin, end, "cubic")


def resize_linear(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Return `images` resized to `size` (height, width), float32, linearly.

    images: (batch, height, width, channels), any type. Half-pixel centres; where the image shrinks
    a pixel is the mean of all that it covers, falling off linearly; where it grows this is
    `resize_bilinear` with "half_pixel".
    Source: Pillow, BILINEAR, which rounds to bytes after each of the two axes and this does not.
    """
    return _window(images, size, (0, 0), size, "linear")


def _window(images: Tensor, size: Place, begin: Place, end: Place, kernel: str) -> Tensor:
    images = ops.cast(images, "float32")
    height, width = ops.shape(images)[1:3]
    sides = zip(size, (height, width), strict=True)
    scale = ops.stack([ops.cast(out, "float32") / ops.cast(side, "float32") for out, side in sides])
    start = ops.stack([ops.cast(-first, "float32") for first in begin])
    shape = [last - first for first, last in zip(begin, end, strict=True)]
    tf = tensorflow() or graph_elsewhere()
    if tf is not None:
        # Keras's own multiplies each axis by a dense matrix, most of which is zero.
        return tf.raw_ops.ScaleAndTranslate(
            images=images,
            size=tf.stack(shape),
            scale=scale,
            translation=start,
            kernel_type={"cubic": "keyscubic", "linear": "triangle"}[kernel],
            antialias=True,
        )
    output = (images.shape[0], *shape, images.shape[3])
    return keras.ops.image.scale_and_translate(images, output, scale, start, (1, 2), kernel)
