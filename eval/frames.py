"""Images and labels of a split, read ahead in order, cut as the protocol asks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from roadseg.eval.resizing import Prepare
from roadseg.metrics.confusion import IGNORE

if TYPE_CHECKING:
    from roadseg.data_conversion.read.records import RecordSet

PADDING = 127.5


@dataclass(frozen=True)
class Frame:
    """One image (height, width, 3), uint8 or float32 0..255, with its train ids (height, width)."""

    name: str
    image: np.ndarray
    label: np.ndarray


def read_frames(
    records: "RecordSet",
    crop: tuple[int, int] | None = None,
    limit: int | None = None,
    prepare: Prepare | None = None,
    places: Sequence[int] | None = None,
) -> Iterator[Frame]:
    """Yield the frames of `records` in file order, decoded in parallel a few images ahead.

    crop: (height, width) of the central crop, or None for the whole image. prepare: what a
    protocol makes of each image and its label (eval/resizing.py), or None. places: of the images
    to read, in place of the first `limit`.
    """
    from roadseg.data_conversion.read.index import decoded, decoded_at
    from roadseg.data_conversion.read.records import readable

    data = decoded(records, limit) if places is None else decoded_at(records, places)
    examples = data.prefetch(4).as_numpy_iterator()
    while True:
        with readable(records):
            example = next(examples, None)
        if example is None:
            return
        image, label = example["image"], example["label"]
        if crop is not None:
            image = central_crop(image, crop, PADDING)
            label = central_crop(label, crop, IGNORE)
        if prepare is not None:
            image, label = prepare(image, label, IGNORE)
        yield Frame(example["filename"].decode(), image, label)


def central_crop(array: np.ndarray, size: tuple[int, int], padding: float) -> np.ndarray:
    """Return the central `size` (height, width) of an array (height, width, ...).

    A smaller array is first padded at the bottom and on the right; if `padding` is no integer the
    result is then float32. Source: deeplab, input_preprocess.py (image 127.5, label 255).
    """
    missing = [max(0, want - have) for want, have in zip(size, array.shape, strict=False)]
    if any(missing):
        widths = [(0, missing[0]), (0, missing[1])] + [(0, 0)] * (array.ndim - 2)
        kind = array.dtype if float(padding).is_integer() else np.dtype(np.float32)
        array = np.pad(array.astype(kind), widths, constant_values=padding)
    top, left = ((have - want) // 2 for have, want in zip(array.shape, size, strict=False))
    return array[top : top + size[0], left : left + size[1]]


def batches(frames: Iterator[Frame], size: int) -> Iterator[list[Frame]]:
    """Yield runs of at most `size` consecutive frames whose images have one shape and type.

    Each run lies between two multiples of `size`, so that the place of a frame decides its batch,
    whoever reads it.
    """
    batch: list[Frame] = []
    for place, frame in enumerate(frames):
        fits = not batch or (
            frame.image.shape == batch[0].image.shape and frame.image.dtype == batch[0].image.dtype
        )
        if batch and (place % size == 0 or not fits):
            yield batch
            batch = []
        batch.append(frame)
    if batch:
        yield batch
