"""The check that every message is raised by a test is one that can fail."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from roadseg.errors import RoadsegError
from roadseg.two_cameras.flow_files import decode_flow
from tests.messages import every_message
from tests.raised import raised, unraised
from tests.support import REPOSITORY

CONFTEST = """from tests.raised import (
    pytest_addoption, pytest_configure, pytest_sessionfinish, pytest_testnodedown,
)
"""
TEST = """import pathlib, pytest
from roadseg.errors import RoadsegError
from roadseg.two_cameras.flow_files import decode_flow

def test_one():
    with pytest.raises(RoadsegError):
        decode_flow(b"", pathlib.Path("a.flo"))
"""
PLACE = "research/two_cameras/flow_files.py"
MESSAGE = "<path>: <len(content)> bytes are no .flo file; <way_out>"


def test_a_message_is_noted_where_it_is_made() -> None:
    with pytest.raises(RoadsegError):
        decode_flow(b"", Path("a.flo"))
    assert (PLACE, MESSAGE) in raised()


def test_messages_that_no_test_raises_are_messages_of_the_code() -> None:
    assert unraised() <= every_message(), "remove the lines from tests/unraised.txt"


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_a_whole_run_fails_for_messages_that_it_did_not_raise(
    workers: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_one.py").write_text(TEST)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow"]
    options = {
        "cwd": tmp_path,
        "env": {**os.environ, "PYTHONPATH": str(REPOSITORY), "ROADSEG_CHECK_MESSAGES": "1"},
    }
    whole = subprocess.run([*command, *workers], capture_output=True, text=True, **options)
    assert whole.returncode == 1 and "1 passed" in whole.stdout
    assert "no test raises this message: train/check.py: " in whole.stdout
    assert MESSAGE not in whole.stdout
    part = subprocess.run([*command, "test_one.py"], capture_output=True, text=True, **options)
    assert part.returncode == 0
