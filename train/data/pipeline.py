"""Records to training batches: the same batches at the same step, resumed or not, cached or not.

An example is known by its place in the whole run. Its place decides its epoch, the epoch and the
seed decide the order of the records, and place and seed decide the augmentation.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from roadseg.data_conversion.read.index import RecordIndex
from roadseg.data_conversion.read.records import RecordSet
from roadseg.data_conversion.read.streams import as_written, untuned
from roadseg.errors import RoadsegError
from roadseg.recipe.recipe import Recipe
from roadseg.train.data import augment
from roadseg.train.data.cache import cached_files, fits_memory
from roadseg.train.data.class_uniform import class_uniform_examples
from roadseg.train.data.records import parser
from roadseg.train.tasks.table import training_of

Tensor = Any
Batch = dict[str, Tensor]


def training_batches(
    recipe: Recipe,
    records: RecordSet,
    start_step: int = 0,
    pipeline: int = 0,
    pipelines: int = 1,
    replicas: int = 1,
    stop_step: int | None = None,
) -> tf.data.Dataset:
    """Return an endless data set of batches, beginning with the batch of `start_step`.

    stop_step: the batch before which it ends after all; nothing behind it is read.
    pipeline, pipelines: this reader's number and how many there are; each batch of
    recipe.batch_size is cut into that many equal parts, and this one gives its part.
    replicas: how many replicas share a batch, over all pipelines; each element is for one of them.
    Task 'segmentation': {"image": (b, height, width, 3) uint8, "label": (b, height, width) uint8},
    and "content", (b, 4) int32, if images may be padded; with edges_from='image' also "edges", as
    "label". Task 'sampling_grid': {"image": (b,
    *auxiliary_input, 3) float32, "target": (b, *grid_size, 2) float32} or a density, or
    "label" instead of "target" with targets='graph'. Tasks 'flow' and 'two_cameras': see
    `train.tasks`.
    Raises RoadsegError for a batch that cannot be cut evenly.
    """
    if recipe.batch_size % replicas or replicas % pipelines:
        raise RoadsegError(
            f"batch_size={recipe.batch_size} cannot be cut for {replicas} replicas; "
            f"take a multiple of {replicas}"
        )
    part, training = recipe.batch_size // pipelines, training_of(recipe)

    def mine(place: Tensor) -> Tensor:
        return (place % recipe.batch_size) // part == pipeline

    image_size = None if recipe.class_uniform.coarse_split else records.image_size
    parallel, padded = tf.data.AUTOTUNE, augment.may_pad(recipe, image_size)
    start = start_step * recipe.batch_size
    wanted = mine if pipelines > 1 else None
    parse = training.parser(recipe, records)
    examples = example_stream(recipe, records, start, wanted, parse)
    if stop_step is not None:
        examples = examples.take((stop_step - start_step) * part)

    def element(place: Tensor, example: Batch) -> Batch:
        return training.element(place, example, recipe, records, padded)

    elements = examples.map(as_written(element), num_parallel_calls=parallel)
    batches = elements.batch(recipe.batch_size // replicas, drop_remainder=True)
    batches = training.on_batch(batches, recipe)
    if stop_step is None:
        endless = tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
        batches = batches.apply(endless)
    return reproducible(batches.prefetch(2))


def example_stream(
    recipe: Recipe,
    records: RecordSet,
    start: int = 0,
    wanted: Callable[[Tensor], Tensor] | None = None,
    parse: Callable[[Tensor], Batch] | None = None,
) -> tf.data.Dataset:
    """Return (place in the run, example) from place `start` on, for ever.

    wanted: which places to give, all if None; the others are passed over without reading them, as
    are, without decoding, the examples before `start` in its epoch.
    parse: what makes an example of its bytes; None: decodes it. Examples cached as pixels are.
    Examples are {"image": uint8, "label": integers, "filename": bytes}, decoded; class-uniform ones
    have a "centroid" as well.
    """
    parse = parse or parser(records)
    if recipe.class_uniform.fraction:
        stream, fetch = class_uniform_examples(recipe, records, start, parse)
    else:
        stream, fetch = _shuffled_examples(recipe, records, start, wanted is not None, parse)
    if wanted is not None:
        stream = stream.filter(as_written(lambda place, _: wanted(place)))
    return stream.map(
        as_written(lambda place, key: (place, fetch(key))), num_parallel_calls=tf.data.AUTOTUNE
    )


def _shuffled_examples(
    recipe: Recipe,
    records: RecordSet,
    start: int,
    by_number: bool,
    parse: Callable[[Tensor], Batch],
) -> tuple[Any, Any]:
    """Return (data set of (place in the run, key) from place `start` on, key -> example).

    by_number: shuffle the records' numbers in place of their bytes, in the same order, so that a
    worker reads those it trains on alone.
    """
    count = records.num_examples
    cached = recipe.data.cache != "none" and fits_memory(recipe, records)
    on_disk = _numbered_records if by_number else _record_files
    files, fetch = cached_files(recipe, records, parse) if cached else on_disk(records, parse)

    def epoch_of(epoch: Tensor) -> tf.data.Dataset:
        # Sets this graph's seed alone; with 0 in its place a seed that is a tensor is refused.
        tf.random.set_seed(1)
        order = tf.data.Dataset.from_tensor_slices(_order(len(records.files), recipe.seed, epoch))
        order = order.flat_map(as_written(files)).shuffle(
            max(recipe.data.shuffle_buffer, 1),
            seed=_shuffle_seed(recipe.seed, epoch),
            reshuffle_each_iteration=False,
        )
        skipped = tf.where(epoch == start // count, tf.constant(start % count, tf.int64), 0)
        places = tf.data.Dataset.range(epoch * count, (epoch + 1) * count)
        return tf.data.Dataset.zip(places, order).skip(skipped)

    epochs = tf.data.Dataset.range(start // count, np.iinfo(np.int64).max)
    return epochs.flat_map(as_written(epoch_of)), fetch


def _record_files(records: RecordSet, parse: Callable[[Tensor], Batch]) -> tuple[Any, Any]:
    names = tf.constant([str(file) for file in records.files])
    return lambda number: tf.data.TFRecordDataset(names[number]), parse


def _numbered_records(records: RecordSet, parse: Callable[[Tensor], Batch]) -> tuple[Any, Any]:
    index = RecordIndex(records.files, parse)
    starts = tf.constant(index.starts, tf.int64)
    return lambda n: tf.data.Dataset.range(starts[n], starts[n + 1]), index.fetch


def _order(files: int, seed: int, epoch: Tensor) -> Tensor:
    """Return the files' numbers in the order of `epoch`."""
    return tf.random.experimental.stateless_shuffle(tf.range(files), seed=_key(seed, epoch, 1))


def _shuffle_seed(seed: int, epoch: Tensor) -> Tensor:
    key = _key(seed, epoch, 2)
    return tf.random.stateless_uniform((), key, 0, 2**31 - 1, dtype=tf.int64)


def _key(seed: int, epoch: Tensor, salt: int) -> Tensor:
    return tf.random.fold_in(tf.stack([tf.constant(seed, tf.int64), epoch]), salt)


def reproducible(data: tf.data.Dataset) -> tf.data.Dataset:
    """Return `data`, `untuned`, in one order every time, its batches cut by the batch alone."""
    options = tf.data.Options()
    options.deterministic = True
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return untuned(data).with_options(options)
