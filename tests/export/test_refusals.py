"""Messages of export that no other test raises: one line each."""

from pathlib import Path

import pytest

from roadseg.errors import RoadsegError
from roadseg.export.command import _check_target, parse_step
from roadseg.export.converters import refused


def a_converter_that_fails(folder: Path) -> None:
    with refused("onnx", folder):
        raise RuntimeError("first line\n  error: no such operation\nlast line")


def a_file_for_a_folder(folder: Path) -> None:
    (folder / "x").touch()
    _check_target(folder / "x")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (lambda folder: parse_step("x"), "--step x: give a step"),
        (a_file_for_a_folder, "x: a file; give a folder with --to"),
        (a_converter_that_fails, "written as onnx .RuntimeError: error: no such operation.; exp"),
    ],
)
def test_the_message_is_raised_and_is_one_line(asked, message: str, tmp_path: Path) -> None:
    with pytest.raises(RoadsegError, match=message) as caught:
        asked(tmp_path)
    assert "\n" not in str(caught.value)
