"""Messages on targets that cannot be written that no other test raises: one line each."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from roadseg import label_tables
from roadseg.data_conversion.convert import main
from roadseg.data_conversion.raw.source import Pair, Source
from roadseg.data_conversion.sets.street_scenes import SETTINGS_FILE, write_street_scenes
from roadseg.data_conversion.write.write import _check_and_sync, write_records
from tests.support import assert_refused

SOURCE = Source("city", label_tables.get("cityscapes"), {"val": (Pair("a", Path("a.png"), None),)})


def a_table_for_nowhere(folder: Path) -> None:
    main(["table", "--name", "cityscapes", "--to", str(folder / "nowhere")])


def records_below_a_file(folder: Path) -> None:
    (folder / "file").touch()
    write_records(SOURCE, SimpleNamespace(name="city"), folder / "file")


def scenes_of_damaged_settings(folder: Path) -> None:
    (folder / SETTINGS_FILE).write_text("{")
    write_street_scenes(folder, train=1, val=0)


REFUSALS: list[tuple[Callable[[Path], object], str]] = [
    (a_table_for_nowhere, "nowhere: cannot write there .No such file or directory."),
    (records_below_a_file, "file: cannot write here .*; change --to"),
    (lambda folder: _check_and_sync(folder, SOURCE), ": 0 of 1 examples of 'val' written"),
    (scenes_of_damaged_settings, "cannot keep scenes here .*; choose another"),
]


@pytest.mark.parametrize(("refused", "message"), REFUSALS)
def test_the_message_is_raised_and_is_one_line(
    refused: Callable[[Path], object], message: str, tmp_path: Path
) -> None:
    assert_refused(refused, message, tmp_path)
