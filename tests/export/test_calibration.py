"""Calibration images come from records, a folder, or drawn streets; a seed chooses them."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.export.calibration import at_size, read_calibration, refuse_early


def a_folder(folder: Path, count: int) -> Path:
    """Write pictures of one grey each, of the level of their number."""
    folder.mkdir()
    for level in range(count):
        cv2.imwrite(str(folder / f"{level:03}.png"), np.full((4, 6, 3), level, np.uint8))
    return folder


def levels(images: list[np.ndarray]) -> list[int]:
    return [int(image[0, 0, 0]) for image in images]


def test_a_seed_chooses_images_of_a_folder_and_others_beside_them(tmp_path: Path) -> None:
    folder = a_folder(tmp_path / "streets", 12)
    found = read_calibration(folder, 5, 3, 4)
    assert len(set(levels(found.images + found.others))) == 9
    assert levels(found.images) == levels(read_calibration(folder, 5, 3, 4).images)
    assert levels(found.images) != levels(read_calibration(folder, 5, 4, 4).images)
    assert found.source == {
        "kind": "folder of images",
        "name": "streets",
        "images": 5,
        "of": 12,
        "seed": 3,
    }


def test_a_small_folder_is_taken_whole(tmp_path: Path) -> None:
    found = read_calibration(a_folder(tmp_path / "streets", 2), 5, 0, 4)
    assert sorted(levels(found.images)) == [0, 1] and found.others == []


def test_streets_are_drawn_where_there_are_no_images() -> None:
    found = read_calibration(None, 2, 0, 1)
    assert [image.shape for image in found.images] == [(360, 480, 3)] * 2
    assert found.source["kind"] == "drawn streets"
    assert not np.array_equal(found.images[0], found.others[0])


def test_images_of_records_are_taken_whatever_their_labels_mean(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    records = tmp_path / "records"
    write_records(tf, records, [np.full((4, 6, 3), level, np.uint8) for level in range(3)])
    found = read_calibration(records, 2, 0, 1)
    assert sorted(levels(found.images + found.others)) == [0, 1, 2]
    assert found.source["kind"] == "records, split train" and found.source["of"] == 3


def test_records_of_no_image_are_an_error(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    write_records(tf, tmp_path / "empty", [])
    with pytest.raises(RoadsegError, match="empty: split 'train' is empty"):
        read_calibration(tmp_path / "empty", 2, 0, 1)
    write_records(tf, tmp_path / "labels", [None])
    with pytest.raises(RoadsegError, match="a record without an image; convert"):
        read_calibration(tmp_path / "labels", 2, 0, 1)


@pytest.mark.parametrize(
    ("make", "count", "message"),
    [
        (lambda folder: None, 0, "--calibration-images 0: at least 1 is needed"),
        (lambda folder: folder / "x", 1, "x: no such folder; give records"),
        (lambda folder: folder, 1, "neither records nor images in it; give records"),
    ],
)
def test_what_is_no_source_of_images_is_refused_early(make, count, message, tmp_path) -> None:
    with pytest.raises(RoadsegError, match=message) as caught:
        refuse_early(make(tmp_path), count)
    assert "\n" not in str(caught.value)


def test_records_without_the_split_to_measure_on_are_refused_early(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    write_records(tf, tmp_path / "records", [np.zeros((4, 6, 3), np.uint8)], split="val")
    with pytest.raises(RoadsegError, match="no split 'train'; there are: val"):
        refuse_early(tmp_path / "records", 1)


def test_images_are_made_smaller_by_means_and_larger_in_between() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    image[::2] = 100
    assert at_size(image, (4, 4)) is image
    assert np.all(at_size(image, (2, 2)) == 50)
    assert at_size(image, (8, 6)).shape == (8, 6, 3)


def write_records(tf, folder: Path, images: list[np.ndarray | None], split: str = "train") -> None:
    """Write a shard of examples in the schema of the records; None for one without an image."""
    folder.mkdir()
    path = str(folder / f"{split}-00000-of-00001.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        for image in images:
            encoded = b"" if image is None else cv2.imencode(".png", image)[1].tobytes()
            label = cv2.imencode(".png", np.zeros((4, 6), np.uint8))[1].tobytes()
            of_bytes = {
                "image/encoded": encoded,
                "image/filename": b"x",
                "image/format": b"png",
                "image/segmentation/class/encoded": label,
                "image/segmentation/class/format": b"png",
            }
            numbers = {"image/height": 4, "image/width": 6, "image/channels": 3}
            feature = {
                **{
                    key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                    for key, value in of_bytes.items()
                },
                **{
                    key: tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
                    for key, value in numbers.items()
                },
            }
            writer.write(
                tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()
            )
