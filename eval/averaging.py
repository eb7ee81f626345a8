"""Scores of one image averaged over tiles, scales and its mirror image, as originals do."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from roadseg.eval.class_scores import ClassScores, check_sides
from roadseg.eval.inference import InferenceMode
from roadseg.eval.routines import Pass, routine_of


def averaged_scores(image: np.ndarray, scores_of: ClassScores, mode: InferenceMode) -> np.ndarray:
    """Return class scores (height, width, classes) float32 of one image, as `mode` asks.

    image: (height, width, 3), 0..255, any type. For each scale the image is resized, shown to the
    network whole or in tiles, its scores brought back to the size of the image, and with `mirror`
    averaged with those of the mirrored image; then scores, not probabilities, are averaged over
    scales. eval/routines.py says how the originals resize.
    Fast_Seg resizes the normalised image; normalisation is affine in each channel and the weights
    of a resize add up to 1, so resizing before it gives the same.
    Memory: the sum, the scores of one pass, and what enlarging them needs. Measured for 19 classes
    at 1024x2048 (159 MB of scores) with Fast-SCNN, network included: 1.1 GB mirrored, 1.2 GB in
    tiles of 832, 2.2 GB in tiles at scales up to 1.25.
    Raises RoadsegError for sizes that the network does not take.
    Source: lxtGH/Fast_Seg 7895738, val.py. Its sliding mode ignores scales and mirror; its resize
    (SciPy's zoom) blackens the last row or column of some sizes (1024 to 768) by rounding.
    """
    size = image.shape[0], image.shape[1]
    routine = routine_of(mode)
    total = np.zeros((0, 0, 0), np.float32)
    passes = 0
    for scale, target in zip(mode.factors, mode.sizes(size), strict=True):
        shown = routine.resized(image, target)
        for mirrored in (False, True)[: 1 + mode.mirror]:
            one = Pass(shown[:, ::-1] if mirrored else shown, scale, size)
            scores = routine.scores(one, scores_of, mode)
            scores = scores[:, ::-1] if mirrored else scores
            if passes:
                total += scores
            else:
                total = np.array(scores)
            passes += 1
    total /= passes
    return total


def check_tile(mode: InferenceMode, scores_of: ClassScores) -> None:
    """Raise RoadsegError unless the network takes tiles of the size that `mode` names.

    Tiles of sfsegnets follow scale and image; each is checked, or padded, as it comes.
    """
    if mode.tile is not None and mode.averaging != "sfsegnets":
        option = f"--sliding {mode.tile}"
        check_sides((mode.tile, mode.tile), scores_of.multiple, scores_of.name, option)


def averaging_predictor(
    scores_of: ClassScores, mode: InferenceMode
) -> Callable[[np.ndarray], list[Callable[[], np.ndarray]]]:
    """Return a predictor (see eval/protocols.py) of the best class of averaged scores.

    One image at a time, so that memory does not grow with the batch.
    """
    check_tile(mode, scores_of)

    def predict(images: np.ndarray) -> list[Callable[[], np.ndarray]]:
        return [partial(np.asarray, labels) for labels in averaged_labels(images, scores_of, mode)]

    return predict


def averaged_labels(images: Any, scores_of: ClassScores, mode: InferenceMode) -> np.ndarray:
    """Return the best class (batch, height, width) int32 of images (batch, height, width, 3)."""
    import tensorflow as tf

    from roadseg.ops.best_class import best_class

    images = np.asarray(images)
    scores = (averaged_scores(image, scores_of, mode) for image in images)
    return np.stack([best_class(tf.constant(score)).numpy() for score in scores])
