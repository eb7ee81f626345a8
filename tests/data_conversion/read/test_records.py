import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from roadseg import label_tables
from roadseg.data_conversion.read.records import KEYS, open_records, parse_example
from roadseg.data_conversion.read.tfrecord_files import count_records
from roadseg.errors import RoadsegError
from tests.data_conversion.support import id_map, picture
from tests.examples import example_values, serialized


def example(**changes: object) -> dict:
    """Return the values of an example in the DeepLab schema, as other software writes it."""
    jpeg = cv2.imencode(".jpg", picture(0)[..., ::-1])[1].tobytes()
    values = example_values(picture(0), id_map(0) % 19, "a")
    return {**values, "image/encoded": jpeg, "image/format": b"jpeg", **changes}


def plain_folder(folder: Path, *examples: dict, split: str = "val", table: bool = True) -> Path:
    """Write a folder of one shard with the published name."""
    import tensorflow as tf

    folder.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / f"{split}-00000-of-00001.tfrecord")) as writer:
        for values in examples:
            writer.write(serialized(values))
    if table:
        text = label_tables.get("cityscapes").to_json()
        (folder / "label_table.json").write_text(text)
    return folder


def test_records_are_found_at_and_above_their_folder(records: Path):
    for path in (records, records / "cityscapes", records / "cityscapes" / "1.0.0"):
        opened = open_records(path, "train")
        assert opened.num_examples == 3
        assert opened.image_size == (24, 40)
        assert opened.label_table == label_tables.get("cityscapes")


def test_two_data_sets_below_a_folder_are_an_error_that_lists_them(records: Path, tmp_path: Path):
    shutil.copytree(records / "cityscapes", tmp_path / "one")
    shutil.copytree(records / "cityscapes", tmp_path / "two")
    with pytest.raises(RoadsegError, match=r"several data sets \(one/1.0.0, two/1.0.0\)"):
        open_records(tmp_path, "train")
    assert open_records(tmp_path / "two", "train").num_examples == 3


def test_a_missing_split_names_those_there_are(records: Path):
    with pytest.raises(RoadsegError, match="no split 'test'; there are: train, val"):
        open_records(records, "test")


def test_a_missing_folder_and_an_empty_one_say_how_to_write_records(tmp_path: Path):
    with pytest.raises(RoadsegError, match="nowhere: no such folder; write it with `roadseg conv"):
        open_records(tmp_path / "nowhere", "train")
    with pytest.raises(RoadsegError, match="no records here; write them with `roadseg convert"):
        open_records(tmp_path, "train")


def test_published_shards_of_others_are_read_jpeg_included(tmp_path: Path):
    folder = plain_folder(tmp_path / "plain", example(), example(**{"image/filename": b"b"}))
    opened = open_records(folder, "val")
    found = list(opened.examples())
    assert [item["filename"] for item in found] == ["a", "b"]
    assert found[0]["image"].dtype == np.uint8 and found[0]["image"].shape == (24, 40, 3)
    np.testing.assert_array_equal(found[0]["label"], id_map(0) % 19)


def test_jpeg_images_are_decoded_as_opencv_decodes_them(tmp_path: Path):
    (found,) = open_records(plain_folder(tmp_path / "plain", example()), "val").examples()
    jpeg = np.frombuffer(example()["image/encoded"], np.uint8)
    np.testing.assert_array_equal(found["image"], cv2.imdecode(jpeg, cv2.IMREAD_COLOR)[..., ::-1])


def test_a_plain_folder_without_the_split_names_those_there_are(tmp_path: Path):
    folder = plain_folder(tmp_path / "plain", example())
    with pytest.raises(RoadsegError, match="no split 'train'; there are: val"):
        open_records(folder, "train")


def test_the_label_table_can_be_given_by_name_or_value(tmp_path: Path):
    folder = plain_folder(tmp_path / "plain", example(), table=False)
    with pytest.raises(RoadsegError, match="no label_table.json beside the records"):
        open_records(folder, "val")
    table = label_tables.get("cityscapes")
    assert open_records(folder, "val", "cityscapes").label_table == table
    assert open_records(folder, "val", table).label_table == table


@pytest.mark.parametrize("key", KEYS)
def test_another_schema_names_key_and_file(key: str, tmp_path: Path):
    folder = plain_folder(tmp_path / "plain", example(**{key: None}))
    with pytest.raises(RoadsegError, match=f"val-00000-of-00001.tfrecord: .*'{key}' is missing"):
        open_records(folder, "val")


def test_a_file_that_is_no_tfrecord_is_named(tmp_path: Path):
    (tmp_path / "val-00000-of-00001.tfrecord").write_bytes(b"what is this? " * 40)
    with pytest.raises(RoadsegError, match="val-00000-of-00001.tfrecord: truncated after 0"):
        open_records(tmp_path, "val")


def test_an_empty_split_is_an_error(tmp_path: Path):
    folder = plain_folder(tmp_path / "plain")
    with pytest.raises(RoadsegError, match="split 'val' is empty"):
        open_records(folder, "val")


def test_a_truncated_shard_is_noticed(records: Path, tmp_path: Path):
    copy = shutil.copytree(records, tmp_path / "copy")
    shard = sorted(copy.rglob("train-*"))[1]
    shard.write_bytes(shard.read_bytes()[:-9])
    with pytest.raises(RoadsegError, match=f"{shard.name}: truncated after 0 records"):
        open_records(copy, "train")


def test_a_missing_shard_is_noticed(records: Path, tmp_path: Path):
    copy = shutil.copytree(records, tmp_path / "copy")
    shard = sorted(copy.rglob("train-*"))[1]
    shard.unlink()
    with pytest.raises(RoadsegError, match=f"{shard.name}: shard is missing"):
        open_records(copy, "train")


def test_records_are_counted_without_reading_them(records: Path):
    files = open_records(records, "train").files
    assert [count_records(path) for path in files] == [1, 1, 1]


def test_tfds_names_of_others_are_read(records: Path, tmp_path: Path):
    folder = shutil.copytree(records / "cityscapes" / "1.0.0", tmp_path / "tfds")
    info = json.loads((folder / "dataset_info.json").read_text())
    for split in info["splits"]:
        count = len(split["shardLengths"])
        split["filepathTemplate"] = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
        for index in range(count):
            place = f"{index:05d}-of-{count:05d}"
            old = folder / f"{split['name']}-{place}.tfrecord"
            old.rename(folder / f"cityscapes-{split['name']}.tfrecord-{place}")
    (folder / "dataset_info.json").write_text(json.dumps(info))
    assert len(list(open_records(folder, "train").examples())) == 3


def test_examples_of_several_sizes_have_no_common_size(tmp_path: Path):
    folder = plain_folder(tmp_path / "plain", example())
    other = example_values(picture(1, (48, 40)), id_map(1, (48, 40)) % 19, "b")
    extra = plain_folder(tmp_path / "extra", other)
    (extra / "val-00000-of-00001.tfrecord").rename(folder / "val-00001-of-00002.tfrecord")
    assert open_records(folder, "val").image_size is None


def test_parsing_refuses_a_label_of_another_size():
    import tensorflow as tf

    small = cv2.imencode(".png", id_map(0, (16, 40)))[1].tobytes()
    values = example(**{"image/segmentation/class/encoded": small})
    parse = tf.function(parse_example, autograph=False)
    with pytest.raises(tf.errors.InvalidArgumentError, match="image and label differ in size: a"):
        parse(tf.constant(serialized(values)))


def test_parsing_keeps_shapes_of_rank_three_and_two_in_a_graph():
    import tensorflow as tf

    data = tf.data.Dataset.from_tensors(serialized(example())).map(parse_example)
    assert data.element_spec["image"].shape.as_list() == [None, None, 3]
    assert data.element_spec["label"].shape.as_list() == [None, None]


def test_splits_are_read_as_one_with_a_plus_between_them(records: Path):
    both = open_records(records, "train+val")
    assert (both.split, both.num_examples, both.image_size) == ("train+val", 4, (24, 40))
    alone = [e["filename"] for s in ("train", "val") for e in open_records(records, s).examples()]
    assert [example["filename"] for example in both.examples()] == alone


@pytest.mark.parametrize("split", ["train+", "train+train", "+"])
def test_a_sum_of_splits_needs_different_ones(split: str, records: Path):
    with pytest.raises(RoadsegError, match="wanted different splits with . between .*train_plus"):
        open_records(records, split)


def test_trainval_is_told_how_it_is_written(records: Path):
    with pytest.raises(RoadsegError, match=r"there are: train, val; train\+val reads both as one"):
        open_records(records, "trainval")
