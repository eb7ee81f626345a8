"""Centroids of classes in tiles, and the file that keeps them."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from roadseg.data_conversion.read.index import RecordIndex
from roadseg.data_conversion.read.records import RecordSet, open_records
from roadseg.files import read_arrays
from roadseg.train.data import centroid_cache
from roadseg.train.data.centroid_cache import cache_path, find_centroids, open_centroids
from roadseg.train.data.centroids import Centroids, tile_centroids
from tests.train import tiny
from tests.train.worked_example import CENTROIDS, label_maps


@pytest.fixture
def records(tmp_path: Path) -> RecordSet:
    return open_records(tiny.write_records(tmp_path / "records", count=5), "train")


def assert_same(one: Centroids, other: Centroids) -> None:
    for name in ("image", "train_id", "yx"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_the_worked_example_has_its_centroids():
    found: dict[int, list[tuple[str, int, int]]] = {train_id: [] for train_id in CENTROIDS}
    for name, label in label_maps().items():
        for train_id, y, x in tile_centroids(label, 32, len(CENTROIDS)):
            found[train_id].append((name, x, y))
    assert found == CENTROIDS


def test_centroids_are_those_of_scipy_tile_by_tile():
    label = np.random.default_rng(0).integers(0, 7, (45, 70)).astype(np.uint8)
    label[label == 6] = 255
    expected = []
    for top in (0, 20):
        for left in (0, 20, 40):
            tile = label[top : top + 20, left : left + 20]
            for train_id in range(5):
                y, x = ndimage.center_of_mass(tile == train_id)
                expected.append((train_id, top + int(y), left + int(x)))
    np.testing.assert_array_equal(tile_centroids(label, 20, 5), expected)


def test_what_is_left_over_beside_the_tiles_has_no_centroid():
    label = np.full((40, 40), 255, np.uint8)
    label[32:] = label[:, 32:] = 1
    assert len(tile_centroids(label, 32, 4)) == 0


@pytest.mark.parametrize("size", [(20, 70), (70, 20), (20, 20)])
def test_an_image_smaller_than_a_tile_is_one_tile_or_has_none_as_published(size: tuple[int, int]):
    label = np.full(size, 255, np.uint8)
    label[4:9, 10:15] = 2
    np.testing.assert_array_equal(tile_centroids(label, 32, 4), [[2, 6, 12]])
    assert tile_centroids(label, 32, 4, whole_if_small=False).shape == (0, 3)


def test_the_centroids_of_records_are_those_of_their_label_maps_in_order(records: RecordSet):
    found = find_centroids(records, 8)
    rows = [
        (number, *row)
        for number, example in enumerate(records.examples())
        for row in tile_centroids(example["label"], 8, 3)
    ]
    made = np.column_stack([found.image, found.train_id, found.yx])
    np.testing.assert_array_equal(made, rows)
    np.testing.assert_array_equal(found.of_class(1), [(n, y, x) for n, c, y, x in rows if c == 1])


def test_centroids_are_found_once_and_then_read(
    records: RecordSet, monkeypatch: pytest.MonkeyPatch
):
    first = open_centroids(records, 8)
    monkeypatch.setattr(centroid_cache, "find_centroids", None)
    assert_same(open_centroids(records, 8), first)


def test_tiles_and_rules_have_files_of_their_own(records: RecordSet):
    paths = {cache_path(records, 8), cache_path(records, 9), cache_path(records, 8, False)}
    assert len(paths) == 3


def test_centroids_of_other_records_are_found_again_with_a_sentence(
    records: RecordSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    open_centroids(records, 8)
    other = open_records(tiny.write_records(tmp_path / "other", count=6), "train")
    cache_path(records, 8).rename(cache_path(other, 8))
    capsys.readouterr()
    assert_same(open_centroids(other, 8), find_centroids(other, 8))
    assert "of other records, tiles or classes; the centroids are found" in capsys.readouterr().out


@pytest.mark.parametrize("damage", ["cut", "empty", "other arrays", "images that are not there"])
def test_a_damaged_file_is_made_again_with_a_sentence(
    records: RecordSet, damage: str, capsys: pytest.CaptureFixture[str]
):
    first, path = open_centroids(records, 8), cache_path(records, 8)
    arrays = read_arrays(path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "other arrays":
        np.savez(path, fingerprint=arrays["fingerprint"], image=arrays["image"])
    else:
        np.savez(path, **{**arrays, "image": arrays["image"] + 5})
    capsys.readouterr()
    assert_same(open_centroids(records, 8), first)
    assert f"{path}: " in capsys.readouterr().out
    assert_same(open_centroids(records, 8), first)
    assert capsys.readouterr().out == ""


def test_where_nothing_can_be_written_the_run_goes_on(
    records: RecordSet, capsys: pytest.CaptureFixture[str]
):
    cache_path(records, 8).mkdir()
    assert_same(open_centroids(records, 8), find_centroids(records, 8))
    assert "the next run will look for the centroids again" in capsys.readouterr().out


def test_any_record_can_be_read_by_its_number(records: RecordSet):
    index = RecordIndex(records.files)
    assert len(index) == records.num_examples
    names = [example["filename"] for example in records.examples()]
    for number in (3, 0, 4):
        example = index.fetch(np.int64(number))
        assert example["filename"].numpy().decode() == names[number]
