"""Crops of encoded or decoded examples inside a pipeline's graph: `crops.py` behind TensorFlow."""

from collections.abc import Callable
from functools import partial
from typing import Any

import tensorflow as tf

from roadseg.train.data import crops

Tensor = Any


def size_of(encoded: Tensor) -> Tensor:
    """Return (2,) int32, height and width, of a PNG, a JPEG or another picture, from its header."""

    def of_png() -> Tensor:
        sides = tf.io.decode_raw(tf.strings.substr(encoded, 16, 8), tf.int32, little_endian=False)
        return tf.ensure_shape(sides[::-1], (2,))

    def of_others() -> Tensor:
        return tf.cond(
            _is_jpeg(encoded),
            lambda: tf.io.extract_jpeg_shape(encoded)[:2],
            lambda: tf.shape(decoded(encoded))[:2],
        )

    return tf.cond(_begins_with(encoded, crops.PNG_SIGNATURE), of_png, of_others)


def decoded(encoded: Tensor) -> Tensor:
    """Return a picture as uint8 (height, width, 3) RGB."""
    # decode_jpeg looks at the bytes, not at the name: it decodes PNG as well. TensorFlow's usual
    # transform is a fast one, 0.8 levels darker on CamVid than what the originals' readers give.
    return tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")


def image_crop(image: Tensor, numbers: Tensor, frame: crops.Frame) -> Tensor:
    """Return a crop (height, width, 3) uint8.

    image: bytes of a picture, or its pixels (height, width, 3) uint8. numbers: (11,) int32, see
        `crops.Cut`.
    """

    def of_pixels(pixels: Tensor, held: Tensor) -> Tensor:
        return _native(crops.image_of_pixels, frame, pixels, numbers, held)

    def of_png() -> Tensor:
        return _native(crops.image_of_png, frame, image, numbers)

    def of_jpeg() -> Tensor:
        held = _native(crops.needed_of_jpeg, frame, numbers, kind=tf.int32)
        held = tf.ensure_shape(held, (4,))
        window = tf.concat([held[:2], held[2:] - held[:2]], 0)
        part = tf.image.decode_and_crop_jpeg(
            image, window, channels=3, dct_method="INTEGER_ACCURATE"
        )
        return of_pixels(part, held)

    def of_others() -> Tensor:
        whole = lambda: of_pixels(decoded(image), _all_of(numbers))  # noqa: E731
        return tf.cond(_is_jpeg(image), of_jpeg, whole)

    if image.dtype != tf.string:
        found = of_pixels(image, _all_of(numbers))
    else:
        found = tf.cond(_is_plain_png(image, 3), of_png, of_others)
    return tf.ensure_shape(found, (*frame.size, 3))


def label_crop(label: Tensor, numbers: Tensor, frame: crops.Frame) -> Tensor:
    """Return the crop (height, width) uint8 of a PNG of labels, or of labels (height, width)."""

    def of_pixels(pixels: Tensor) -> Tensor:
        return _native(crops.label_of_pixels, frame, pixels, numbers, _all_of(numbers))

    if label.dtype != tf.string:
        found = of_pixels(label)
    else:
        found = tf.cond(
            _is_plain_png(label, 1),
            lambda: _native(crops.label_of_png, frame, label, numbers),
            lambda: of_pixels(tf.io.decode_png(label, channels=1)[..., 0]),
        )
    return tf.ensure_shape(found, frame.size)


def _native(
    function: Callable, frame: crops.Frame, *arguments: Tensor, kind: Any = tf.uint8
) -> Tensor:
    return tf.numpy_function(partial(function, frame=frame), arguments, kind, stateful=False)


def _all_of(numbers: Tensor) -> Tensor:
    return tf.concat([[0, 0], numbers[:2]], 0)


def _begins_with(encoded: Tensor, sign: bytes) -> Tensor:
    return tf.strings.substr(encoded, 0, len(sign)) == sign


def _is_jpeg(encoded: Tensor) -> Tensor:
    return _begins_with(encoded, b"\xff\xd8")


def _is_plain_png(encoded: Tensor, channels: int) -> Tensor:
    plain = tf.strings.substr(encoded, 24, 5) == crops.PLAIN[channels]
    return tf.logical_and(_begins_with(encoded, crops.PNG_SIGNATURE), plain)
