"""The images on which the ranges of an 8-bit export are measured, chosen with a seed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from roadseg.data_conversion.raw.find import Search
from roadseg.data_conversion.read.folders import find_shards, has_records
from roadseg.data_conversion.read.two_cameras import SECOND, holds_pairs
from roadseg.errors import RoadsegError
from roadseg.export.views import Views

Size = tuple[int, int]
SPLIT = "train"
USUAL_COUNT = 50
# Few enough for a minute, many enough that a range is one of streets and not of one street.
DRAWN = 32


@dataclass(frozen=True)
class Calibration:
    """Images (height, width, 3) uint8, RGB, of any sizes, and where they are from.

    Of two cameras each is a pair, by the cameras' names.
    others: further images of the same source, on which nothing is measured; empty if there are
        none. source: for the model card.
    """

    images: list[Views]
    others: list[Views]
    source: dict[str, Any]


def refuse_early(path: Path | None, count: int) -> None:
    """Raise RoadsegError for what `read_calibration` would refuse, without TensorFlow."""
    if count < 1:
        raise RoadsegError(f"--calibration-images {count}: at least 1 is needed")
    if path is None:
        return
    if not path.is_dir():
        raise RoadsegError(
            f"--calibration {path}: no such folder; give records of `roadseg convert`, or a "
            "folder of images"
        )
    if has_records(path):
        find_shards(path, SPLIT)
    elif not Search().images(path):
        raise RoadsegError(
            f"--calibration {path}: neither records nor images in it; give records of `roadseg "
            "convert`, or a folder of images"
        )


def refuse_singles(path: Path) -> None:
    """Raise RoadsegError for what holds no pairs of images."""
    if not has_records(path) or not holds_pairs(find_shards(path, SPLIT).files[0]):
        raise RoadsegError(
            f"--calibration {path}: single images, and this network takes pairs; give records of "
            "two cameras, or leave it out"
        )


def read_calibration(
    path: Path | None, count: int, seed: int, others: int, views: Sequence[str] = ()
) -> Calibration:
    """Return `count` images, or as many as there are, chosen with `seed`; and `others` more.

    path: records, of whose split 'train' images are taken, labels unseen; or a folder of images;
        None: drawn streets. views: names of two cameras, of which pairs are taken.
    Raises RoadsegError for a folder without either, or without pairs, and for damage.
    """
    if path is None:
        return _drawn(min(count, DRAWN), seed, others, views)
    if views:
        refuse_singles(path)
    if has_records(path):
        number, read = _records(path, views)
        kind = f"records, split {SPLIT}"
    else:
        number, read = _folder(path)
        kind = "folder of images"
    order = np.random.default_rng(seed).permutation(number)
    # Of one order, so that no image is both measured and judged on.
    chosen, rest = order[:count], order[count : count + others]
    source = {"kind": kind, "name": path.name, "images": len(chosen), "of": number, "seed": seed}
    return Calibration([read(int(n)) for n in chosen], [read(int(n)) for n in rest], source)


def _records(path: Path, views: Sequence[str]) -> tuple[int, Callable[[int], Views]]:
    """Return how many examples the split has, and what decodes the image of one, or its pair.

    Labels are left alone: those of another table are as good here.
    """
    import tensorflow as tf

    from roadseg.data_conversion.read.index import RecordIndex
    from roadseg.data_conversion.read.records import checked_size

    shards = find_shards(path, SPLIT)
    index = RecordIndex(shards.files)
    if not len(index):
        raise RoadsegError(f"{shards.folder}: split '{SPLIT}' is empty; convert the data set again")
    checked_size(shards.files[int(index.file_of[0])])

    def decoded(example: Any, number: int, prefix: str) -> np.ndarray:
        values = example.features.feature[f"{prefix}image/encoded"].bytes_list.value
        if not values or not values[0]:
            file = shards.files[int(index.file_of[number])]
            raise RoadsegError(f"{file}: a record without an image; convert the data set again")
        # As records are read everywhere: TensorFlow's usual transform is a fast one, and darker.
        image = tf.io.decode_jpeg(values[0], channels=3, dct_method="INTEGER_ACCURATE")
        return np.asarray(image)

    def read(number: int) -> Views:
        example = tf.train.Example.FromString(index.read(number))
        if not views:
            return decoded(example, number, "")
        prefixes = dict(zip(views, ("", SECOND), strict=True))
        return {view: decoded(example, number, prefix) for view, prefix in prefixes.items()}

    return len(index), read


def _folder(path: Path) -> tuple[int, Callable[[int], np.ndarray]]:
    from roadseg.data_conversion.raw.pictures import read_picture

    files = Search().images(path)
    return len(files), lambda number: read_picture(files[number])


def _drawn(count: int, seed: int, others: int, views: Sequence[str]) -> Calibration:
    from roadseg.data_conversion.sets.street_scenes import draw
    from roadseg.two_cameras.rig import find_rig

    def drawn(split: str, index: int) -> Views:
        image = draw(split, index, (360, 480), seed)[0]
        if not views:
            return image
        narrow = np.rint(find_rig().seen_by_narrow(image)).astype(np.uint8)
        return dict(zip(views, (image, narrow), strict=True))

    images = [drawn("train", index) for index in range(count)]
    # Streets of another split, on which nothing was measured.
    rest = [drawn("val", index) for index in range(others)]
    return Calibration(images, rest, {"kind": "drawn streets", "images": count, "seed": seed})


def at_size(image: np.ndarray, size: Size) -> np.ndarray:
    """Return an image (height, width, 3) at `size`: the mean of pixels, or between them."""
    import cv2

    if image.shape[:2] == size:
        return image
    smaller = size[0] <= image.shape[0] and size[1] <= image.shape[1]
    # By area where it shrinks; enlarged by area, pixels would only be repeated.
    way = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size[::-1], interpolation=way))
