"""Pairs of two cameras' frames: small folders in the published layout, and the published frames."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from roadseg import label_tables
from roadseg.data_conversion import inspect_records
from roadseg.data_conversion.convert import main
from roadseg.data_conversion.read.records import KEYS, open_records
from roadseg.data_conversion.read.two_cameras import has_two_cameras, open_two_cameras
from roadseg.data_conversion.sets import dual_camera
from roadseg.data_conversion.sets.dual_camera import paired_frames
from roadseg.errors import RoadsegError
from tests.data_conversion.small_sets import write_jpeg
from tests.data_conversion.support import picture, write_png
from tests.support import shared_folder

WIDE, NARROW = (24, 40), (16, 32)


def label(seed: int, size: tuple[int, int]) -> np.ndarray:
    """Return a label map with all six ids and 255."""
    values = np.random.default_rng(seed).integers(0, 6, size, np.uint8)
    values[0, 0] = 255
    return values


def two_cameras(root: Path, train: tuple[int, ...] = (7, 12), val: tuple[int, ...] = (3,)) -> Path:
    """Write frames of two sizes; test has one pair, without labels."""
    for folder, numbers in (("image_train", train), ("image_val", val), ("image_test", (1,))):
        for number in numbers:
            for view, size in (("fov120", WIDE), ("fov60", NARROW)):
                name = f"{view}_{number:05d}"
                write_jpeg(root / folder / f"{name}.jpg", picture(number, size))
                if folder != "image_test":
                    write_png(root / "image_label" / f"{name}.png", label(number, size))
    return root


def convert(root: Path, to: Path, *options: str) -> Path:
    assert main(["dual_camera", "--source", str(root), "--to", str(to), *options]) == 0
    return to / "dual_camera"


def test_frames_of_one_number_become_one_record(tmp_path: Path):
    records = open_two_cameras(convert(two_cameras(tmp_path / "d"), tmp_path / "to"), "train")
    examples = list(records.examples())
    assert [(e["filename"], e["second_filename"]) for e in examples] == [
        ("fov120_00007", "fov60_00007"),
        ("fov120_00012", "fov60_00012"),
    ]
    assert (records.image_size, records.second_size) == (WIDE, NARROW)
    for example, number in zip(examples, (7, 12), strict=True):
        for prefix, size in (("", WIDE), ("second_", NARROW)):
            np.testing.assert_array_equal(example[f"{prefix}label"], label(number, size))
            assert example[f"{prefix}image"].shape == (*size, 3)
            drawn = picture(number, size).astype(int)
            assert abs(example[f"{prefix}image"].astype(int) - drawn).mean() < 60


def test_both_cameras_have_the_keys_of_the_deeplab_schema(tmp_path: Path):
    import tensorflow as tf

    to = convert(two_cameras(tmp_path / "d"), tmp_path / "to")
    files = [str(path) for path in open_records(to, "val").files]
    (record,) = tf.data.TFRecordDataset(files).as_numpy_iterator()
    found = tf.train.Example.FromString(record).features.feature
    assert set(found) == {*KEYS, *(f"second/{key}" for key in KEYS)}


def test_readers_of_single_images_see_the_first_view(tmp_path: Path):
    to = convert(two_cameras(tmp_path / "d"), tmp_path / "to")
    records = open_records(to, "val")
    assert has_two_cameras(records) and records.image_size == WIDE
    assert records.label_table == label_tables.get("dual_camera")
    (example,) = records.examples()
    assert example["filename"] == "fov120_00003"
    np.testing.assert_array_equal(example["label"], label(3, WIDE))


def test_frames_without_labels_are_ignored_everywhere(tmp_path: Path):
    to = convert(two_cameras(tmp_path / "d"), tmp_path / "to")
    (example,) = open_two_cameras(to, "test").examples()
    assert (example["label"] == 255).all() and example["label"].shape == WIDE
    assert (example["second_label"] == 255).all() and example["second_label"].shape == NARROW


def test_records_of_single_images_have_no_second_view(records: Path):
    assert not has_two_cameras(open_records(records, "train"))
    with pytest.raises(RoadsegError, match="another schema, 'second/image/encoded' is missing"):
        open_two_cameras(records, "train")


def test_every_frame_without_its_partner_is_named(tmp_path: Path):
    root = two_cameras(tmp_path / "d", train=(7, 12, 13))
    (root / "image_train" / "fov60_00007.jpg").unlink()
    (root / "image_train" / "fov120_00013.jpg").unlink()
    complaint = "image_train: 2 files .*: fov120_00007.jpg, fov60_00013.jpg; a number needs frames"
    with pytest.raises(RoadsegError, match=complaint):
        convert(root, tmp_path / "to")


def test_every_frame_without_label_is_named(tmp_path: Path):
    root = two_cameras(tmp_path / "d")
    (root / "image_label" / "fov60_00007.png").unlink()
    (root / "image_label" / "fov120_00012.png").unlink()
    complaint = "image_train/fov120_00012.jpg, image_train/fov60_00007.jpg; their labels belong"
    with pytest.raises(RoadsegError, match=complaint):
        convert(root, tmp_path / "to")


def test_frames_lie_at_any_depth_and_checkpoints_are_left_out(tmp_path: Path):
    root = two_cameras(tmp_path / "d")
    moved = root / "image_train" / "monday"
    moved.mkdir()
    (root / "image_train" / "fov60_00007.jpg").rename(moved / "fov60_7.jpg")
    write_jpeg(root / "image_train" / ".ipynb_checkpoints" / "fov120_00099.jpg", picture(0))
    write_jpeg(root / "image_train" / "fov120_00099-checkpoint.jpg", picture(0))
    frames = paired_frames(root / "image_train")
    assert [(first.name, second.name) for first, second in frames] == [
        ("fov120_00007.jpg", "fov60_7.jpg"),
        ("fov120_00012.jpg", "fov60_00012.jpg"),
    ]


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (
            lambda root: write_jpeg(root / "image_val" / "holiday.jpg", picture(0)),
            r"holiday.jpg: not the name of a frame \(fov120_00001.jpg, fov60_00001.jpg\)",
        ),
        (
            lambda root: write_jpeg(root / "image_val" / "fov60_3.png", picture(0)),
            "fov60_3.png: .*fov60_00003.jpg has the same number; remove one",
        ),
        (
            lambda root: write_png(root / "image_label/x/fov60_00003.png", label(3, NARROW)),
            "x/fov60_00003.png: .*fov60_00003.png has the same name; remove one",
        ),
        (
            lambda root: write_png(root / "image_label/fov60_00003.png", np.full(NARROW, 6, "u1")),
            "fov60_00003.png: label id 6 at row 0, column 0 is not in the label table 'dual_cam",
        ),
        (
            lambda root: write_png(root / "image_label/fov60_00003.png", label(3, WIDE)),
            "fov60_00003.png: label is 24x40, its image fov60_00003.jpg is 16x32",
        ),
        (
            lambda root: shutil.rmtree(root / "image_label"),
            "image_label: no such folder; labels of image_train and image_val belong there",
        ),
        (
            lambda root: [
                shutil.rmtree(root / f"image_{part}") for part in ("train", "val", "test")
            ],
            "neither image_train nor image_val nor image_test; --source is the folder",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, spoil, complaint: str):
    root = two_cameras(tmp_path / "d")
    spoil(root)
    with pytest.raises(RoadsegError, match=complaint):
        convert(root, tmp_path / "to")
    assert not (tmp_path / "to" / "dual_camera").exists()


def test_two_cameras_of_ones_own_have_their_names_and_classes(tmp_path: Path):
    for view in ("left", "right"):
        write_png(tmp_path / "d" / "image_train" / f"{view}_1.png", picture(1))
        write_png(tmp_path / "d" / "image_label" / f"{view}_1.png", np.full((24, 40), 9, "u1"))
    table = "name: mine\nclasses: [{name: road, colour: [1, 2, 3], ids: 9}]\n"
    (tmp_path / "classes.yaml").write_text(table)
    options = ("--camera-prefixes", "left", "right", "--classes", str(tmp_path / "classes.yaml"))
    records = open_two_cameras(convert(tmp_path / "d", tmp_path / "to", *options), "train")
    assert records.label_table.names == ("road",)
    (example,) = records.examples()
    assert (example["filename"], example["second_filename"]) == ("left_1", "right_1")
    assert not example["second_label"].any()


def test_only_the_published_values_are_turned_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    import hashlib

    root = two_cameras(tmp_path / "d", train=(21000,), val=(7,))
    first = convert(root, tmp_path / "one")
    (example,) = open_two_cameras(first, "train").examples()
    np.testing.assert_array_equal(example["second_label"], label(21000, NARROW))
    assert "mirrored" not in capsys.readouterr().out
    published = hashlib.sha256(label(21000, NARROW).tobytes()).hexdigest()
    monkeypatch.setattr(dual_camera, "_MIRRORED", {"fov60_21000.png": published})
    (example,) = open_two_cameras(convert(root, tmp_path / "two"), "train").examples()
    np.testing.assert_array_equal(example["second_label"], label(21000, NARROW)[:, ::-1])
    assert "fov60_21000.png is published mirrored" in capsys.readouterr().out


def test_inspect_shows_both_cameras(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    import cv2

    to = convert(two_cameras(tmp_path / "d"), tmp_path / "to")
    capsys.readouterr()
    assert inspect_records.main([str(to), "--split", "train", "--to", str(tmp_path / "p")]) == 0
    out = capsys.readouterr().out
    assert "first view: 2 of 24x40" in out and "second view: 2 of 16x32" in out
    assert out.count(" two-wheeler ") == 2
    drawn = cv2.imread(str(sorted((tmp_path / "p").iterdir())[0]))
    assert drawn.shape[1] == 1600 and drawn.shape[0] > 480 + 400


def test_inspect_says_that_there_are_no_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    to = convert(two_cameras(tmp_path / "d"), tmp_path / "to")
    capsys.readouterr()
    assert inspect_records.main([str(to), "--split", "test", "--to", str(tmp_path / "p")]) == 0
    assert capsys.readouterr().out.count("no labels: every pixel is ignored") == 2


def shares_in_readme(text: str) -> dict[str, list[float]]:
    """Return percent of each class by frame, from the table of the published frames' README."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    return {
        row[0]: [float(cell) for cell in row[1:]]
        for row in rows
        if len(row) == 7 and row[0].startswith("fov")
    }


def test_published_frames_have_the_shares_of_their_readme(tmp_path: Path):
    """The label that is published mirrored has its parked cars on the left, as its picture has."""
    source = shared_folder("data", "dual_camera")
    to = convert(source, tmp_path / "to")
    wanted = shares_in_readme((source / "README.md").read_text())
    assert len(wanted) == 4
    examples = {
        split: list(open_two_cameras(to, split).examples()) for split in ("train", "val", "test")
    }
    assert [len(examples[split]) for split in ("train", "val", "test")] == [2, 2, 1]
    for example in examples["train"]:
        for prefix in ("", "second_"):
            counts = np.bincount(example[f"{prefix}label"].ravel(), minlength=256)
            assert counts.sum() == 1208 * 1920 and counts[6:].sum() == 0
            shares = wanted[example[f"{prefix}filename"]]
            np.testing.assert_allclose(100 * counts[:6] / counts.sum(), shares, atol=0.0005)
    turned = next(e for e in examples["val"] if e["filename"] == "fov120_21000")["second_label"]
    assert np.nonzero(turned == 3)[1].mean() < 1920 / 2
    assert examples["test"][0]["second_image"].shape == (1208, 1920, 3)
