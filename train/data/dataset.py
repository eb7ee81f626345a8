"""Records as a `tf.data.Dataset` for `model.fit`: what `roadseg train` reads, without a recipe.

Arguments are refused before TensorFlow is imported, which is why the functions import it.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadseg.data_conversion.read.folders import find_shards
from roadseg.data_conversion.read.streams import as_written
from roadseg.errors import RoadsegError
from roadseg.recipe.fields import check_values
from roadseg.recipe.recipe import Recipe

if TYPE_CHECKING:
    import tensorflow as tf

    from roadseg.data_conversion.read.records import RecordSet

Tensor = Any
MOST_JITTER, MOST_BLUR = 0.5, 8.0


def dataset(
    path: str | Path,
    split: str,
    *,
    training: bool | None,
    batch_size: int,
    heads: Sequence[str] | None,
    crop_size: tuple[int, int] | None,
    flip: bool,
    scales: tuple[float, float] | None,
    seed: int,
    **fields: Any,
) -> "tf.data.Dataset":
    """Return the batches of `roadseg.dataset`, which says what the arguments are.

    fields: those of a recipe's groups `augment` and `data` that have no argument above.
    Raises RoadsegError for arguments that mean nothing, for images of several sizes that no crop or
    batch can hold, and for records as `open_records` does.
    """
    if not isinstance(path, str | Path) or not isinstance(split, str):
        raise RoadsegError(f"{path!r}, split={split!r}: a folder and the name of a split wanted")
    _check(batch_size, crop_size, scales, heads)
    smallest, largest = scales or (1.0, 1.0)
    augment = {
        "flip_probability": 0.5 if flip else 0.0,
        "min_scale": float(smallest),
        "max_scale": float(largest),
        **{name: fields.pop(name) for name in ("padding", "colour_jitter", "blur_sigma")},
    }
    recipe = Recipe("roadseg.dataset", "segmentation", "arguments of roadseg.dataset").replace(
        records=str(path),
        split=split,
        batch_size=batch_size,
        seed=seed,
        augment=augment,
        data=fields,
    )
    check_values(recipe.flat(), recipe.name)
    _check_colour(recipe)
    for part in filter(None, split.split("+")):
        find_shards(Path(path), part)
    from roadseg.data_conversion.read.records import open_records

    records = open_records(path, split)
    if split.startswith("train") if training is None else training:
        size = crop_size or _one_size(records, "give crop_size=(height, width)")
        batches = _random_crops(recipe.replace(augment={"crop_size": tuple(size)}), records)
    else:
        batches = _whole_images(records, batch_size)
    if heads is None:
        return batches
    return batches.map(as_written(lambda image, label: (image, dict.fromkeys(heads, label))))


def _random_crops(recipe: Recipe, records: "RecordSet") -> "tf.data.Dataset":
    import tensorflow as tf

    from roadseg.train.data.augment import padding_colour, restore_padding
    from roadseg.train.data.pipeline import training_batches

    colour = padding_colour(recipe)

    def pair(batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        images = restore_padding(batch["image"], batch.get("content"), colour)
        return tf.cast(images, tf.float32), tf.cast(batch["label"], tf.int32)

    batches = training_batches(recipe, records)
    return batches.map(as_written(pair), num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)


def _whole_images(records: "RecordSet", batch_size: int) -> "tf.data.Dataset":
    import tensorflow as tf

    from roadseg.data_conversion.read.index import decoded
    from roadseg.data_conversion.read.records import parse_example
    from roadseg.train.data.pipeline import reproducible

    if batch_size > 1:
        _one_size(records, "give batch_size=1")

    def pair(serialized: Tensor) -> tuple[Tensor, Tensor]:
        example = parse_example(serialized)
        image = tf.ensure_shape(tf.cast(example["image"], tf.float32), (None, None, 3))
        return image, tf.ensure_shape(tf.cast(example["label"], tf.int32), (None, None))

    batches = decoded(records, parse=pair).batch(batch_size)
    known = tf.data.experimental.assert_cardinality(math.ceil(records.num_examples / batch_size))
    return reproducible(batches.apply(known).prefetch(2))


def _one_size(records: "RecordSet", way_out: str) -> tuple[int, int]:
    if records.image_size is None:
        raise RoadsegError(
            f"{records.path}: images of several sizes in '{records.split}'; {way_out}"
        )
    return records.image_size


def _check(
    batch_size: int,
    crop_size: tuple[int, int] | None,
    scales: tuple[float, float] | None,
    heads: Sequence[str] | None,
) -> None:
    """Raise RoadsegError for an argument of the wrong kind or size."""
    if not _is_whole(batch_size, 1):
        raise RoadsegError(f"batch_size={batch_size!r}: a whole number of at least 1 wanted")
    if crop_size is not None and not (
        _is_pair(crop_size) and all(_is_whole(side, 2) for side in crop_size)
    ):
        raise RoadsegError(f"crop_size={crop_size!r}: (height, width) wanted, at least 2 a side")
    if scales is not None and not (_is_pair(scales) and 0 < scales[0] <= scales[1]):
        raise RoadsegError(
            f"scales={scales!r}: (smallest, largest) wanted, above 0; or None for no scaling"
        )
    if heads is not None and (isinstance(heads, str) or not list(heads)):
        raise RoadsegError(f"heads={heads!r}: a list of names of outputs wanted, or None")


def _check_colour(recipe: Recipe) -> None:
    if recipe.augment.padding == "mean":
        raise RoadsegError("padding='mean': depends on the network; give grey or black")
    if not 0 <= recipe.augment.colour_jitter <= MOST_JITTER:
        raise RoadsegError(
            f"colour_jitter={recipe.augment.colour_jitter}: 0 to {MOST_JITTER} wanted"
        )
    smallest, largest = recipe.augment.blur_sigma
    if not 0 <= smallest <= largest <= MOST_BLUR:
        raise RoadsegError(
            f"blur_sigma={recipe.augment.blur_sigma}: (smallest, largest) wanted, 0 to {MOST_BLUR}"
        )


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2
