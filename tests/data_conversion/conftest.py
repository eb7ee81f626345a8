"""Records that several files of tests read."""

from pathlib import Path

import pytest

from roadseg.data_conversion.convert import main
from tests.data_conversion.support import small_cityscapes


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a Cityscapes of three training images and one of val, converted."""
    root = tmp_path_factory.mktemp("data")
    city = small_cityscapes(root / "city", train=3, val=1)
    assert main(["cityscapes", "--source", str(city), "--to", str(root / "records")]) == 0
    return root / "records"
