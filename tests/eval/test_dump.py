"""Pictures that an evaluation leaves of every prediction, and the boundary F-score it adds."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from roadseg import cli, label_tables
from roadseg.errors import RoadsegError
from roadseg.eval.dump import FOLDERS, dump
from roadseg.eval.evaluation import Evaluation
from roadseg.eval.frames import Frame
from roadseg.eval.job import EvaluationOptions
from roadseg.eval.results.segmentation import SegmentationResult
from roadseg.metrics.boundary_f import BoundaryFScore
from roadseg.runs.run_folder import RunFolder
from tests.eval.runs import NAMES, add_checkpoint, begin_run, recipe, street, write_records


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    records = write_records(tmp_path / "records", count=2)
    run = begin_run(tmp_path / "run", recipe(records, sampling={"kind": "none"}))
    add_checkpoint(run, 10, seed=3)
    return run


def read(path: Path) -> np.ndarray:
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert picture is not None, path
    return picture[..., ::-1] if picture.ndim == 3 else picture


def test_four_pictures_show_a_prediction(tmp_path: Path) -> None:
    table = label_tables.get("cityscapes")
    image = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    label, prediction = np.zeros((2, 6, 8), np.int64)
    label[:2], label[5], prediction[:, 4:] = 255, 11, 13
    dump(tmp_path, Frame("bonn_000000_000019", image, label), prediction, table)
    found = {kind: read(tmp_path / kind / "bonn_000000_000019.png") for kind in FOLDERS}
    np.testing.assert_array_equal(found["label_ids"], np.where(prediction == 13, 26, 7))
    colours = np.array(table.colours)[prediction]
    np.testing.assert_array_equal(found["colour"], colours)
    mixed = image / 2 + colours / 2
    np.testing.assert_allclose(found["overlay"], mixed, atol=0.51)
    wrong = (label != prediction) & (label < 19)
    np.testing.assert_array_equal(found["difference"][~wrong], 255)
    np.testing.assert_array_equal(found["difference"][wrong], found["overlay"][wrong])
    assert 0 < wrong.sum() < wrong.size


def test_an_evaluation_writes_a_picture_of_each_kind_for_each_image(
    run: RunFolder, tmp_path: Path
) -> None:
    to = tmp_path / "pictures"
    assert cli.main(["eval", str(run.path), "--save-predictions", str(to), "--json"]) == 0
    for kind in FOLDERS:
        assert {path.name for path in (to / kind).iterdir()} == {"val0.png", "val1.png"}
    labels = read(to / "label_ids" / "val1.png")
    expected = np.asarray(run.load_segmenter(10)(street(1)[0][None]))[0].argmax(-1)
    assert (labels == expected).mean() > 0.999


def test_an_output_for_void_is_black_ground(tmp_path: Path) -> None:
    table = label_tables.get("cityscapes")
    frame = Frame("a", np.full((2, 3, 3), 100, np.uint8), np.zeros((2, 3), np.uint8))
    dump(tmp_path, frame, np.full((2, 3), 19), table)
    assert (
        not read(tmp_path / "label_ids/a.png").any() and not read(tmp_path / "colour/a.png").any()
    )


def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    frame = Frame("../a", np.zeros((2, 3, 3), np.uint8), np.zeros((2, 3), np.uint8))
    with pytest.raises(RoadsegError, match="'../a' leads out of"):
        dump(tmp_path / "in", frame, frame.label, label_tables.get("cityscapes"))
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize("option", ["--save-predictions", "--boundary-f"])
def test_sampling_grids_have_no_pictures_and_no_outlines(
    run: RunFolder, tmp_path: Path, option: str
) -> None:
    other = begin_run(tmp_path / "grid", run.recipe.replace(task="sampling_grid"))
    options = EvaluationOptions(
        save_predictions=tmp_path if option == "--save-predictions" else None,
        boundary_f=option == "--boundary-f",
    )
    with pytest.raises(RoadsegError, match=f"{option}: .* sampling grids"):
        Evaluation(other, options)


def test_pictures_of_a_watch_are_refused(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["eval", str(run.path), "--follow", "--save-predictions", str(tmp_path)]) == 2
    assert "error: --save-predictions with --follow" in capsys.readouterr().err


def test_the_boundary_f_score_is_stored_shown_and_drawn(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["eval", str(run.path), "--boundary-f"]) == 0
    printed = capsys.readouterr().out
    assert "boundary F-score" in printed and "within 0.001875" in printed
    path = run.path / "evaluation/val-cityscapes/step-00000010.json"
    result = SegmentationResult.from_json(path.read_text())
    measure = BoundaryFScore(4)
    for number in range(2):
        image, label = street(number)
        labels = np.asarray(run.load_segmenter(10)(image[None]))[0].argmax(-1)
        measure.add(label, labels)
    assert result.boundary_f is not None and len(result.boundary_f) == 4
    for found, expected in zip(result.boundary_f, measure.metrics(NAMES), strict=True):
        assert found.score == pytest.approx(expected.score, abs=0.01)
        assert found.by_class == pytest.approx(expected.by_class, abs=0.03)
    (event,) = run.read_metrics()
    assert event["boundary_f_0.00375"] == result.boundary_f[2].score
    assert cli.main(["report", str(run.path), "--to", str(tmp_path / "report.html")]) == 0
    page = (tmp_path / "report.html").read_text()
    assert "Boundary F-score" in page and f"{100 * result.boundary_f[0].score:.1f}" in page


def test_without_being_asked_no_boundary_f_score_is_measured(run: RunFolder) -> None:
    evaluation = Evaluation(run)
    result = evaluation.load(10)(None)
    assert json.loads(result.to_json())["boundary_f"] is None
