"""Batches for `model.fit` are those of the training pipeline, and whole images in validation."""

import subprocess
import sys

import numpy as np
import pytest

import roadseg
from roadseg.data_conversion.read.records import open_records
from roadseg.train.data.augment import restore_padding
from roadseg.train.data.pipeline import training_batches
from tests.front_door import SIZE, write_splits
from tests.train.tiny import recipe, write_records


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return write_splits(tmp_path_factory.mktemp("dataset") / "records", 5)


def taken(data, count):
    return [(image.numpy(), label.numpy()) for image, label in data.take(count)]


def equal(first, second):
    return all(
        np.array_equal(a, b)
        for one, other in zip(first, second, strict=True)
        for a, b in zip(one, other, strict=True)
    )


def test_training_gives_what_the_training_command_reads(records):
    data = roadseg.dataset(
        records, batch_size=2, crop_size=(30, 20), scales=(0.5, 1.5), seed=3, colour_jitter=0.2
    )
    image, label = data.element_spec
    assert image.shape == (2, 30, 20, 3) and image.dtype == "float32"
    assert label.shape == (2, 30, 20) and label.dtype == "int32"
    wanted = recipe(
        records,
        augment={
            "crop_size": (30, 20),
            "min_scale": 0.5,
            "max_scale": 1.5,
            "colour_jitter": 0.2,
        },
        batch_size=2,
        seed=3,
        data={"shuffle_buffer": 100},
    )
    batches = training_batches(wanted, open_records(records, "train")).take(4)
    pairs = [
        (restore_padding(batch["image"], batch["content"]).numpy(), batch["label"].numpy())
        for batch in batches
    ]
    found = taken(data, 4)
    assert equal(found, pairs)
    assert any((label == 255).any() and (image == 127.5).any() for image, label in found)


def test_a_seed_gives_the_same_batches_and_another_one_others(records):
    one, same, other = (
        taken(roadseg.dataset(records, batch_size=2, crop_size=(16, 16), seed=seed), 3)
        for seed in (1, 1, 2)
    )
    assert equal(one, same) and not equal(one, other)


def test_without_augmentation_a_crop_of_whole_images_holds_them_as_they_are(records):
    data = roadseg.dataset(records, batch_size=1, flip=False, scales=None)
    found = {image.tobytes() for image, _ in taken(data, 5)}
    stored = open_records(records, "train").examples()
    assert found == {example["image"][None].astype("float32").tobytes() for example in stored}


@pytest.mark.parametrize("batch_size", [1, 2])
def test_validation_gives_every_image_once_whole_and_in_order(records, batch_size):
    data = roadseg.dataset(records, split="val", batch_size=batch_size)
    stored = list(open_records(records, "val").examples())
    batches = list(data)
    assert len(data) == len(batches) == -(-len(stored) // batch_size)
    images = np.concatenate([image for image, _ in batches])
    labels = np.concatenate([label for _, label in batches])
    np.testing.assert_array_equal(images, [example["image"] for example in stored])
    np.testing.assert_array_equal(labels, [example["label"] for example in stored])
    assert images.dtype == np.float32 and labels.dtype == np.int32


def test_the_name_of_the_split_can_be_overruled(records):
    whole = roadseg.dataset(records, split="train", training=False, batch_size=5)
    assert len(whole) == 1
    crops = roadseg.dataset(records, split="val", training=True, batch_size=5, crop_size=(8, 8))
    assert next(iter(crops))[0].shape == (5, 8, 8, 3)


def test_every_head_gets_the_labels(records):
    heads = ("logits", "auxiliary1")
    image, labels = next(iter(roadseg.dataset(records, "val", 2, heads=heads)))
    assert image.shape == (2, *SIZE, 3) and tuple(labels) == heads
    np.testing.assert_array_equal(labels["logits"], labels["auxiliary1"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size=0: a whole number of at least 1 wanted"),
        ({"batch_size": 2.0}, "batch_size=2.0"),
        ({"crop_size": 512}, r"crop_size=512: \(height, width\) wanted"),
        ({"crop_size": (1, 9)}, "at least 2 a side"),
        ({"scales": (2.0, 0.5)}, r"scales=\(2.0, 0.5\)"),
        ({"scales": 0.5}, "scales=0.5"),
        ({"heads": "logits"}, "heads='logits': a list of names"),
        ({"padding": "mean"}, "padding='mean'"),
        ({"padding": "white"}, "padding is 'white'"),
        ({"cache": True}, "cache is True"),
        ({"colour_jitter": 0.7}, "colour_jitter=0.7: 0 to 0.5 wanted"),
        ({"blur_sigma": (2.0, 1.0)}, "blur_sigma"),
        ({"shuffle_buffer": 0}, "shuffle_buffer is 0"),
        ({"split": "test"}, "no split 'test'; there are: train, val"),
        ({"split": None}, "split=None"),
    ],
)
def test_what_means_nothing_is_refused_in_one_line(records, arguments, message):
    with pytest.raises(roadseg.RoadsegError, match=message) as caught:
        roadseg.dataset(records, **arguments)
    assert "\n" not in str(caught.value)


def test_images_of_several_sizes_need_a_crop_or_batches_of_one(tmp_path):
    write_splits(tmp_path, 2)
    write_records(tmp_path / "others", 2, (20, 20), shards=1)
    for split in ("train", "val"):
        (tmp_path / f"{split}-00009-of-00010.tfrecord").write_bytes(
            next((tmp_path / "others").glob("train-*")).read_bytes()
        )
    with pytest.raises(roadseg.RoadsegError, match=r"give crop_size=\(height, width\)"):
        roadseg.dataset(tmp_path)
    with pytest.raises(roadseg.RoadsegError, match="give batch_size=1"):
        roadseg.dataset(tmp_path, "val")
    assert len(list(roadseg.dataset(tmp_path, "val", 1))) == 4


def test_a_missing_folder_is_refused_before_tensorflow_is_loaded():
    code = """import sys, roadseg
try:
    roadseg.dataset("nowhere")
except ValueError as error:
    print(error, "tensorflow" in sys.modules, "keras" in sys.modules)"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("nowhere: no such folder") and "False False" in done.stdout
