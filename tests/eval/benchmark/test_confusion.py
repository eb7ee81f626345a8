"""The confusion matrix counts as the compiled loop does; how fast is for the command to say."""

import itertools
from pathlib import Path
from types import SimpleNamespace

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


def let_calls_take(monkeypatch: pytest.MonkeyPatch, *durations: int) -> None:
    """Let calls that are timed take these nanoseconds: loop, ours, int32, NumPy, and so on."""
    steps = ((1, duration) for duration in itertools.cycle(durations))
    times = itertools.accumulate(itertools.chain.from_iterable(steps))
    clock = SimpleNamespace(thread_time_ns=lambda: next(times))
    monkeypatch.setattr(benchmark, "time", clock)


def test_the_best_turns_of_each_kind_of_map_are_printed_beside_the_loops(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    let_calls_take(monkeypatch, 40, 10, 20, 80, 50, 30, 60, 80)
    assert benchmark.main(["--size", "64x96", "--repeats", "2"]) == 0
    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.startswith("64x96, 19 classes")
    assert [row.split()[0] for row in rows] == ["street", "noise"]
    for row in rows:
        assert row.endswith("ours 4.00   ours, int32 predictions 2.00   numpy 0.50")


@pytest.mark.parametrize(("ours", "status"), [(39, 0), (41, 1)])
def test_the_status_says_whether_ours_is_slower_on_any_kind_of_map(
    ours: int, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_calls_take(monkeypatch, 40, 10, 20, 80, 40, ours, 20, 80)
    assert benchmark.main(["--size", "64x96", "--repeats", "1"]) == status


def test_ways_that_count_differently_are_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = np.zeros((benchmark.CLASSES, benchmark.CLASSES), np.int64)
    monkeypatch.setattr(benchmark, "counted_by_numpy", lambda *maps: nothing)
    assert benchmark.main(["--size", "64x96", "--repeats", "1"]) == 2
    assert "street maps are not counted alike" in capsys.readouterr().err


def test_a_machine_without_compiler_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(RoadsegError, match="no C compiler; install one"):
        benchmark.compiled_loop(tmp_path)
