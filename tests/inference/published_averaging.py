"""Fast_Seg's evaluation and prediction routines, step by step in NumPy, as its sheet describes."""

from collections.abc import Callable
from math import ceil, floor
from typing import Any

import numpy as np
from scipy.ndimage import zoom

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
MULTIPLE = 4

Raw = Callable[[np.ndarray], np.ndarray]
"""Takes a normalised image (h, w, 3) and returns the network's own, small logits."""


def network(num_classes: int = 4, auxiliary_heads: bool = False) -> Any:
    """Return one convolution at 1/4, which sees neighbours and takes multiples of 4."""
    import keras

    from roadseg.layers.heads import segmentation_model
    from roadseg.layers.normalisation import image_input

    images, x = image_input((None, None, 3), MULTIPLE, "rgb")
    small = keras.layers.Conv2D(num_classes, 5, 4, "same", name="logits")(x)
    heads = {"logits": small} | ({"aux": small} if auxiliary_heads else {})
    return segmentation_model(images, heads, "strided")


def normalised(image: np.ndarray) -> np.ndarray:
    return (image / 255 - np.array(MEAN)) / np.array(DEVIATION)


def raw_of(model: Any) -> Raw:
    """Return the part of `network` between normalisation and enlargement."""
    import keras

    layer = model.get_layer("logits")
    images = keras.Input((None, None, 3))
    part = keras.Model(images, layer(images))
    return lambda image: np.asarray(part(image[None].astype(np.float32)))[0]


def enlarged(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return (h, w, c) resized with aligned corners, axis by axis, in float64."""
    array = array.astype(np.float64)
    for axis, target in enumerate(size):
        source = array.shape[axis]
        rows = []
        for index in range(target):
            place = index * (source - 1) / (target - 1) if target > 1 else 0.0
            below = min(int(place), source - 1)
            above, share = min(below + 1, source - 1), place - int(place)
            rows.append((1 - share) * array.take(below, axis) + share * array.take(above, axis))
        array = np.stack(rows, axis)
    return array


def sliding(image: np.ndarray, raw: Raw, tile: int) -> tuple[np.ndarray, np.ndarray]:
    """Return averaged logits and visit counts; image (h, w, 3) normalised."""
    height, width = image.shape[:2]
    stride = ceil(tile * (1 - 1 / 3))
    tile_rows = ceil((height - tile) / stride) + 1
    tile_columns = ceil((width - tile) / stride) + 1
    logits: Any = 0.0
    counts = np.zeros((height, width, 1))
    for row in range(tile_rows):
        for column in range(tile_columns):
            right, bottom = min(column * stride + tile, width), min(row * stride + tile, height)
            left, top = max(right - tile, 0), max(bottom - tile, 0)
            padded = np.zeros((tile, tile, 3))
            padded[: bottom - top, : right - left] = image[top:bottom, left:right]
            found = enlarged(raw(padded), (tile, tile))[: bottom - top, : right - left]
            if isinstance(logits, float):
                logits = np.zeros((height, width, found.shape[-1]))
            counts[top:bottom, left:right] += 1
            logits[top:bottom, left:right] += found
    return logits / counts, counts[..., 0]


def multi_scale(image: np.ndarray, raw: Raw, scales: tuple[float, ...], flip: bool) -> np.ndarray:
    """Return logits of a normalised image, enlarged to its size and averaged over scales.

    The original zooms with mode 'constant', in which rounding puts the last row or column of some
    sizes (1024 to 768) outside the image and makes it 0; 'nearest' is the same without that.
    """
    size = image.shape[:2]
    total = 0.0
    for scale in scales:
        scaled = zoom(image, (scale, scale, 1.0), order=1, prefilter=False, mode="nearest")
        logits = enlarged(raw(scaled), size)
        if flip:
            logits = 0.5 * (logits + enlarged(raw(scaled[:, ::-1]), size)[:, ::-1])
        total = total + logits
    return total / len(scales)


def prediction(image: np.ndarray, raw: Raw, factor: float) -> np.ndarray:
    """Return logits by the prediction script's `--size`; image (h, w, 3) normalised."""
    size = image.shape[:2]
    smaller = floor(size[0] * factor), floor(size[1] * factor)
    return enlarged(raw(enlarged(image, smaller)), size)
