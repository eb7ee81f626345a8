"""NV12, the frames of cameras and video decoders: brightness of each pixel, colour of each four.

A frame is uint8 (batch, 3 * height / 2, width) with even sides: `height` rows of Y, then half as
many rows of U and V in turns, one pair for each 2x2 pixels. Values are those of BT.601 in its
limited range (Y 16..235, U and V 16..240 around 128), as cameras of V4L2, decoders of standard
video, OpenCV's COLOR_YUV2RGB_NV12 and OpenVINO have them.
"""

from types import ModuleType
from typing import Any

import numpy as np

from roadseg.errors import RoadsegError

Tensor = Any
Size = tuple[int, int]

# Shares of red, green and blue in the brightness. Source: ITU-R BT.601, 2.5.
RED, BLUE = 0.299, 0.114
GREEN = 1 - RED - BLUE
BLACK, GREY = 16, 128
# Levels of RGB for one of Y, and for one of U or V as far as it is a difference of colours.
BRIGHTNESS, COLOUR = 255 / 219, 255 / 224
FROM_Y = (BRIGHTNESS,) * 3
FROM_U = (0.0, -COLOUR * 2 * (1 - BLUE) * BLUE / GREEN, COLOUR * 2 * (1 - BLUE))
FROM_V = (COLOUR * 2 * (1 - RED), -COLOUR * 2 * (1 - RED) * RED / GREEN, 0.0)
"""Levels of R, G and B for each of Y, U and V."""
OFFSET = tuple(-BLACK * y - GREY * (u + v) for y, u, v in zip(FROM_Y, FROM_U, FROM_V, strict=True))
"""Of R, G and B, where Y, U and V are 0."""


def rows_of(height: int) -> int:
    """Return the rows of a frame of an image of so many."""
    return height * 3 // 2


def size_of(shape: tuple[int, ...]) -> Size:
    """Return height and width of the image in a frame of shape (..., rows, width)."""
    return shape[-2] * 2 // 3, shape[-1]


def size_taken(shape: tuple[int | None, ...]) -> Size | None:
    """Return height and width of the images that an input of `shape` takes; None for any.

    Of NV12 it has three axes, of RGB four; open sides are None.
    """
    if len(shape) not in (3, 4) or shape[1] is None or shape[2] is None:
        return None
    return size_of((shape[1], shape[2])) if len(shape) == 3 else (shape[1], shape[2])


def refuse_odd(size: tuple[int, ...], what: str) -> None:
    """Raise RoadsegError, of `what` in 'image' or an option, unless both sides are even."""
    if any(side % 2 for side in size):
        near = "x".join(str(side - side % 2) for side in size)
        raise RoadsegError(
            f"{what} {'x'.join(map(str, size))}: NV12 has even sides; give {near}, or export with "
            "--input-format rgb"
        )


def rgb_of(frames: Tensor) -> Tensor:
    """Return RGB float32 (batch, height, width, 3), 0..255, of NV12 uint8 or float frames.

    The colour of four pixels is that of each; levels are not rounded. Made of operations that
    every format has, and without a product of matrices, which 8-bit files would round.
    """
    from keras import ops

    upper, lower, colours = ops.split(ops.cast(frames, "float32"), 3, axis=1)
    # Darker than black is black, as OpenCV has it.
    y = ops.expand_dims(ops.maximum(ops.concatenate([upper, lower], axis=1), BLACK), -1)
    batch, rows, columns = ops.shape(colours)
    u, v = ops.split(ops.reshape(colours, (batch, rows, columns // 2, 2)), 2, axis=-1)
    from_y, from_u, from_v, offset = (
        np.array(x, np.float32) for x in (FROM_Y, FROM_U, FROM_V, OFFSET)
    )
    tint = u * from_u + v * from_v
    tint = ops.repeat(ops.repeat(tint, 2, axis=1), 2, axis=2)
    return ops.clip(y * from_y + tint + offset, 0, 255)


def frames_of(images: np.ndarray, what: str = "image of") -> np.ndarray:
    """Return NV12 uint8 (batch, 3 * height / 2, width) of RGB uint8 (batch, height, width, 3).

    Raises RoadsegError, of `what`, for odd sides.
    """
    refuse_odd(images.shape[1:3], what)
    return np.asarray(nv12_of(images)).astype(np.uint8)


def nv12_of(images: Any, ops: ModuleType | Any = np) -> Any:
    """Return NV12 (batch, 3 * height / 2, width), whole numbers as floats, of RGB images.

    images: (batch, height, width, 3), 0..255, even sides. The colour of four pixels is their mean.
    ops: what computes it: NumPy, or `keras.ops` in a graph.
    """
    red, green, blue = images[..., 0], images[..., 1], images[..., 2]
    red, green, blue = 1.0 * red, 1.0 * green, 1.0 * blue
    y = RED * red + GREEN * green + BLUE * blue
    u = _mean_of_four(blue - y) * (0.5 / (1 - BLUE) / COLOUR) + GREY
    v = _mean_of_four(red - y) * (0.5 / (1 - RED) / COLOUR) + GREY
    batch, rows, columns = ops.shape(u)
    colours = ops.reshape(ops.stack([u, v], axis=-1), (batch, rows, columns * 2))
    frames = ops.concatenate([y / BRIGHTNESS + BLACK, colours], axis=1)
    return ops.clip(ops.round(frames), 0, 255)


def _mean_of_four(plane: Any) -> Any:
    pairs = plane[:, ::2] + plane[:, 1::2]
    return (pairs[:, :, ::2] + pairs[:, :, 1::2]) / 4
