import struct
from pathlib import Path

import numpy as np
import pytest

from roadseg import files
from roadseg.errors import RoadsegError
from roadseg.two_cameras.flow_files import decode_flow, encode_flow, known, read_flow, write_flow


def a_flow(height: int = 3, width: int = 5) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 9, (height, width, 2)).astype(np.float32)


def test_a_flow_that_is_written_is_read_back_equal(tmp_path: Path):
    write_flow(tmp_path / "new" / "a.flo", a_flow())
    found = read_flow(tmp_path / "new" / "a.flo")
    assert found.dtype == np.float32 and found.flags.writeable
    np.testing.assert_array_equal(found, a_flow())


def test_a_file_holds_mark_width_height_and_then_x_before_y_row_by_row():
    flow = np.array([[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 10], [11, 12]]], np.float32)
    wanted = b"PIEH" + struct.pack("<ii", 3, 2) + struct.pack("<12f", *range(1, 13))
    assert encode_flow(flow) == wanted
    np.testing.assert_array_equal(decode_flow(wanted, Path("a.flo")), flow)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "0 bytes are no .flo file"),
        (b"PIEH\3\0\0", "7 bytes are no .flo file"),
        (b"\x89PNG" + bytes(40), "begins with .*, a .flo file with 202021.25; name a .flo file"),
        (struct.pack(">fii", 202021.25, 1, 1) + bytes(8), "begins with"),
        (encode_flow(a_flow())[:-1], "truncated, 131 bytes, a flow of 3x5 has 132; copy"),
        (encode_flow(a_flow()) + b"\0", "too long, 133 bytes, a flow of 3x5 has 132; copy"),
        (b"PIEH" + struct.pack("<ii", 0, 4), r"a flow of 4x0 \(height x width\)"),
        (b"PIEH" + struct.pack("<ii", 4, -4), "a flow of -4x4"),
        (b"PIEH" + struct.pack("<ii", 1 << 30, 1 << 30), "a flow of 1073741824x1073741824"),
    ],
)
def test_a_damaged_file_is_named_with_what_is_wrong(tmp_path: Path, content: bytes, complaint: str):
    path = tmp_path / "a.flo"
    path.write_bytes(content)
    with pytest.raises(RoadsegError, match=f"a.flo: {complaint}"):
        read_flow(path)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(RoadsegError, match="a.flo: cannot be read .No such file"):
        read_flow(tmp_path / "a.flo")


@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 3), (0, 5, 2), (1, 3, 5, 2)])
def test_an_array_of_another_shape_is_no_flow(tmp_path: Path, shape: tuple[int, ...]):
    with pytest.raises(ValueError, match=r"a flow is \(height, width, 2\), got"):
        write_flow(tmp_path / "a.flo", np.zeros(shape, np.float32))
    assert not any(tmp_path.iterdir())


def test_a_full_disk_leaves_the_file_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_flow(tmp_path / "a.flo", a_flow())

    def full(file: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "sync", full)
    with pytest.raises(RoadsegError, match="a.flo: not written, the disk is full"):
        write_flow(tmp_path / "a.flo", 2 * a_flow())
    np.testing.assert_array_equal(read_flow(tmp_path / "a.flo"), a_flow())
    assert [path.name for path in tmp_path.iterdir()] == ["a.flo"]


def test_huge_components_and_no_numbers_say_that_a_flow_is_not_known():
    flow = np.array([[[0, 1], [9e8, -9e8], [1e9, 0], [0, -1e10], [np.nan, 0], [0, np.inf]]])
    assert known(flow).tolist() == [[True, True, False, False, False, False]]
