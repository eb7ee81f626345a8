"""Conversions name what they leave out, and records are checked whoever wrote them."""

import json
from pathlib import Path

import numpy as np
import pytest

from roadseg import label_tables
from roadseg.cli import main
from roadseg.data_conversion.read.label_counts import COUNTS_FILE
from roadseg.data_conversion.read.records import open_records
from roadseg.data_conversion.read.tfrecord_files import first_damage, record_spans
from roadseg.errors import RoadsegError
from tests.data_conversion.raw import files
from tests.data_conversion.read.test_records import example, plain_folder
from tests.data_conversion.support import id_map, picture, write_png

TABLE = """name: my_city
classes: [{name: sky, colour: [1, 2, 3]}, {name: road, colour: [4, 5, 6]}]
"""


def folder(root: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        image = root / "images" / "train" / name
        image.parent.mkdir(parents=True, exist_ok=True)
        form = {".bmp": "BMP", ".tif": "TIFF", ".PNG": "PNG"}[image.suffix]
        image.write_bytes(files.encoded(picture(number), form))
        write_png((root / "labels" / "train" / name).with_suffix(".png"), id_map(0) % 2)
    (root / "classes.yaml").write_text(TABLE)
    return root


def convert(root: Path, to: Path, *options: str) -> int:
    return main(["convert", "folder", "--source", str(root), "--to", str(to), *options])


def test_pictures_of_any_form_and_in_folders_below_are_converted(tmp_path: Path):
    root = folder(tmp_path / "city", "a.bmp", "b.tif", "berlin/c.PNG")
    assert convert(root, tmp_path / "to", "--strict") == 0
    found = {e["filename"]: e["image"] for e in open_records(tmp_path / "to", "train").examples()}
    assert set(found) == {"a", "b", "berlin_c"}
    np.testing.assert_array_equal(found["b"], picture(1))


def test_what_is_left_out_is_named_and_refused_on_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    root = folder(tmp_path / "city", "a.bmp")
    write_png(root / "labels/train/lonely.png", id_map(0) % 2)
    for name in ("notes.txt", "._a.bmp", "Thumbs.db"):
        (root / "images/train" / name).touch()
    assert convert(root, tmp_path / "strict", "--strict") == 2
    assert "left out: 2 files" in capsys.readouterr().err
    assert not (tmp_path / "strict").exists()
    assert convert(root, tmp_path / "to") == 0
    out = capsys.readouterr().out
    assert "images/train/notes.txt" in out and "label without picture: labels/train/lonely" in out
    assert "._a" not in out and "Thumbs" not in out


@pytest.mark.parametrize("number", [3, 6])
def test_records_hold_photographs_upright(tmp_path: Path, number: int):
    root = folder(tmp_path / "city", "a.PNG")
    stored = files.STORED[number](picture(0))
    content = files.encoded(stored, "PNG", exif=files.exif(number))
    (root / "images/train/a.PNG").write_bytes(content)
    assert convert(root, tmp_path / "to") == 0
    found = next(open_records(tmp_path / "to", "train").examples())
    np.testing.assert_array_equal(found["image"], picture(0))
    np.testing.assert_array_equal(found["label"], id_map(0) % 2)


@pytest.mark.parametrize("value", [19, 254])
def test_a_label_that_is_no_train_id_is_refused_in_any_record(tmp_path: Path, value: int):
    import cv2

    label = id_map(0) % 19
    label[5, 7] = value
    wrong = cv2.imencode(".png", label)[1].tobytes()
    bad = example(**{"image/segmentation/class/encoded": wrong})
    records = plain_folder(tmp_path / "plain", example(), example(), bad)
    for _ in range(2):  # the second time from the counts beside the shard
        with pytest.raises(RoadsegError, match=f"record 2: label {value} at row 5, column 7 is no"):
            open_records(records, "val")
    assert (
        str(value)
        in json.loads((records / COUNTS_FILE).read_text())["val-00000-of-00001.tfrecord"]["counts"]
    )


@pytest.mark.parametrize(("depth", "form"), [(16, "16-bit grey"), (2, "2-bit grey")])
def test_labels_of_another_form_are_refused_in_records(tmp_path: Path, depth: int, form: str):
    label = files.grey_png(id_map(0).astype(np.uint16) % 4, depth)
    records = plain_folder(tmp_path / "p", example(**{"image/segmentation/class/encoded": label}))
    with pytest.raises(RoadsegError, match=f"record 0 .*its label is {form} PNG; records hold"):
        open_records(records, "val")


def test_a_name_that_is_not_utf8_is_refused_with_its_record(tmp_path: Path):
    records = plain_folder(tmp_path / "p", example(), example(**{"image/filename": b"stra\xdfe"}))
    with pytest.raises(RoadsegError, match="record 1: its name .* is not UTF-8"):
        open_records(records, "val")


@pytest.mark.parametrize(
    ("place", "what"),
    [
        (-4, "record 2: damaged .the checksum of its length differs."),
        (0, "record 2: damaged .its checksum differs."),
        (-12, "truncated after 2 records"),
    ],
)
def test_a_record_that_was_changed_is_named(place: int, what: str, tmp_path: Path):
    records = plain_folder(tmp_path / "p", *(example() for _ in range(4)))
    file = records / "val-00000-of-00001.tfrecord"
    content = bytearray(file.read_bytes())
    content[record_spans(file)[2][0] + place + 2] ^= 4
    file.write_bytes(bytes(content))
    with pytest.raises(RoadsegError, match=f"{file.name},? ?:? ?{what}"):
        open_records(records, "val")


def test_a_damaged_record_is_named_by_whoever_reads_on(tmp_path: Path):
    records = plain_folder(tmp_path / "p", *(example() for _ in range(4)))
    opened = open_records(records, "val")
    file = records / "val-00000-of-00001.tfrecord"
    content = bytearray(file.read_bytes())
    start, length = record_spans(file)[2]
    content[start + length // 2] ^= 4
    file.write_bytes(bytes(content))
    assert first_damage(file) == f"{file}, record 2: damaged (its checksum differs)"
    with pytest.raises(RoadsegError, match="record 2: damaged .*; copy the file"):
        list(opened.examples())


def test_conversions_keep_what_their_labels_hold_beside_the_records(tmp_path: Path):
    root = folder(tmp_path / "city", "a.bmp", "b.tif")
    assert convert(root, tmp_path / "to", "--shards", "2") == 0
    kept = json.loads((tmp_path / "to/my_city/1.0.0" / COUNTS_FILE).read_text())
    pixels = [sum(entry["counts"].values()) for entry in kept.values()]
    assert len(kept) == 2 and pixels == [24 * 40] * 2
    before = (tmp_path / "to/my_city/1.0.0" / COUNTS_FILE).stat().st_mtime_ns
    open_records(tmp_path / "to", "train")
    assert (tmp_path / "to/my_city/1.0.0" / COUNTS_FILE).stat().st_mtime_ns == before


def test_a_table_of_other_classes_is_checked_against_the_same_counts(tmp_path: Path):
    records = plain_folder(tmp_path / "p", example())
    open_records(records, "val")
    with pytest.raises(RoadsegError, match="is no train id; train ids of 'camvid' are 0 to 10"):
        open_records(records, "val", label_tables.get("camvid"))
