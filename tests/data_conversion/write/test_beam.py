import json
import sys
from pathlib import Path

import numpy as np
import pytest

from roadseg.cli import main
from roadseg.data_conversion.read.records import open_records
from tests.data_conversion.support import first_image, small_cityscapes


def convert(source: Path, to: Path, *options: str) -> int:
    return main(["convert", "cityscapes", "--source", str(source), "--to", str(to), *options])


def test_beam_that_is_not_installed_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    city = small_cityscapes(tmp_path / "city")
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    monkeypatch.setitem(sys.modules, "apache_beam.options.pipeline_options", None)
    assert convert(city, tmp_path / "to", "--beam") == 2
    assert "install it with: pip install 'roadseg[beam]'" in capsys.readouterr().err
    assert not any((tmp_path / "to").iterdir())


@pytest.fixture
def beam() -> None:
    pytest.importorskip("apache_beam", reason="the extra `beam` is not installed")


@pytest.mark.usefixtures("beam")
def test_beam_writes_the_same_examples_in_the_same_order(tmp_path: Path):
    city = small_cityscapes(tmp_path / "city", train=24, val=1)
    assert convert(city, tmp_path / "one", "--shards", "12") == 0
    assert convert(city, tmp_path / "two", "--shards", "12", "--beam") == 0
    pairs = zip(
        open_records(tmp_path / "one", "train").examples(),
        open_records(tmp_path / "two", "train").examples(),
        strict=True,
    )
    for one, two in pairs:
        assert one["filename"] == two["filename"]
        np.testing.assert_array_equal(one["image"], two["image"])
        np.testing.assert_array_equal(one["label"], two["label"])


@pytest.mark.usefixtures("beam")
def test_beam_notes_the_length_of_each_of_more_than_ten_shards(tmp_path: Path):
    city = small_cityscapes(tmp_path / "city", train=23, val=1)
    assert convert(city, tmp_path / "to", "--shards", "12", "--beam") == 0
    folder = tmp_path / "to" / "cityscapes" / "1.0.0"
    info = json.loads((folder / "dataset_info.json").read_text())
    lengths = {s["name"]: [int(n) for n in s["shardLengths"]] for s in info["splits"]}
    assert lengths["train"] == [2] * 11 + [1]
    assert not list(folder.glob("*.shard_infos.json"))


@pytest.mark.usefixtures("beam")
def test_bad_input_is_one_line_on_beam_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    city = small_cityscapes(tmp_path / "city")
    path = first_image(city)
    path.write_bytes(path.read_bytes()[:-20])
    assert convert(city, tmp_path / "to", "--beam") == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith(f"error: {path}: truncated PNG") and "while running" not in error
