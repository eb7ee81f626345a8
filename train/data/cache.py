"""Records kept in memory, as bytes or as pixels, behind the same keys as files on disk."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from roadseg.data_conversion.read.records import RecordSet, readable
from roadseg.data_conversion.read.streams import as_written, untuned
from roadseg.errors import RoadsegError
from roadseg.recipe.recipe import Recipe
from roadseg.train.data.records import parser


def fits_memory(recipe: Recipe, records: RecordSet) -> bool:
    """Return whether what recipe.cache asks for takes at most half of the free memory.

    Without the cache the batches are the same, only slower; so a set that is too large is read
    from disk, with a message, and not refused.
    """
    needed = sum(file.stat().st_size for file in records.files)
    if recipe.data.cache == "decoded" and records.image_size:
        sizes = [records.image_size, getattr(records, "second_size", None) or (0, 0)]
        needed = records.num_examples * sum(height * width * 4 for height, width in sizes)
    free = _free_memory()
    if needed <= free // 2:
        return True
    print(
        f"--data.cache {recipe.data.cache} wants {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are "
        "free: images are read from disk"
    )
    return False


def cached_files(
    recipe: Recipe, records: RecordSet, parse: Callable[[Any], dict[str, Any]]
) -> tuple[Any, Any]:
    """Return (file number -> data set of keys, key -> example), all from memory.

    parse: what makes an example of its bytes, where these are kept; pixels are kept decoded.
    Raises RoadsegError where images of several sizes are to be kept as pixels.
    """
    counts, columns = [], []
    for file in records.files:
        data = tf.data.TFRecordDataset(str(file))
        if recipe.data.cache == "decoded":
            data = data.map(as_written(parser(records)), num_parallel_calls=tf.data.AUTOTUNE)
        with readable(records):
            elements = list(untuned(data))
        counts.append(len(elements))
        columns += elements
    starts = tf.constant(np.cumsum([0, *counts]), tf.int64)
    if recipe.data.cache == "encoded":
        kept = tf.stack(columns)
        fetch = lambda key: parse(kept[key])  # noqa: E731
    else:
        sizes = {tuple(tuple(part.shape) for part in example.values()) for example in columns}
        if len(sizes) > 1:
            raise RoadsegError(
                f"{records.files[0].parent}: images of {len(sizes)} sizes cannot be cached as "
                "pixels; use --data.cache encoded"
            )
        pixels = {name: tf.stack([e[name] for e in columns]) for name in columns[0]}
        fetch = lambda key: {name: array[key] for name, array in pixels.items()}  # noqa: E731
    return lambda number: tf.data.Dataset.range(starts[number], starts[number + 1]), fetch


def _free_memory() -> int:
    """Return how many bytes can be had without pushing anything out."""
    information = Path("/proc/meminfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
