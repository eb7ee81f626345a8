from pathlib import Path

import numpy as np
import pytest

from roadseg import label_tables
from roadseg.data_conversion.convert import main
from roadseg.data_conversion.read.records import open_records
from roadseg.data_conversion.sets.camvid import split_of
from roadseg.errors import RoadsegError
from tests.data_conversion.support import picture, write_png


def original_camvid(root: Path, *names: str) -> Path:
    """Write frames in the original layout; every label holds all 32 colours."""
    colours = np.array(list(label_tables.get("camvid32").colour_to_train), np.uint8)
    labels = colours[np.resize(np.arange(32), (24, 40))]
    for index, name in enumerate(names):
        write_png(root / "701_StillsRaw_full" / f"{name}.png", picture(index))
        write_png(root / "LabeledApproved_full" / f"{name}_L.png", labels)
    return root


def test_void_of_the_tutorial_becomes_the_ignore_value(tmp_path: Path):
    labels = np.resize(np.arange(12, dtype=np.uint8), (24, 40))
    write_png(tmp_path / "c" / "val" / "a.png", picture(0))
    write_png(tmp_path / "c" / "valannot" / "a.png", labels)
    assert main(["camvid", "--source", str(tmp_path / "c"), "--to", str(tmp_path / "to")]) == 0
    found = next(open_records(tmp_path / "to", "val").examples())
    np.testing.assert_array_equal(found["label"], np.where(labels == 11, 255, labels))


def test_colours_of_the_original_become_11_classes(tmp_path: Path):
    root = original_camvid(tmp_path / "c", "0016E5_00390", "0016E5_07959", "Seq05VD_f00000")
    to = tmp_path / "to"
    assert main(["camvid_original", "--source", str(root), "--to", str(to)]) == 0
    table = label_tables.get("camvid32")
    for split in ("train", "val", "test"):
        label = next(open_records(to, split).examples())["label"]
        np.testing.assert_array_equal(label.ravel()[:32], list(table.colour_to_train.values()))


@pytest.mark.parametrize(
    ("frame", "split"),
    [
        ("0016E5_07920", "train"),
        ("0016E5_07959", "val"),
        ("0016E5_08159", "val"),
        ("0016E5_08190", "train"),
        ("0001TP_008520", "train"),
        ("0001TP_008550", "test"),
        ("0006R0_f00930", "train"),
        ("Seq05VD_f05100", "test"),
    ],
)
def test_frames_fall_into_the_splits_of_the_tutorial(frame: str, split: str):
    assert split_of(Path(f"{frame}.png")) == split


def test_a_name_that_is_no_frame_is_refused():
    with pytest.raises(RoadsegError, match="holiday.png: not the name of a CamVid frame"):
        split_of(Path("holiday.png"))


def test_the_two_layouts_are_told_apart(tmp_path: Path):
    root = original_camvid(tmp_path / "c", "0016E5_00390")
    with pytest.raises(RoadsegError, match="no folder train, val or test.*camvid_original"):
        main(["camvid", "--source", str(root), "--to", str(tmp_path / "to")])
