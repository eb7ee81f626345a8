"""Runs of samplers by density are judged by their densities and by the grids solved for them."""

import json
from pathlib import Path

import numpy as np
import pytest

from roadseg import nus_native
from roadseg.errors import RoadsegError
from roadseg.eval import tables
from roadseg.eval.evaluation import Evaluation, evaluate
from roadseg.eval.job import EvaluationOptions
from roadseg.eval.report import command
from roadseg.eval.results.density import DensityResult
from roadseg.eval.results.load import load_result
from roadseg.eval.tasks.density import cross_entropy, entropy
from roadseg.eval.watch import evaluate_and_store
from roadseg.metrics.grid_cells import cell_masses, folded_cells, residual
from roadseg.runs.run_folder import RunFolder
from tests.eval.runs import TABLE, add_checkpoint, street, write_records
from tests.eval.sampler_runs import CELLS, density_run, prior_run


def even_grid(rows: int, columns: int) -> np.ndarray:
    axes = np.linspace(0, 1, rows), np.linspace(0, 1, columns)
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_records(tmp_path_factory.mktemp("records"), count=3)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, records: Path) -> RunFolder:
    run = density_run(tmp_path_factory.mktemp("density"), records)
    add_checkpoint(run, 30, seed=1)
    return run


@pytest.fixture(scope="module")
def result(run: RunFolder) -> DensityResult:
    found = evaluate(run, EvaluationOptions(batch_size=2))
    assert isinstance(found, DensityResult)
    return found


@pytest.fixture(scope="module")
def stored(run: RunFolder) -> dict[int, DensityResult]:
    """Return the results of both checkpoints, which are written to the run too."""
    evaluation = Evaluation(run)
    found = {step: evaluate_and_store(evaluation, step) for step in (20, 30)}
    return {step: one for step, one in found.items() if isinstance(one, DensityResult)}


def targets() -> np.ndarray:
    labels = np.stack([street(number)[1] for number in range(3)])
    return nus_native.boundary_density(labels, CELLS).astype(np.float64)


def test_cell_masses_are_area_times_density() -> None:
    mass = np.full((6, 8), 2.0)
    np.testing.assert_allclose(cell_masses(even_grid(4, 5), mass), 2 / 12, rtol=1e-12)
    assert residual(even_grid(4, 5), mass) < 1e-12
    grid = even_grid(3, 3)
    grid[:, 1, 1] = 0.25
    np.testing.assert_allclose(cell_masses(grid, np.ones((4, 4))), [[0.125, 0.375]] * 2)
    slope = np.tile(np.arange(8.0) + 0.5, (4, 1))
    np.testing.assert_allclose(cell_masses(even_grid(2, 5), slope)[0, 1:3], [0.75, 1.25])


def test_a_cell_that_turns_over_at_one_corner_counts_as_folded() -> None:
    grid = even_grid(5, 6)
    assert folded_cells(grid) == 0
    grid[2, 2] = [0.5, 0.65]
    # Past its right neighbour: the two cells to the left of the point only grow.
    assert folded_cells(grid) == 2
    assert folded_cells(even_grid(4, 4)[::-1]) == 9


def test_scores_are_those_of_each_image_done_by_hand(run: RunFolder, result: DensityResult) -> None:
    sampler = run.load_sampler(30)
    images = np.stack([street(number)[0] for number in range(3)]).astype(np.float32)
    density = np.asarray(sampler.density(images)).astype(np.float64)
    errors = -(targets() * np.log(density)).sum((1, 2))
    np.testing.assert_allclose([one.cross_entropy for one in result.per_image], errors, rtol=1e-4)
    assert result.cross_entropy == pytest.approx(errors.mean(), rel=1e-4)
    grids = np.asarray(sampler.control(images))
    masses = np.asarray(sampler.equidistribution.mass(sampler.density(images)))
    fits = [residual(*pair) for pair in zip(grids, masses, strict=True)]
    np.testing.assert_allclose([one.residual for one in result.per_image], fits, rtol=1e-3)
    assert (result.residual_worst, result.folded) == (max(x.residual for x in result.per_image), 0)
    assert (result.protocol.name, result.images, result.step) == ("density", 3, 30)
    assert result.cells == (grids.shape[1] - 1) * (grids.shape[2] - 1)


def test_the_floor_lies_below_the_best_fixed_density_and_that_below_uniform(
    result: DensityResult,
) -> None:
    mean = targets().mean(axis=0)
    fixed = np.mean([-(target * np.log(mean + 1e-30)).sum() for target in targets()])
    assert result.best_fixed == pytest.approx(fixed, rel=1e-4)
    assert result.entropy < result.best_fixed < result.uniform == pytest.approx(np.log(80))
    assert result.entropy < result.cross_entropy


def test_predicting_the_target_reaches_its_entropy_whatever_the_logits_scale() -> None:
    target = targets()[0]
    logits = np.log(target + 1e-12) + 300
    assert cross_entropy(logits, target) == pytest.approx(entropy(target), rel=1e-6)


def test_the_mean_of_the_evaluated_images_as_prior_scores_as_the_best_fixed_one(
    tmp_path: Path, records: Path
) -> None:
    prior = prior_run(tmp_path / "prior", records, targets().mean(axis=0) + 1e-12)
    result = evaluate(prior)
    assert isinstance(result, DensityResult)
    assert result.cross_entropy == pytest.approx(result.best_fixed, rel=1e-5)
    assert len({score.residual for score in result.per_image}) == 1


def test_a_smaller_cross_entropy_is_better_and_results_are_read_back(
    run: RunFolder, stored: dict[int, DensityResult]
) -> None:
    better = min(stored.values(), key=lambda one: one.cross_entropy)
    best = json.loads((run.path / "best.json").read_text())
    assert (best["metric"], best["step"]) == ("cross_entropy", better.step)
    again = load_result(Evaluation(run).result_path(30))
    assert isinstance(again, DensityResult) and again == stored[30]
    events = [event for event in run.read_metrics() if event.get("event") == "evaluation"]
    assert events[-1]["best_fixed"] == stored[30].best_fixed and events[-1]["folded"] == 0


def test_tables_and_report_show_the_scores_beside_their_bounds(
    tmp_path: Path,
    run: RunFolder,
    stored: dict[int, DensityResult],
    capsys: pytest.CaptureFixture[str],
) -> None:
    result = stored[30]
    for table in tables.result_tables(result):
        tables.console().print(table)
    printed = capsys.readouterr().out
    for value in (result.cross_entropy, result.entropy, result.best_fixed, result.uniform):
        assert f"{value:.4f}" in printed
    assert f"0 of {3 * result.cells:,}" in printed and "in hindsight" in printed
    assert command.main([str(run.path), "--to", str(tmp_path / "report.html")]) == 0
    page = (tmp_path / "report.html").read_text()
    assert f"{result.best_fixed:.4f}" in page and "<h2>Samplers</h2>" in page


def test_a_label_map_smaller_than_the_cells_is_named(tmp_path: Path, records: Path) -> None:
    run = density_run(tmp_path / "fine", records, sampler={"input_size": (256, 320)})
    with pytest.raises(RoadsegError, match="val0: cells 64x80 over a label map of 48x64"):
        evaluate(run)


def test_maps_without_any_label_have_the_uniform_density(tmp_path: Path, run: RunFolder) -> None:
    import tensorflow as tf

    from tests.examples import example_values, serialized

    folder = tmp_path / "void"
    folder.mkdir()
    with tf.io.TFRecordWriter(str(folder / "val-00000-of-00001.tfrecord")) as writer:
        image = street(0)[0]
        writer.write(serialized(example_values(image, np.full((48, 64), 255, np.uint8), "void")))
    (folder / "label_table.json").write_text(TABLE.to_json())
    result = evaluate(run, EvaluationOptions(records=folder))
    assert isinstance(result, DensityResult)
    assert result.entropy == result.uniform == pytest.approx(np.log(80))
