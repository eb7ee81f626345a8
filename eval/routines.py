"""What the originals do differently where an image is shown resized, in tiles and mirrored.

fast_seg: images are resized bilinearly with aligned corners, as scores are. Tiles have one size at
    every scale; an image smaller than one is padded. Source: lxtGH/Fast_Seg 7895738, val.py.
sfsegnets: images are resized as bytes, antialiased where they shrink. Whole: scores at the size
    shown are brought to that of the image with aligned corners. Tiles grow with scales above 1, are
    smaller where the image is, and their mean is brought to the size of the image with pixels at
    their centres (half-pixel). Source: lxtGH/SFSegNets ba475ba, eval.py, `whole` and `sliding`.
pooling: images are resized likewise and shown whole; scores of enlarged images are averaged over
    what became of each pixel, those of reduced ones enlarged with pixels at their centres. Source:
    the same, `pooling`, which forgets to normalise and knows the scales 0.5, 1 and 2 alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from roadseg.eval.class_scores import ClassScores, pool, resize
from roadseg.eval.inference import InferenceMode, Size
from roadseg.eval.resizing import resize_image
from roadseg.eval.tiles import sliding_scores


@dataclass(frozen=True)
class Pass:
    """One showing of an image of `size`: resized by `scale`, perhaps mirrored."""

    shown: np.ndarray
    """(h, w, 3) float32."""
    scale: float
    size: Size


@dataclass(frozen=True)
class Routine:
    """How images are resized, and how the scores of one pass come to the size of the image."""

    resized: Callable[[np.ndarray, Size], np.ndarray]
    scores: Callable[[Pass, ClassScores, InferenceMode], np.ndarray]


def routine_of(mode: InferenceMode) -> Routine:
    """Return the routine that `mode` names, fast_seg's if it names none."""
    return ROUTINES[mode.averaging or "fast_seg"]


def _aligned(image: np.ndarray, size: Size) -> np.ndarray:
    image = image.astype(np.float32)
    return image if image.shape[:2] == size else resize(image[None], size).numpy()[0]


def _as_bytes(image: np.ndarray, size: Size) -> np.ndarray:
    if image.shape[:2] == size:
        return image.astype(np.float32)
    return resize_image(image, size).astype(np.float32)


def _brought(scores: np.ndarray, size: Size, corners: Any = True) -> np.ndarray:
    """Return scores (h, w, classes) at `size`."""
    return scores if scores.shape[:2] == size else resize(scores[None], size, corners).numpy()[0]


def _fast_seg(one: Pass, scores_of: ClassScores, mode: InferenceMode) -> np.ndarray:
    if mode.tile is None:
        return _in_graph(scores_of)(one.shown[None], one.size)[0]
    call = _in_graph(scores_of)
    scores = sliding_scores(one.shown, call, mode.tile, mode.overlap, scores_of.padding)
    return _brought(scores, one.size)


def _sfsegnets(one: Pass, scores_of: ClassScores, mode: InferenceMode) -> np.ndarray:
    if mode.tile is None:
        return _brought(_at_size_shown(one, scores_of), one.size)
    tile = int(mode.tile * max(one.scale, 1.0))
    scores = sliding_scores(one.shown, _in_graph(scores_of), tile, mode.overlap)
    return _brought(scores, one.size, "half_pixel")


def _pooling(one: Pass, scores_of: ClassScores, mode: InferenceMode) -> np.ndarray:
    scores = _at_size_shown(one, scores_of)
    if one.scale > 1:
        return pool(scores[None], one.size).numpy()[0]
    return _brought(scores, one.size, "half_pixel")


def _at_size_shown(one: Pass, scores_of: ClassScores) -> np.ndarray:
    height, width = one.shown.shape[:2]
    return _in_graph(scores_of)(one.shown[None], (height, width))[0]


def _in_graph(scores_of: ClassScores) -> Callable[[np.ndarray, Size], np.ndarray]:
    def call(images: np.ndarray, size: Size) -> np.ndarray:
        import tensorflow as tf

        return scores_of(tf.constant(images), size).numpy()

    return call


ROUTINES = {
    "fast_seg": Routine(_aligned, _fast_seg),
    "sfsegnets": Routine(_as_bytes, _sfsegnets),
    "pooling": Routine(_as_bytes, _pooling),
}
