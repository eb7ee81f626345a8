"""Centroids of a split, found once and kept beside its records for as long as they fit them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from roadseg.data_conversion.progress import progress
from roadseg.data_conversion.read.index import decoded
from roadseg.data_conversion.read.records import RecordSet, readable
from roadseg.errors import RoadsegError
from roadseg.files import read_arrays, write_arrays
from roadseg.train.data.centroids import Centroids, tile_centroids

_FORM = 1
_LABEL = "image/segmentation/class/encoded"


def open_centroids(records: RecordSet, tile: int, whole_if_small: bool = True) -> Centroids:
    """Return the centroids of `records`, from the file beside them or found and written there.

    tile, whole_if_small: as in `tile_centroids`.
    A file of other records, or a damaged one, is made again, and that is said. Where nothing can be
    written they are found for this run alone.
    """
    path, made_from = cache_path(records, tile, whole_if_small), fingerprint(records, tile)
    if path.is_file():
        try:
            return _read(path, made_from, records)
        except RoadsegError as error:
            print(f"{error}; the centroids are found again")
    found = find_centroids(records, tile, whole_if_small)
    arrays = {"image": found.image, "train_id": found.train_id, "yx": found.yx}
    try:
        write_arrays(path, {**arrays, "fingerprint": np.array(made_from)})
    except RoadsegError as error:
        print(f"{error}; the next run will look for the centroids again")
    return found


def cache_path(records: RecordSet, tile: int, whole_if_small: bool = True) -> Path:
    """Return the file that holds the centroids of `records`."""
    rule = "" if whole_if_small else "-published"
    return records.path / f"centroids-{records.split}-{tile}{rule}.npz"


def fingerprint(records: RecordSet, tile: int) -> str:
    """Return what centroids depend on, as JSON: files and their sizes, tile, classes."""
    files = [[file.name, file.stat().st_size] for file in records.files]
    table = json.loads(records.label_table.to_json())
    return json.dumps({"form": _FORM, "tile": tile, "table": table, "files": files})


def find_centroids(records: RecordSet, tile: int, whole_if_small: bool = True) -> Centroids:
    """Return the centroids of every label map, several at a time, with a bar.

    Threads of tf.data decode the maps, and leave the images alone.
    """
    count = records.label_table.num_classes

    def of_one(label: np.ndarray) -> np.ndarray:
        return tile_centroids(label, tile, count, whole_if_small)

    def of_record(serialized: Any) -> Any:
        features = {_LABEL: tf.io.FixedLenFeature((), tf.string)}
        encoded = tf.io.parse_single_example(serialized, features)[_LABEL]
        label = tf.io.decode_png(encoded, channels=1)[..., 0]
        return tf.numpy_function(of_one, [label], tf.int64)

    data = decoded(records, parse=of_record)
    parts = []
    with progress(f"centroids of {records.split}", records.num_examples) as advance:
        with readable(records):
            for part in data.prefetch(4).as_numpy_iterator():
                parts.append(part.reshape(-1, 3))
                advance()
    rows = np.concatenate(parts)
    image = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return Centroids(image.astype(np.int32), rows[:, 0].astype(np.uint8), rows[:, 1:].astype("i4"))


def _read(path: Path, made_from: str, records: RecordSet) -> Centroids:
    """Return what `path` holds; raise RoadsegError if it is damaged or of other records."""
    arrays = read_arrays(path)
    if str(arrays.get("fingerprint")) != made_from:
        raise RoadsegError(f"{path}: of other records, tiles or classes")
    try:
        found = Centroids(arrays["image"], arrays["train_id"], arrays["yx"])
    except KeyError as error:
        raise RoadsegError(f"{path}: damaged ({error} is missing)") from None
    count = len(found.image)
    sound = found.train_id.shape == (count,) and found.yx.shape == (count, 2)
    if not sound or count and found.image.max() >= records.num_examples:
        raise RoadsegError(f"{path}: damaged (arrays that do not fit each other)")
    return found
