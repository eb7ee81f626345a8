"""Frames of UDS, KITTI and Mapillary resized as SFSegNets' authors score them."""

from collections.abc import Callable
from functools import partial

import numpy as np

from roadseg.inference.images import Size, resize_image, resize_labels
from roadseg.recipe.protocol import Protocol

Prepare = Callable[[np.ndarray, np.ndarray, int], tuple[np.ndarray, np.ndarray]]
"""Takes an image, its label map and the ignore value; returns what is evaluated of both."""

MAPILLARY_SIDE = 1536


def validation_frame(protocol: Protocol, table: str) -> Prepare | None:
    """Return what a protocol evaluates of each frame of the data set `table`; None: all of it.

    Source: SFSegNets ba475ba scores UDS at 1024x2048, KITTI at 376x1242, and the central square of
    Mapillary (its own 65 classes) at a height of 1536; other data sets as they are. The published
    square takes pixels outside a narrow image for roads, and its corner from the size before
    padding; here they are ignored, and it is the central one.
    """
    if protocol.frame != "sfsegnets":
        return None
    frames: dict[str, Prepare] = {
        "uds": partial(_at_size, size=(1024, 2048)),
        "kitti": partial(_at_size, size=(376, 1242)),
        "mapillary65": partial(_central_square, side=MAPILLARY_SIDE),
    }
    return frames.get(table)


def _at_size(
    image: np.ndarray, labels: np.ndarray, ignore: int, size: Size
) -> tuple[np.ndarray, np.ndarray]:
    return resize_image(image, size, "bicubic"), resize_labels(labels, size)


def _central_square(
    image: np.ndarray, labels: np.ndarray, ignore: int, side: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return both at a height of `side`, cut or padded on both sides to as many columns."""
    height, width = labels.shape
    size = side, max(1, width * side // height)
    image, labels = _at_size(image, labels, ignore, size)
    missing = max(0, side - size[1])
    before, after = missing // 2, missing - missing // 2
    image = np.pad(image, ((0, 0), (before, after), (0, 0)))
    labels = np.pad(labels, ((0, 0), (before, after)), constant_values=ignore)
    left = (labels.shape[1] - side) // 2
    return image[:, left : left + side], labels[:, left : left + side]
