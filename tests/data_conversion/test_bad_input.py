"""One test for each kind of bad input: one line that names the file, the value and the way out."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from roadseg.cli import main
from roadseg.data_conversion.raw.image_files import read_image, read_label
from roadseg.errors import RoadsegError
from tests.data_conversion.support import (
    first_image,
    first_label,
    id_map,
    picture,
    small_cityscapes,
    write_png,
)

Refusal = Callable[..., str]


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return small_cityscapes(tmp_path / "city", train=3, val=1)


@pytest.fixture
def refusal(city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Refusal:
    """Convert the small set; return the one line of the error, and check that nothing is left."""

    def run(*options: str, source: Path = city) -> str:
        to = tmp_path / "records"
        status = main(["convert", "cityscapes", "--source", str(source), "--to", str(to), *options])
        assert status == 2
        error = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error: ")]
        assert len(error) == 1
        assert not to.exists() or not any(to.iterdir())
        return error[0]

    return run


def test_a_missing_folder_is_refused(refusal: Refusal, tmp_path: Path):
    line = refusal(source=tmp_path / "nowhere")
    assert "nowhere: no such folder; --source is the folder that holds leftImg8bit" in line


def test_an_image_without_label_is_refused(refusal: Refusal, city: Path):
    first_label(city).unlink()
    line = refusal()
    assert str(first_image(city)) in line
    assert f"image without label, {first_label(city).parent}" in line


def test_a_label_of_another_size_is_refused(refusal: Refusal, city: Path):
    write_png(first_label(city), id_map(0, (16, 40)))
    assert f"{first_label(city)}: label is 16x40, its image" in refusal()


def test_a_truncated_image_is_refused(refusal: Refusal, city: Path):
    path = first_image(city)
    path.write_bytes(path.read_bytes()[:-20])
    assert f"{path}: truncated PNG" in refusal()


def test_a_truncated_label_is_refused(refusal: Refusal, city: Path):
    path = first_label(city)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert f"{path}: truncated PNG" in refusal()


def test_a_label_id_outside_the_table_is_refused(refusal: Refusal, city: Path):
    labels = id_map(0)
    labels[5, 17] = 99
    write_png(first_label(city), labels)
    line = refusal()
    assert f"{first_label(city)}: label id 99 at row 5, column 17 is not in the label table" in line


def test_label_ids_read_as_train_ids_are_refused(refusal: Refusal, city: Path):
    for path in city.glob("gtFine/*/*/*labelIds.png"):
        path.rename(path.with_name(path.name.replace("labelIds", "labelTrainIds")))
    line = refusal("--labels", "train")
    assert "train id 2" in line and "run the converter with `--labels ids`" in line


def test_an_empty_split_is_refused(refusal: Refusal, city: Path):
    for path in city.glob("leftImg8bit/val/*/*"):
        path.unlink()
    assert "leave split 'val' out" in refusal()


def test_a_folder_without_labels_of_the_wanted_kind_is_refused(refusal: Refusal, city: Path):
    for path in city.glob("gtFine/*/*/*labelTrainIds.png"):
        path.unlink()
    assert "no *_gtFine_labelTrainIds.png" in refusal("--labels", "train")


def test_a_count_of_no_shards_is_refused(refusal: Refusal):
    assert "--shards 0" in refusal("--shards", "0")


def test_an_unknown_data_set_is_refused(capsys: pytest.CaptureFixture[str]):
    assert main(["convert", "nuscenes"]) == 2
    assert "no data set 'nuscenes'; there are: cityscapes, camvid" in capsys.readouterr().err


def test_a_jpeg_that_ends_early_is_refused(tmp_path: Path):
    path = tmp_path / "a.jpg"
    cv2.imwrite(str(path), picture(0))
    assert read_image(path).format == "jpeg"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(RoadsegError, match="a.jpg: .*truncated"):
        read_image(path)


@pytest.mark.parametrize("cut", [5, 12, 13, 40, 200])
def test_every_cut_of_a_png_is_noticed(cut: int, tmp_path: Path):
    path = write_png(tmp_path / "a.png", picture(0))
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(RoadsegError, match="a.png: truncated PNG"):
        read_image(path)


def test_a_flipped_bit_is_noticed(tmp_path: Path):
    path = write_png(tmp_path / "a.png", id_map(0))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(RoadsegError, match="a.png: damaged PNG"):
        read_label(path)


def test_a_jpeg_label_is_refused(tmp_path: Path):
    path = tmp_path / "label.png"
    path.write_bytes(cv2.imencode(".jpg", id_map(0))[1].tobytes())
    with pytest.raises(RoadsegError, match="label.png: not a PNG; labels must be lossless"):
        read_label(path)


def test_palette_labels_give_their_indices(tmp_path: Path):
    from PIL import Image

    labels = id_map(3)
    picture_p = Image.fromarray(labels, "P")
    picture_p.putpalette(list(range(256)) * 3)
    picture_p.save(tmp_path / "label.png")
    found = read_label(tmp_path / "label.png")
    np.testing.assert_array_equal(found.values, labels)
    assert not found.plain
