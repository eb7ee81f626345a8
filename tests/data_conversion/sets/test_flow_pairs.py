from pathlib import Path

import numpy as np
import pytest

from roadseg.data_conversion import inspect_records
from roadseg.data_conversion.convert import main
from roadseg.data_conversion.read.records import open_records
from roadseg.data_conversion.read.two_cameras import open_two_cameras
from roadseg.errors import RoadsegError
from roadseg.two_cameras.flow_files import write_flow
from tests.data_conversion.support import picture, write_png

SIZE = (16, 24)


def a_flow(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 4, (*SIZE, 2)).astype(np.float32)


def flow_set(root: Path, train: int = 2, test: int = 1, flow: bool = True) -> Path:
    """Write train.txt and test.txt with the frames and flows that they name."""
    for name, count in (("train", train), ("test", test)):
        lines = []
        for number in range(count):
            words = [f"{name}/{number}/{part}" for part in ("a.png", "b.png", "flow.flo")]
            write_png(root / words[0], picture(number, SIZE))
            write_png(root / words[1], picture(number + 50, SIZE))
            if flow:
                write_flow(root / words[2], a_flow(number))
            lines.append(",".join(words if flow else words[:2]))
        (root / f"{name}.txt").write_text("\n".join(lines) + "\n\n")
    return root


def convert(root: Path, to: Path, *options: str) -> Path:
    assert main(["flow_pairs", "--source", str(root), "--to", str(to), *options]) == 0
    return to / "flow_pairs"


def test_lines_become_pairs_with_their_flow(tmp_path: Path):
    records = open_two_cameras(convert(flow_set(tmp_path / "f"), tmp_path / "to"), "train")
    assert records.has_flow and records.num_examples == 2
    for number, example in enumerate(records.examples()):
        assert (example["filename"], example["second_filename"]) == (
            f"train_{number}_a",
            f"train_{number}_b",
        )
        np.testing.assert_array_equal(example["image"], picture(number, SIZE))
        np.testing.assert_array_equal(example["second_image"], picture(number + 50, SIZE))
        np.testing.assert_array_equal(example["flow_xy_px"], a_flow(number))
        assert example["flow_xy_px"].dtype == np.float32
    assert open_records(records.path, "test").num_examples == 1


def test_lines_without_a_flow_become_pairs_without_one(tmp_path: Path):
    to = convert(flow_set(tmp_path / "f", flow=False), tmp_path / "to")
    records = open_two_cameras(to, "train")
    assert not records.has_flow
    assert "flow_xy_px" not in next(records.examples())


def test_a_list_may_be_named_and_so_may_its_split(tmp_path: Path):
    root = flow_set(tmp_path / "f")
    options = ("--list", str(root / "train.txt"), "--split-name", "pseudo")
    assert open_two_cameras(convert(root, tmp_path / "to", *options), "pseudo").num_examples == 2


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("a.png", r"line 4: 1 columns; wanted 'first,second,flow.flo' or 'first,second'"),
        ("a.png,,c.flo", "line 4: 3 columns; wanted"),
        ("a,b,c,d", "line 4: 4 columns; wanted"),
        ("train/0/a.png,train/0/c.png", "line 4: no file .*c.png; paths are relative to --source"),
        ("train/0/a.png,train/1/b.png", "some lines have a flow and some have none"),
        ("train/0/a.png, train/0/b.png, train/0/flow.flo", "line 4: the same files as in line 1"),
        (
            "other.png,train/1/b.png,small.flo",
            "small.flo: other.png is 16x24, b.png is 16x24, smal",
        ),
        ("other.png,train/1/b.png,other.png", "other.png: begins with .*, a .flo file with 2020"),
    ],
)
def test_a_line_at_fault_is_named(tmp_path: Path, line: str, complaint: str):
    root = flow_set(tmp_path / "f")
    write_png(root / "other.png", picture(3, SIZE))
    write_flow(root / "small.flo", np.zeros((8, 8, 2)))
    with (root / "train.txt").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(RoadsegError, match=complaint):
        convert(root, tmp_path / "to")
    assert not (tmp_path / "to" / "flow_pairs").exists()


def test_a_truncated_flow_is_named(tmp_path: Path):
    root = flow_set(tmp_path / "f")
    path = root / "train" / "1" / "flow.flo"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(RoadsegError, match="1/flow.flo: truncated, 3076 bytes, a flow of 16x24 ha"):
        convert(root, tmp_path / "to")


def test_a_folder_without_lists_is_refused(tmp_path: Path):
    with pytest.raises(RoadsegError, match="neither train.txt nor test.txt; name a list"):
        convert(tmp_path, tmp_path / "to")


def test_inspect_draws_the_flow_below_the_views(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    import cv2

    to = convert(flow_set(tmp_path / "f"), tmp_path / "to")
    assert inspect_records.main([str(to), "--split", "test", "--to", str(tmp_path / "p")]) == 0
    assert "no labels" in capsys.readouterr().out
    drawn = cv2.imread(str(tmp_path / "p" / "test_0_a_preview.png"))
    assert drawn.shape[0] > 3 * 533 and drawn.shape[1] == 1600
