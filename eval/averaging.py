"""Scores of one image averaged over tiles, scales and its mirror image: the published routine."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from roadseg.eval.class_scores import ClassScores, check_sides, resize
from roadseg.eval.inference import InferenceMode
from roadseg.eval.tiles import sliding_scores


def averaged_scores(image: np.ndarray, scores_of: ClassScores, mode: InferenceMode) -> np.ndarray:
    """Return class scores (height, width, classes) float32 of one image, as `mode` asks.

    image: (height, width, 3), 0..255, any type. For each scale the image is resized (bilinear,
    aligned corners), shown to the network whole or in tiles, its scores brought back to the size
    of the image (the same way), and with `mirror` averaged with those of the mirrored image; then
    scores, not probabilities, are averaged over scales.
    The originals resize the normalised image; normalisation is affine in each channel and the
    weights of a resize add up to 1, so resizing before it gives the same.
    Memory: the sum, the scores of one pass, and what enlarging them needs. Measured for 19 classes
    at 1024x2048 (159 MB of scores) with Fast-SCNN, network included: 1.1 GB mirrored, 1.2 GB in
    tiles of 832, 2.2 GB in tiles at scales up to 1.25.
    Raises RoadsegError for sizes that the network does not take.
    Source: lxtGH/Fast_Seg 7895738, val.py. Its sliding mode ignores scales and mirror; its resize
    (SciPy's zoom) blackens the last row or column of some sizes (1024 to 768) by rounding.
    """
    size = image.shape[0], image.shape[1]
    image = image.astype(np.float32)
    total = np.zeros((0, 0, 0), np.float32)
    passes = 0
    for target in mode.sizes(size):
        shown = image if target == size else resize(image[None], target).numpy()[0]
        for mirrored in (False, True)[: 1 + mode.mirror]:
            scores = _scores(shown[:, ::-1] if mirrored else shown, scores_of, mode, size)
            scores = scores[:, ::-1] if mirrored else scores
            if passes:
                total += scores
            else:
                total = np.array(scores)
            passes += 1
    total /= passes
    return total


def _scores(
    image: np.ndarray, scores_of: ClassScores, mode: InferenceMode, size: tuple[int, int]
) -> np.ndarray:
    """Return scores (*size, classes) of one image (h, w, 3) that was resized and mirrored."""

    def in_graph(images: np.ndarray, of_size: tuple[int, int]) -> np.ndarray:
        import tensorflow as tf

        return scores_of(tf.constant(images), of_size).numpy()

    if mode.tile is None:
        return in_graph(image[None], size)[0]
    scores = sliding_scores(image, in_graph, mode.tile, mode.overlap, scores_of.padding)
    if scores.shape[:2] == size:
        return scores
    return resize(scores[None], size).numpy()[0]


def check_tile(mode: InferenceMode, scores_of: ClassScores) -> None:
    """Raise RoadsegError unless the network takes tiles of the size that `mode` names."""
    if mode.tile is not None:
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

    from roadseg.sampling.best_class import best_class

    images = np.asarray(images)
    scores = (averaged_scores(image, scores_of, mode) for image in images)
    return np.stack([best_class(tf.constant(score)).numpy() for score in scores])
