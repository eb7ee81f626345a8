"""Which examples come when, cached or not, resumed or not, in one reader or in several."""

from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from roadseg.data_conversion.read.index import RecordIndex
from roadseg.data_conversion.read.records import RecordSet, open_records, readable
from roadseg.errors import RoadsegError
from roadseg.recipe.recipe import Recipe
from roadseg.train.data.pipeline import example_stream, training_batches
from tests.examples import example_values, serialized
from tests.train import tiny


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> RecordSet:
    return open_records(tiny.write_records(tmp_path_factory.mktemp("records")), "train")


def names(recipe: Recipe, records: RecordSet, count: int, start: int = 0) -> list[str]:
    stream = example_stream(recipe, records, start).take(count)
    return [example["filename"].numpy().decode() for _, example in stream]


def batches(recipe: Recipe, records: RecordSet, count: int, *options: int) -> list[dict[str, Any]]:
    data = training_batches(recipe, records, *options)
    return [{k: v.numpy() for k, v in batch.items()} for batch in islice(data, count)]


def assert_equal(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
    assert len(ours) == len(theirs) > 0
    for one, other in zip(ours, theirs, strict=True):
        for name in one:
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def test_an_epoch_holds_every_image_once_and_two_epochs_differ(records: RecordSet) -> None:
    stream = names(tiny.recipe(), records, 20)
    assert set(Counter(stream[:10]).values()) == set(Counter(stream[10:]).values()) == {1}
    assert stream[:10] != stream[10:]


def test_the_seed_alone_decides_the_order(records: RecordSet) -> None:
    tf.random.set_seed(1)
    first = names(tiny.recipe(seed=3), records, 10)
    tf.random.set_seed(2)
    assert names(tiny.recipe(seed=3), records, 10) == first
    assert names(tiny.recipe(seed=4), records, 10) != first


@pytest.mark.parametrize("start", [3, 10, 17])
def test_a_stream_begun_later_is_the_rest_of_the_whole(records: RecordSet, start: int) -> None:
    recipe = tiny.recipe()
    assert names(recipe, records, 9, start) == names(recipe, records, start + 9)[start:]


@pytest.mark.parametrize("cache", ["encoded", "decoded"])
def test_a_cache_changes_no_batch(records: RecordSet, cache: str) -> None:
    cached = batches(tiny.recipe(data={"cache": cache}), records, 6)
    assert_equal(cached, batches(tiny.recipe(), records, 6))


def test_batches_of_a_resumed_run_are_those_of_the_whole(records: RecordSet) -> None:
    recipe = tiny.recipe()
    assert_equal(batches(recipe, records, 3, 4), batches(recipe, records, 7)[4:])


def test_several_readers_share_each_batch_in_order(records: RecordSet) -> None:
    recipe = tiny.recipe()
    parts = [batches(recipe, records, 3, 0, number, 2, 2) for number in range(2)]
    joined = [
        {name: np.concatenate([part[name] for part in pair]) for name in pair[0]}
        for pair in zip(*parts, strict=True)
    ]
    assert_equal(joined, batches(recipe, records, 3))


def test_a_reader_of_several_reads_its_own_records_alone(tmp_path: Path) -> None:
    """Damage to those of the other, in the first epoch, does not reach it."""
    opened, recipe = open_records(tiny.write_records(tmp_path, count=80), "train"), tiny.recipe()
    first = batches(recipe, opened, 5, 0, 0, 2, 2)
    index = RecordIndex(opened.files)
    for place, name in enumerate(names(recipe, opened, 80)):
        position, shard = divmod(int(name.removeprefix("image_")), 3)
        if place % 4 >= 2:
            with opened.files[shard].open("r+b") as file:
                file.seek(index.spans[index.starts[shard] + position][0])
                file.write(b"damaged")
    assert_equal(batches(recipe, opened, 5, 0, 0, 2, 2), first)
    with pytest.raises(tf.errors.InvalidArgumentError, match="is damaged"):
        batches(recipe, opened, 5, 0, 1, 2, 2)


def test_a_batch_that_cannot_be_cut_is_refused(records: RecordSet) -> None:
    with pytest.raises(RoadsegError, match="batch_size=4 cannot be cut for 3 replicas"):
        training_batches(tiny.recipe(), records, 0, 0, 1, 3)


def test_target_grids_are_those_of_the_cropped_and_flipped_label(records: RecordSet) -> None:
    from roadseg.nus_native import boundary_targets

    changes = {"task": "sampling_grid", "sampler.classes": (1,)}
    crops = batches(tiny.recipe(), records, 2)
    for crop, batch in zip(crops, batches(tiny.recipe(**changes), records, 2), strict=True):
        expected = boundary_targets(crop["label"], (3, 3), 0.5, [1])
        np.testing.assert_allclose(batch["target"], expected, atol=1e-6)


def test_the_auxiliary_network_sees_the_crop_with_corners_aligned(records: RecordSet) -> None:
    crop = batches(tiny.recipe(), records, 1)[0]
    small = batches(tiny.recipe(task="sampling_grid"), records, 1)[0]["image"]
    whole = crop["image"]
    for row, column in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
        np.testing.assert_allclose(small[:, row, column], whole[:, row, column], atol=1e-4)
    assert small.shape == (4, 12, 12, 3)


def test_images_of_several_sizes_are_not_cached_as_pixels(tmp_path: Path) -> None:
    folder = tiny.write_records(tmp_path / "records", shards=1)
    other = tiny.write_records(tmp_path / "other", shards=1, size=(24, 40))
    (other / "train-00000-of-00001.tfrecord").rename(folder / "train-00001-of-00002.tfrecord")
    (folder / "train-00000-of-00001.tfrecord").rename(folder / "train-00000-of-00002.tfrecord")
    mixed = open_records(folder, "train")
    with pytest.raises(RoadsegError, match="2 sizes.*--data.cache encoded"):
        training_batches(tiny.recipe(data={"cache": "decoded"}), mixed)


def test_only_crops_that_may_reach_beyond_the_image_carry_its_place(records: RecordSet) -> None:
    assert "content" not in batches(tiny.recipe(augment={"crop_size": (24, 32)}), records, 1)[0]
    assert "content" in batches(tiny.recipe(augment={"crop_size": (25, 32)}), records, 1)[0]
    assert (
        "content"
        in batches(
            tiny.recipe(
                augment={
                    "min_scale": 0.5,
                    "max_scale": 2.0,
                }
            ),
            records,
            1,
        )[0]
    )


def test_padding_reaches_the_auxiliary_network_as_127_and_a_half(records: RecordSet) -> None:
    recipe = tiny.recipe(
        task="sampling_grid",
        augment={
            "crop_size": (48, 64),
            "flip_probability": 0.0,
        },
    )
    assert (batches(recipe, records, 1)[0]["image"][:, -1, -1] == 127.5).all()


def test_an_image_that_is_cut_short_is_an_error_that_names_the_records(tmp_path: Path) -> None:
    folder = tiny.write_records(tmp_path, count=3, shards=1)
    image, label = np.zeros((24, 32, 3), np.uint8), np.zeros((24, 32), np.uint8)
    values = example_values(image, label, "short")
    values["image/encoded"] = values["image/encoded"][:60]
    (file,) = folder.glob("train-*")
    with tf.io.TFRecordWriter(str(file)) as writer:
        writer.write(serialized(values))
    opened = open_records(folder, "train")
    with pytest.raises(RoadsegError, match="unreadable example.*damaged PNG"):
        with readable(opened):
            batches(tiny.recipe(), opened, 1)
