from pathlib import Path

import cv2
import numpy as np
import pytest

from roadseg import label_tables
from roadseg.data_conversion.inspect_records import count, main
from roadseg.data_conversion.previews import preview
from roadseg.errors import RoadsegError
from tests.data_conversion.support import id_map, picture


def test_pixels_and_images_of_each_class_are_counted():
    label = np.array([[0, 0, 0], [0, 1, 255]], np.uint8)
    statistics = count([{"label": label}, {"label": np.full((2, 4), 1, np.uint8)}])
    assert statistics.pixels[[0, 1, 255]].tolist() == [4, 9, 1]
    assert statistics.images[[0, 1, 255]].tolist() == [1, 2, 1]
    assert statistics.sizes == {(2, 3): 1, (2, 4): 1}
    assert statistics.share(1) == 9 / 14
    assert statistics.boundary == 4 / 13


def test_the_histogram_names_every_class(records: Path, capsys: pytest.CaptureFixture[str]):
    assert main([str(records), "--split", "train"]) == 0
    out = capsys.readouterr().out
    assert "split train: 3 images (3 of 24x40)" in out
    wanted = np.stack([id_map(i) for i in range(3)])
    row = next(line for line in out.splitlines() if " road " in line)
    assert f"{100 * (wanted == 7).mean():.3f}" in row
    assert all(name in out for name in label_tables.get("cityscapes").names)
    assert "preview" not in out


def test_previews_show_image_and_label_with_a_legend(records: Path, tmp_path: Path):
    folder = tmp_path / "previews"
    assert main([str(records), "--split", "train", "--to", str(folder), "--previews", "2"]) == 0
    paths = sorted(folder.glob("*.png"))
    assert len(paths) == 2 and all(path.name.endswith("_preview.png") for path in paths)
    assert cv2.imread(str(paths[0])).shape[1] == 1600


def test_a_preview_holds_the_colours_of_the_classes():
    table = label_tables.get("cityscapes")
    labels = np.zeros((48, 80), np.uint8)
    labels[:, 40:] = 13
    drawn = preview(picture(0, (48, 80)), labels, table)
    right = drawn[:480, 800:].reshape(-1, 3)
    for train_id in (0, 13):
        assert (right == table.colours[train_id]).all(1).mean() > 0.3


def test_a_missing_split_is_one_line(records: Path):
    with pytest.raises(RoadsegError, match="no split 'test'; there are: train, val"):
        main([str(records), "--split", "test"])


def test_help_begins_with_an_example(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert capsys.readouterr().out.startswith("example: roadseg inspect ")
