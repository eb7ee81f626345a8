"""The confusion matrix counts as the compiled loop does; how fast is for the command to say."""

from pathlib import Path

import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.eval.benchmark import confusion as benchmark


def test_the_loop_and_ours_count_alike_on_every_kind_of_map(tmp_path: Path) -> None:
    loop = benchmark.compiled_loop(tmp_path)
    for labels, predictions in benchmark.maps((64, 96)).values():
        assert (labels == benchmark.IGNORE).any() and len(np.unique(predictions)) > 3
        expected = loop(labels, predictions)
        assert expected.sum() == (labels < benchmark.CLASSES).sum()
        np.testing.assert_array_equal(benchmark.counted(labels, predictions), expected)


def test_ratios_are_printed_for_every_kind_of_map(capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main(["--size", "64x96", "--repeats", "1"]) in (0, 1)
    printed = capsys.readouterr().out
    assert "64x96, 19 classes" in printed and printed.count("ours, int32 predictions") == 2


def test_a_machine_without_compiler_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(RoadsegError, match="no C compiler; install one"):
        benchmark.compiled_loop(tmp_path)
