"""SFSegNets' evaluation, step by step in NumPy, Pillow and OpenCV, as its sheet describes."""

from collections.abc import Callable
from math import ceil
from typing import Any

import cv2
import numpy as np
from PIL import Image

from tests.inference.published_averaging import MULTIPLE, enlarged, normalised

Network = Callable[[np.ndarray], np.ndarray]
"""Takes a normalised image (h, w, 3) and returns its logits at that size."""


def network_of(model: Any) -> Network:
    """Return `published_averaging.network` between normalisation and output, at any size."""
    import keras

    layer = model.get_layer("logits")
    images = keras.Input((None, None, 3))
    part = keras.Model(images, layer(images))

    def logits(image: np.ndarray) -> np.ndarray:
        height, width = image.shape[:2]
        assert height % MULTIPLE == width % MULTIPLE == 0
        small = np.asarray(part(image[None].astype(np.float32)))[0]
        return enlarged(small, (height, width))

    return logits


def scaled(image: np.ndarray, scale: float) -> np.ndarray:
    size = int(image.shape[1] * scale), int(image.shape[0] * scale)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))


def flips(no_flip: bool) -> tuple[bool, ...]:
    return (False,) if no_flip else (False, True)


def whole(image: np.ndarray, network: Network, scales: Any, no_flip: bool) -> np.ndarray:
    """Return averaged logits of an image (h, w, 3) uint8, shown whole."""
    found = []
    for scale in scales:
        for flip in flips(no_flip):
            shown = scaled(image, scale)[:, ::-1] if flip else scaled(image, scale)
            logits = enlarged(network(normalised(shown)), image.shape[:2])
            found.append(logits[:, ::-1] if flip else logits)
    return np.mean(found, axis=0)


def window_starts(length: int, side: int, overlap: float) -> list[tuple[int, int]]:
    stride = ceil(side * (1 - overlap))
    windows = []
    for number in range(max(1, ceil((length - side) / stride) + 1)):
        end = min(number * stride + side, length)
        windows.append((max(end - side, 0), end))
    return windows


def sliding(
    image: np.ndarray,
    network: Network,
    scales: Any,
    no_flip: bool,
    crop: int,
    overlap: float = 1 / 3,
) -> np.ndarray:
    """Return averaged logits of an image (h, w, 3) uint8, shown in windows."""
    height, width = image.shape[:2]
    of_scales = []
    for scale in scales:
        side = int(crop * max(scale, 1))
        of_flips = []
        for flip in flips(no_flip):
            shown = scaled(image, scale)[:, ::-1] if flip else scaled(image, scale)
            logits: Any = 0.0
            visits = np.zeros((*shown.shape[:2], 1))
            for top, bottom in window_starts(shown.shape[0], side, overlap):
                for left, right in window_starts(shown.shape[1], side, overlap):
                    part = network(normalised(shown[top:bottom, left:right]))
                    if isinstance(logits, float):
                        logits = np.zeros((*shown.shape[:2], part.shape[-1]))
                    logits[top:bottom, left:right] += part
                    visits[top:bottom, left:right] += 1
            logits /= visits
            per_class = [
                cv2.resize(logits[..., index], (width, height), interpolation=cv2.INTER_LINEAR)
                for index in range(logits.shape[-1])
            ]
            logits = np.stack(per_class, axis=-1)
            of_flips.append(logits[:, ::-1] if flip else logits)
        of_scales.append(np.mean(of_flips, axis=0))
    return np.mean(of_scales, axis=0)


def pooling(image: np.ndarray, network: Network, scales: Any, no_flip: bool) -> np.ndarray:
    """Return averaged logits of an image, at scales 0.5, 1 and 2 alone, as published."""
    height, width = image.shape[:2]
    found = []
    for scale in scales:
        for flip in flips(no_flip):
            shown = scaled(image, scale)[:, ::-1] if flip else scaled(image, scale)
            logits = network(normalised(shown))
            if scale == 2:
                logits = logits.reshape(height, 2, width, 2, -1).mean((1, 3))
            elif scale == 0.5:
                logits = cv2.resize(logits, (width, height), interpolation=cv2.INTER_LINEAR)
            found.append(logits[:, ::-1] if flip else logits)
    return np.mean(found, axis=0)
