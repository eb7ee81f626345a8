"""The report draws densities and meshes beside the labels, and costs with every part."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from roadseg.eval.evaluation import Evaluation
from roadseg.eval.job import EvaluationOptions
from roadseg.eval.replaced import SamplerArguments
from roadseg.eval.report import command
from roadseg.eval.report.data import load_runs
from roadseg.eval.report.pictures import heat
from roadseg.eval.watch import evaluate_and_store
from roadseg.runs.run_folder import RunFolder
from tests.eval.runs import write_records
from tests.eval.sampler_runs import prior_run, run_behind


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Return a run behind a fixed density, evaluated by it and by the uniform grid."""
    folder = tmp_path_factory.mktemp("evaluated")
    records = write_records(folder / "records", 3)
    run = run_behind(folder / "run", prior_run(folder / "prior", records), "prior")
    for sampling in (SamplerArguments(), SamplerArguments("uniform")):
        evaluation = Evaluation(run, EvaluationOptions(sampling=sampling))
        assert evaluate_and_store(evaluation, 30) is not None
    return run


@pytest.fixture
def run(tmp_path: Path, evaluated: RunFolder) -> RunFolder:
    """Return a copy, which a test may change."""
    return RunFolder(shutil.copytree(evaluated.path, tmp_path / "run"))


def written(run: RunFolder, to: Path, *more: str) -> str:
    argv = [str(run.path), "--to", str(to), "--pictures", "1", *more]
    assert command.main(argv) == 0
    return to.read_text(encoding="utf-8")


def test_densities_and_meshes_stand_beside_the_labels(tmp_path: Path, run: RunFolder) -> None:
    page = written(run, tmp_path / "report.html")
    section = page.partition("<h2>Sampling</h2>")[2].partition("<h2>")[0]
    shown = re.findall(r'alt="(.*?)"', section)
    kinds = [alt.partition(" val")[0] for alt in shown]
    assert kinds == ["ground truth of", "density of", "sampling mesh on"] * 2
    assert "run: prior 16x16" in section
    assert "samples to pixels" in page and "solver" in page
    assert "adaptive" not in page and "auxiliary" not in page.partition("<h2>Recipe")[0]


def test_the_run_of_a_prior_has_a_page(tmp_path: Path, run: RunFolder) -> None:
    prior = prior_run(tmp_path / "prior", Path(run.recipe.records))
    page = written(prior, tmp_path / "report.html")
    assert "prior_sampler" in page


def test_scores_by_another_sampler_are_shown_under_its_name_and_without_pictures(
    tmp_path: Path, run: RunFolder
) -> None:
    kind = "val-cityscapes-by-uniform"
    page = written(run, tmp_path / "report.html", "--evaluation", kind)
    assert "No pictures: the images were sampled by &#x27;uniform&#x27;" in page
    assert "stand beside the cost of its own" in page
    (loaded,) = load_runs([run.path], kind)
    assert loaded.sampling == "uniform 16x16"
    assert len(loaded.curve("evaluation", "miou")[0]) == 1
    shutil.rmtree(run.path / "evaluation" / kind)
    (own,) = load_runs([run.path])
    assert own.sampling == "prior 16x16"
    assert own.curve("evaluation", "miou")[1] != loaded.curve("evaluation", "miou")[1]


def test_the_brightest_place_is_where_the_density_is_highest() -> None:
    density = np.zeros((4, 5), np.float32)
    density[1, 3] = 7
    lit = heat(np.full((40, 50, 3), 90, np.uint8), density).sum(axis=-1)
    row, column = np.unravel_index(lit.argmax(), lit.shape)
    assert row * 4 // lit.shape[0] == 1 and column * 5 // lit.shape[1] == 3
    assert np.ptp(heat(np.full((40, 50, 3), 90, np.uint8), np.zeros((4, 5)))) < 60
