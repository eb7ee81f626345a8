"""What a file gives as the labels of every pixel: enlarged and decided with OpenCV and NumPy."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.inference.images import picked
from roadseg.inference.runtime_files import Layout, of_two_cameras

Size = tuple[int, int]


def labels_output(names: Sequence[str], path: Path) -> int:
    """Return the number of the output that holds labels, or else what they can be made of.

    names: of all outputs, empty where there are none. Without one called labels, logits or
    probabilities it is the first.
    Raises RoadsegError for an export of ours that gives nothing of the kind, or takes two images.
    """
    if of_two_cameras(names):
        raise RoadsegError(f"{path}: takes the images of two cameras; give a file of one image")
    for name in ("labels", "logits", "probabilities"):
        if name in names:
            return names.index(name)
    if "confidence" in names:
        raise RoadsegError(
            f"{path}: gives confidence and no labels; export it again with --outputs labels"
        )
    return 0


def labels_of(output: np.ndarray, size: Size, layout: Layout) -> np.ndarray:
    """Return integer labels (*size) of what a file gave for an image of `size`.

    output: labels, with or without axes of length 1, or logits (1, classes, h, w) or
        (1, h, w, classes), at any scale: they are enlarged bilinearly at half-pixel centres, and
        the best class is taken.
    layout: of logits, where their shape leaves it open.
    Raises ValueError for any other shape.
    """
    if output.ndim >= 3 and max(_classes(output)) > 1:
        return best_class(planes_first(output, size, layout), size)
    return at_size(_one_map(output), size)


def _classes(output: np.ndarray) -> tuple[int, int]:
    """Return how many classes there are in either layout; (1, 1) for a map of labels."""
    if output.ndim == 3:
        # (1, h, w) is a map; (classes, h, w) and (h, w, classes) are logits without a batch.
        return (1, 1) if output.shape[0] == 1 else (output.shape[0], output.shape[2])
    if output.ndim == 4 and 1 in (output.shape[1], output.shape[3]):
        return 1, 1
    return output.shape[-3], output.shape[-1]


def _one_map(output: np.ndarray) -> np.ndarray:
    shape = [side for side in output.shape if side != 1] if output.ndim > 2 else output.shape
    if len(shape) != 2:
        raise ValueError(f"an output of shape {output.shape} is neither labels nor logits")
    found = output.reshape(shape)
    return np.rint(found).astype(np.int32) if found.dtype.kind == "f" else found


def planes_first(logits: np.ndarray, size: Size, layout: Layout) -> np.ndarray:
    """Return a view (classes, h, w) of logits of either layout, told by the aspect of `size`."""
    if logits.ndim == 4:
        if logits.shape[0] != 1:
            raise ValueError(f"an output of shape {logits.shape} is of several images")
        logits = logits[0]
    if logits.ndim != 3:
        raise ValueError(f"an output of shape {logits.shape} is neither labels nor logits")
    last = np.moveaxis(logits, -1, 0)
    first_fits, last_fits = (_misfit(part.shape[1:], size) for part in (logits, last))
    if abs(first_fits - last_fits) < 0.01:
        return logits if layout == "nchw" else last
    return logits if first_fits < last_fits else last


def _misfit(shape: tuple[int, ...], size: Size) -> float:
    return abs(math.log(shape[0] * size[1] / (shape[1] * size[0])))


def best_class(planes: np.ndarray, size: Size) -> np.ndarray:
    """Return the class with the largest logit, (*size) uint8, or int32 of more than 256 classes.

    planes: (classes, h, w), of any float type. Of equal logits the first class wins.
    Class by class with OpenCV: an argmax over the first axis in NumPy takes several times as long.
    """
    import cv2

    if planes.shape[1:] == size and planes.strides[0] == planes.itemsize:
        return np.argmax(np.moveaxis(planes, 0, -1), axis=-1)
    if len(planes) > 256:
        raise RoadsegError(f"logits of {len(planes)} classes: 256 at most can be labelled")

    def plane(number: int) -> np.ndarray:
        one = np.ascontiguousarray(planes[number], np.float32)
        return one if one.shape == size else cv2.resize(one, size[::-1])

    best, labels = plane(0).copy(), np.zeros(size, np.uint8)
    for number in range(1, len(planes)):
        this = plane(number)
        better = cv2.compare(this, best, cv2.CMP_GT)
        # Classes come in order, so a later one that wins is also the larger number.
        cv2.max(labels, cv2.bitwise_and(better, number), labels)
        cv2.max(this, best, best)
    return labels


def at_size(labels: np.ndarray, size: Size) -> np.ndarray:
    """Return labels (h, w) at `size`, each pixel the nearest one."""
    return labels if labels.shape == size else picked(labels[None], size)[0]
