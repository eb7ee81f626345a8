"""Epochs in which classes are drawn evenly: their lists, their order in a run, their crops."""

import dataclasses
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from roadseg.data_conversion.read.records import RecordSet, open_records
from roadseg.errors import RoadsegError
from roadseg.train.check import check_recipe
from roadseg.train.data.class_uniform import Epochs, draw_epoch, epochs
from roadseg.train.data.pipeline import example_stream, training_batches
from tests.train import tiny
from tests.train.worked_example import CENTROIDS, EPOCHS

UNIFORM = {"class_uniform_pct": 0.5, "class_uniform_tile": 8}


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> RecordSet:
    return open_records(tiny.write_records(tmp_path_factory.mktemp("records")), "train")


def with_coarse(folder: Path) -> RecordSet:
    """Return records of 10 images with 6 more in the split train_extra."""
    tiny.write_records(folder)
    for file in tiny.write_records(folder / "extra", count=6, shards=2).glob("*.tfrecord"):
        file.rename(folder / file.name.replace("train-", "train_extra-"))
    return open_records(folder, "train")


def lists_of(numbers: dict[str, int]) -> list[np.ndarray]:
    return [
        np.array([(numbers[name], y, x) for name, x, y in entries], np.int64).reshape(-1, 3)
        for entries in CENTROIDS.values()
    ]


@pytest.mark.parametrize(("images", "share", "expected"), EPOCHS)
def test_the_worked_example_has_its_epochs(images: str, share: float, expected: list[Any]):
    lists = lists_of({"a": 0, "b": 1, "c": 2})
    random = np.random.RandomState(0)
    drawn = draw_epoch(len(images), lists, share, random, fill=False)
    found = [images[n] if y < 0 else (images[n], x, y) for n, y, x in drawn]
    assert found == expected


def test_an_empty_class_gives_its_share_to_images_at_random():
    lists = lists_of({"a": 0, "b": 1, "c": 2})
    drawn = draw_epoch(12, lists, 1.0, np.random.RandomState(0))
    assert len(drawn) == 12
    assert (drawn[:3, 1] == -1).all() and (drawn[3:, 1] >= 0).all()


@pytest.mark.parametrize(
    ("images", "classes", "each", "whole"),
    [(2975, 19, 78, 1493), (3475, 19, 91, 1746), (18000, 65, 138, 9030)],
)
def test_the_published_data_sets_have_their_shares(
    images: int, classes: int, each: int, whole: int
):
    lists = [np.full((2, 3), train_id) for train_id in range(classes)]
    drawn = draw_epoch(images, lists, 0.5, np.random.RandomState(0), fill=False)
    assert (drawn[:, 1] == -1).sum() == whole == images - each * classes
    assert {*Counter(drawn[whole:, 1].tolist()).values()} == {each}


def made(**changes: Any) -> Epochs:
    lists = lists_of({"a": 0, "b": 1, "c": 2})
    boosted = [*lists[:3], np.array([[12, 7, 8]])]
    values = {"boost_epochs": 2, "share": 0.5, "fill": False, "seed": 3, **changes}
    return Epochs(12, boosted, lists, **values)


def test_epochs_follow_each_other_without_a_gap_though_their_lengths_differ():
    run = made()
    places = np.concatenate([run.entries(epoch)[:, 0] for epoch in range(4)])
    np.testing.assert_array_equal(places, np.arange(12 + 12 + 11 + 11))
    for epoch in range(4):
        for place in run.entries(epoch)[[0, -1], 0]:
            assert run.epoch_of(place) == epoch


def test_an_epoch_depends_on_seed_and_number_alone():
    np.testing.assert_array_equal(made().entries(1), made().entries(1))
    assert (made().entries(1)[:, 1:] != made(seed=4).entries(1)[:, 1:]).any()
    assert (made().entries(2)[:, 1:] != made().entries(3)[:, 1:]).any()


def test_coarse_images_are_drawn_for_their_classes_alone_and_up_to_the_epoch_that_ends_it(
    tmp_path: Path,
):
    records = with_coarse(tmp_path)
    coarse = open_records(tmp_path, "train_extra")
    options = {"coarse_split": "train_extra", "coarse_boost_classes": (2,), "max_cu_epoch": 3}
    recipe = tiny.recipe(**{**UNIFORM, "class_uniform_pct": 1.0}, **options)
    run = epochs(recipe, records, coarse)
    assert [len(a) > len(b) for a, b in zip(run.boosted, run.plain, strict=True)] == [
        *(False, False, True)
    ]
    seen = [{*run.entries(epoch)[:, 1].tolist()} for epoch in range(30)]
    assert max(set.union(*seen[:3])) >= 10
    assert max(set.union(*seen[3:])) < 10


def test_a_coarse_image_comes_with_its_own_pixels_and_a_centroid_of_its_class(tmp_path: Path):
    records = with_coarse(tmp_path)
    options = {"coarse_split": "train_extra", "coarse_boost_classes": (2,)}
    recipe = tiny.recipe(**{**UNIFORM, "class_uniform_pct": 1.0}, **options)
    coarse = {e["filename"]: e for e in open_records(tmp_path, "train_extra").examples()}
    stream = example_stream(recipe, records).take(120)
    # The images of both splits are called alike, and differ.
    fine = {e["filename"]: e for e in records.examples()}
    found = 0
    for _, example in stream.as_numpy_iterator():
        name, pixels = example["filename"].decode(), example["image"]
        if name in coarse and np.array_equal(pixels, coarse[name]["image"]):
            found += not np.array_equal(pixels, fine[name]["image"])
    assert found


def taken(recipe: Any, records: RecordSet, count: int, start: int = 0) -> list[tuple]:
    return [
        (int(place), example["filename"], *example["centroid"].tolist())
        for place, example in example_stream(recipe, records, start).take(count).as_numpy_iterator()
    ]


@pytest.mark.parametrize("start", [3, 10, 17])
def test_a_stream_begun_later_is_the_rest_of_the_whole(records: RecordSet, start: int):
    recipe = tiny.recipe(**UNIFORM)
    assert taken(recipe, records, 9, start) == taken(recipe, records, start + 9)[start:]


def test_half_of_an_epoch_has_centroids_evenly_over_the_classes(records: RecordSet):
    first = taken(tiny.recipe(**UNIFORM), records, 10)
    assert [place for place, *_ in first] == list(range(10))
    labels = {e["filename"].encode(): e["label"] for e in records.examples()}
    centred = [(labels[name], y, x) for _, name, y, x in first if y >= 0]
    assert len(centred) == 3  # 10 / 2 images over 3 classes, cut to whole ones
    assert all(y < label.shape[0] and x < label.shape[1] for label, y, x in centred)


@pytest.mark.parametrize("cache", ["encoded", "decoded"])
def test_a_cache_changes_no_batch(records: RecordSet, cache: str):
    plain = first_batches(tiny.recipe(**UNIFORM), records, 4)
    assert_equal(first_batches(tiny.recipe(**UNIFORM, cache=cache), records, 4), plain)


def test_batches_of_a_resumed_run_are_those_of_the_whole(records: RecordSet):
    recipe = tiny.recipe(**UNIFORM, colour_jitter=0.25, blur_sigma=(0.15, 1.3))
    assert_equal(first_batches(recipe, records, 2, 3), first_batches(recipe, records, 5)[3:])


def test_several_readers_share_each_batch(records: RecordSet):
    recipe = tiny.recipe(**UNIFORM)
    parts = [first_batches(recipe, records, 3, 0, number, 2, 2) for number in range(2)]
    joined = [
        {name: np.concatenate([part[name] for part in pair]) for name in pair[0]}
        for pair in zip(*parts, strict=True)
    ]
    assert_equal(joined, first_batches(recipe, records, 3))


def first_batches(recipe: Any, records: RecordSet, count: int, *options: int) -> list[dict]:
    data = training_batches(recipe, records, *options)
    return [{k: v.numpy() for k, v in batch.items()} for batch in islice(data, count)]


def assert_equal(ours: list[dict], theirs: list[dict]) -> None:
    assert len(ours) == len(theirs) > 0
    for one, other in zip(ours, theirs, strict=True):
        for name in one:
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def test_a_crop_around_a_rare_class_holds_some_of_it(tmp_path: Path):
    records = open_records(tiny.write_records(tmp_path / "records", size=(96, 96)), "train")
    recipe = tiny.recipe(class_uniform_pct=1.0, class_uniform_tile=96, crop_size=(24, 24))
    examples = example_stream(recipe, records).take(9).as_numpy_iterator()
    from roadseg.train.data import augment

    for place, example in examples:
        y, x = example["centroid"]
        if y < 0:
            continue
        mark = np.zeros_like(example["label"])
        mark[y, x] = 1
        draw, centre = augment.draws(0, tf.constant(place)), tf.constant([y, x])
        crop = augment.random_crop(example["image"], mark, draw, recipe, False, centre)
        assert (crop.label.numpy() == 1).sum() == 1


def test_no_image_left_is_refused_with_the_way_out(records: RecordSet):
    changes = {"class_uniform_pct": 1.0, "class_uniform_gaps": "leave", "class_uniform_tile": 100}
    few = dataclasses.replace(records, num_examples=3)
    with pytest.raises(RoadsegError, match="--class-uniform-gaps fill"):
        epochs(tiny.recipe(**changes), few, None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"class_uniform_pct": 50.0}, "--class-uniform-pct 50.0: wanted 0 to 1"),
        ({"class_uniform_tile": 0}, "--class-uniform-tile 0: wanted at least 1"),
        ({"coarse_split": "train_extra"}, "--coarse-split 'train_extra': wanted together with"),
        (
            {"coarse_split": "e", "coarse_boost_classes": (3,), "class_uniform_pct": 0.5},
            r"--coarse-boost-classes \(3,\): wanted tiny has classes 0 to 2",
        ),
        (
            {"coarse_split": "e", "coarse_boost_classes": (1,)},
            "wanted together with --class-uniform-pct",
        ),
        ({"colour_jitter": 0.7}, "--colour-jitter 0.7: wanted 0 to 0.5"),
        ({"blur_sigma": (1.0, 0.5)}, r"--blur-sigma \(1.0, 0.5\): wanted smallest and largest"),
        ({"rate_every_steps": 0}, "--rate-every-steps 0: wanted at least 1"),
    ],
)
def test_values_that_cannot_be_meant_are_refused(changes: dict, message: str):
    with pytest.raises(RoadsegError, match=message):
        check_recipe(tiny.recipe(model="fast_scnn", crop_size=(32, 32), **changes), tiny.TABLE)
