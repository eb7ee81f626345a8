"""The converters on real files, where these are there; the figures are those of their READMEs."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from roadseg import label_tables
from roadseg.data_conversion.convert import main
from roadseg.data_conversion.inspect_records import count
from roadseg.data_conversion.read.records import open_records
from roadseg.data_conversion.sets.camvid import camvid_lists, camvid_source, split_of
from tests.support import shared_folder


def shares_in_readme(text: str) -> dict[str, list[float]]:
    """Return percent of each CamVid class in train, val and test, from the table of the README."""
    rows = re.findall(r"^\| (\d+) \| .*?\| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", text, re.M)
    columns = zip(
        *(map(float, row[1:]) for row in sorted(rows, key=lambda r: int(r[0]))), strict=True
    )
    return dict(zip(("train", "val", "test"), map(list, columns), strict=True))


@pytest.fixture(scope="module")
def camvid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("camvid")
    source = shared_folder("data", "camvid")
    assert main(["camvid", "--source", str(source), "--to", str(to)]) == 0
    return to


@pytest.mark.parametrize(("split", "images"), [("train", 367), ("val", 101), ("test", 233)])
def test_camvid_has_the_images_and_the_histogram_of_its_readme(
    camvid: Path, split: str, images: int
):
    records = open_records(camvid, split)
    assert records.num_examples == images
    statistics = count(records.examples())
    wanted = shares_in_readme(shared_folder("data", "camvid", "README.md").read_text())[split]
    assert len(wanted) == 12
    found = [100 * statistics.share(label) for label in (*range(11), 255)]
    np.testing.assert_allclose(found, wanted, atol=0.0005)


def test_the_rule_for_original_frames_gives_the_lists_of_the_tutorial():
    root = shared_folder("data", "camvid")
    for split in ("train", "val", "test"):
        for line in (root / f"{split}.txt").read_text().splitlines():
            assert split_of(Path(line.split()[0])) == split


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("cityscapes")
    source = shared_folder("data", "cityscapes_frames")
    assert main(["cityscapes", "--source", str(source), "--to", str(to)]) == 0
    return to


def test_cityscapes_frames_become_train_ids_as_cityscapesscripts_maps_them(frames: Path):
    labels = pytest.importorskip("cityscapesscripts.helpers.labels").id2label
    lookup = np.full(256, 255, np.uint8)
    for label in labels.values():
        if 0 <= label.trainId < 255:
            lookup[label.id] = label.trainId
    source = shared_folder("data", "cityscapes_frames")
    seen = 0
    for split in ("train", "val"):
        for example in open_records(frames, split).examples():
            name = example["filename"]
            path = next((source / "gtFine" / split).glob(f"*/{name}_gtFine_labelIds.png"))
            wanted = lookup[cv2.imread(str(path), cv2.IMREAD_UNCHANGED)]
            np.testing.assert_array_equal(example["label"], wanted)
            assert example["image"].shape == (1024, 2048, 3)
            seen += 1
    assert seen == 8


def test_cityscapes_images_are_copied_byte_for_byte(frames: Path):
    import tensorflow as tf

    source = shared_folder("data", "cityscapes_frames")
    records = open_records(frames, "val")
    assert records.label_table == label_tables.get("cityscapes")
    files = [str(path) for path in records.files]
    for item in tf.data.TFRecordDataset(files).as_numpy_iterator():
        values = tf.train.Example.FromString(item).features.feature
        name = values["image/filename"].bytes_list.value[0].decode()
        path = next((source / "leftImg8bit" / "val").glob(f"*/{name}_leftImg8bit.png"))
        assert values["image/encoded"].bytes_list.value[0] == path.read_bytes()


def test_the_lists_of_the_tutorial_name_the_files_of_its_folders():
    root = shared_folder("data", "camvid")
    lists = tuple(root / f"{split}.txt" for split in ("train", "val", "test"))
    listed, there = camvid_lists(root, lists).splits, camvid_source(root).splits
    counts = {split: len(pairs) for split, pairs in listed.items()}
    assert counts == {"train": 367, "val": 101, "test": 233}
    assert {s: set(pairs) for s, pairs in listed.items()} == {s: set(p) for s, p in there.items()}
