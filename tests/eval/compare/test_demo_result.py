"""The five lines at the end of the demo say what the scores say, whichever way they fell."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.eval.compare import demo_result
from roadseg.eval.report.comparison import Comparison
from roadseg.eval.report.data import ReportedRun, load_runs
from tests.eval.small_runs import RECIPE, small_run

ROW = Comparison("run", "uniform 8x8", 1, 0.5, 0.4, 0.4, 0.3, 0.3, 10, 2_000_000, 3.0)
BETTER = replace(ROW, miou=0.52, boundary=0.41)


def runs(tmp_path: Path) -> list[ReportedRun]:
    paths = []
    for name, size in (("even", (40, 40)), ("chosen", (32, 32))):
        paths.append(small_run(tmp_path / name, replace(RECIPE, sampling_size=size)).path)
    return load_runs(paths)


@pytest.mark.parametrize(
    ("learned", "sentence"),
    [
        (BETTER, "labels more of the street rightly, for no more multiply-adds."),
        (replace(BETTER, macs=2_000_001), "more of the street rightly, for more multiply-adds."),
        (replace(BETTER, latency_ms=7.2), "multiply-adds and 4 ms more of processor time."),
        (replace(ROW, miou=0.4), "here choosing the pixels did not help"),
        (replace(BETTER, boundary=0.3), "helped with classes and not with edges"),
        (replace(BETTER, miou=0.3), "helped with edges and not with classes"),
        (replace(ROW, miou=np.nan), "a score is missing"),
    ],
)
def test_the_sentence_follows_the_scores(learned: Comparison, sentence: str) -> None:
    assert sentence in demo_result._meaning(ROW, learned)


def test_five_lines_name_scores_costs_and_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    even, chosen = runs(tmp_path)
    rows = {"even": ROW, "chosen": BETTER}

    class Scores:
        images = 48

    monkeypatch.setattr(ReportedRun, "segmentation", Scores())
    monkeypatch.setattr(demo_result, "compare", lambda run, latency: rows[run.name])
    lines = demo_result.lines(even, chosen, Path("report.html"))
    assert len(lines) == 5
    assert "40x40 evenly spread" in lines[0] and "32x32 pixels that" in lines[0]
    assert "48 pictures never seen" in lines[0]
    assert "mIoU 50.0 % evenly, 52.0 % chosen (+2.0)" in lines[1]
    assert "right within 3 px of an edge 40.0 % evenly, 41.0 % chosen (+1.0)" in lines[1]
    assert "2 and 2 million multiply-adds, 3 and 3 ms" in lines[2]
    assert "report.html" in lines[4]


def test_runs_without_an_evaluation_and_a_single_run_are_refused(tmp_path: Path) -> None:
    even, chosen = runs(tmp_path)
    with pytest.raises(RoadsegError, match=r"even: not evaluated; roadseg eval "):
        demo_result.lines(even, chosen, Path("report.html"))
    with pytest.raises(RoadsegError, match="name two runs"):
        demo_result.main([str(tmp_path / "even")])
