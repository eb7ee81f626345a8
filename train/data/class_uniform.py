"""Class-uniform epochs: a share of the images is drawn class by class, where each class lies.

Rare classes are then seen as often as others. An epoch's list is a function of the seed and the
epoch's number, so a resumed run draws what it would have drawn.
Source: SFSegNets ba475ba. There each process shuffles a list of its own, so that what they see
together is no epoch; here all share one list.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from roadseg.data_conversion.read.index import RecordIndex
from roadseg.data_conversion.read.records import RecordSet, open_records
from roadseg.data_conversion.read.streams import as_written
from roadseg.errors import RoadsegError
from roadseg.recipe.recipe import Recipe
from roadseg.train.data.cache import cached_files, fits_memory
from roadseg.train.data.centroid_cache import open_centroids

Tensor = Any
Parse = Callable[[Tensor], dict[str, Tensor]]
_SALT = 7
_NONE = -1


def draw_epoch(
    images: int,
    lists: Sequence[np.ndarray],
    share: float,
    random: np.random.RandomState,
    fill: bool = True,
) -> np.ndarray:
    """Return one epoch's list, (n, 3) int64: image, y, x; y and x are -1 for a whole image.

    images: how many there are, n. lists: centroids of each class, (m, 3): image, y, x.
    share: of the epoch, 0 to 1, that the classes divide evenly among them.
    fill: give the share of a class without centroids to images at random; otherwise the epoch is
        as much shorter.
    Whole images come first, then the classes in order. What is wanted more often than it is there
    comes again in the same order.
    """
    each = int(images * share / len(lists))
    missing = each * sum(not len(centroids) for centroids in lists) if fill else 0
    whole = _drawn(images, images - each * len(lists) + missing, random)
    parts = [np.column_stack([whole, np.full((len(whole), 2), _NONE)])]
    for centroids in lists:
        if len(centroids):
            parts.append(centroids[_drawn(len(centroids), each, random)])
    return np.concatenate(parts).astype(np.int64)


def _drawn(count: int, wanted: int, random: np.random.RandomState) -> np.ndarray:
    """Return `wanted` of the numbers below `count`, shuffled once, again and again if need be."""
    order = np.arange(count)
    random.shuffle(order)
    return np.resize(order, wanted)


@dataclass(frozen=True)
class Epochs:
    """The lists of all epochs of a run, one behind the other: what is seen at which place."""

    images: int
    boosted: Sequence[np.ndarray]
    """Centroids of each class in epochs before `boost_epochs`."""
    plain: Sequence[np.ndarray]
    """Centroids of each class from then on."""
    boost_epochs: int
    share: float
    fill: bool
    seed: int

    def entries(self, epoch: int) -> np.ndarray:
        """Return the list of one epoch, shuffled whole, (n, 4) int64: place in the run, then entry.

        The legacy generator is the one whose numbers NumPy promises to keep.
        """
        random = np.random.RandomState([self.seed % 2**32, epoch, _SALT])
        lists = self.boosted if epoch < self.boost_epochs else self.plain
        entries = draw_epoch(self.images, lists, self.share, random, self.fill)
        entries = entries[_drawn(len(entries), len(entries), random)]
        return np.column_stack([self.first_place(epoch) + np.arange(len(entries)), entries])

    def first_place(self, epoch: int) -> int:
        """Return the place at which `epoch` begins."""
        boosted = min(epoch, self.boost_epochs)
        return boosted * self._length(self.boosted) + (epoch - boosted) * self._length(self.plain)

    def epoch_of(self, place: int) -> int:
        """Return the epoch in which `place` lies."""
        turn = self.first_place(self.boost_epochs)
        if place < turn:
            return place // self._length(self.boosted)
        return self.boost_epochs + (place - turn) // self._length(self.plain)

    def _length(self, lists: Sequence[np.ndarray]) -> int:
        each = int(self.images * self.share / len(lists))
        empty = sum(not len(centroids) for centroids in lists)
        return self.images if self.fill else self.images - each * empty


def epochs(recipe: Recipe, records: RecordSet, coarse: RecordSet | None) -> Epochs:
    """Return the epochs of a run on `records`; numbers of images of `coarse` follow theirs."""
    fill = recipe.class_uniform.absent_classes == "redistribute"
    tile = recipe.class_uniform.tile
    classes = range(records.label_table.num_classes)
    found = open_centroids(records, tile, fill)
    plain = [found.of_class(train_id) for train_id in classes]
    boosted = list(plain)
    if coarse:
        extra = open_centroids(coarse, tile, fill)
        for train_id in recipe.class_uniform.coarse_classes:
            behind = extra.of_class(train_id) + [records.num_examples, 0, 0]
            boosted[train_id] = np.concatenate([plain[train_id], behind])
    made = Epochs(
        images=records.num_examples,
        boosted=boosted,
        plain=plain,
        boost_epochs=recipe.class_uniform.coarse_until_epoch if coarse else 0,
        share=recipe.class_uniform.fraction,
        fill=fill,
        seed=recipe.seed,
    )
    if not len(made.entries(0)) or not len(made.entries(made.boost_epochs)):
        raise RoadsegError(
            f"{records.path}: no class has a centroid, and --class-uniform.fraction leaves no "
            "image; take a smaller one, smaller tiles, or --class-uniform.absent-classes "
            "redistribute"
        )
    return made


def class_uniform_examples(
    recipe: Recipe, records: RecordSet, start: int, parse: Parse
) -> tuple[Any, Any]:
    """Return (data set of (place in the run, entry) from place `start` on, entry -> example).

    parse: what makes an example of its bytes.
    Examples have a "centroid", (2,) int64 (y, x), -1 where the whole image was drawn.
    """
    coarse = (
        open_records(records.path, recipe.class_uniform.coarse_split)
        if recipe.class_uniform.coarse_split
        else None
    )
    made = epochs(recipe, records, coarse)
    read = _reader(recipe, _both(records, coarse) if coarse else records, parse)

    def rows(epoch: int) -> np.ndarray:
        entries = made.entries(int(epoch))
        return entries[entries[:, 0] >= start]

    def epoch_of(epoch: Tensor) -> tf.data.Dataset:
        entries = tf.ensure_shape(tf.numpy_function(rows, [epoch], tf.int64), (None, 4))
        return tf.data.Dataset.from_tensor_slices((entries[:, 0], entries[:, 1:]))

    def fetch(entry: Tensor) -> dict[str, Tensor]:
        return {**read(entry[0]), "centroid": entry[1:]}

    numbers = tf.data.Dataset.range(made.epoch_of(start), np.iinfo(np.int64).max)
    return numbers.flat_map(as_written(epoch_of)), fetch


def _reader(recipe: Recipe, records: RecordSet, parse: Parse) -> Any:
    if recipe.data.cache != "none" and fits_memory(recipe, records):
        return cached_files(recipe, records, parse)[1]
    return RecordIndex(records.files, parse).fetch


def _both(records: RecordSet, coarse: RecordSet) -> RecordSet:
    return dataclasses.replace(
        records,
        files=records.files + coarse.files,
        num_examples=records.num_examples + coarse.num_examples,
        image_size=records.image_size if records.image_size == coarse.image_size else None,
    )
