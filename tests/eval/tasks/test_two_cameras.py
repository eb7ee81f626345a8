"""Evaluations and predictions of two images: flows, and both cameras' labels."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.eval.command import main as evaluate_main
from roadseg.eval.evaluation import Evaluation, evaluate
from roadseg.eval.job import EvaluationOptions
from roadseg.eval.predict.command import predict
from roadseg.eval.predict.options import PredictOptions
from roadseg.eval.report.data import load_runs
from roadseg.eval.results.load import load_result
from roadseg.eval.results.two_cameras import FlowResult, TwoCameraResult
from roadseg.eval.watch import evaluate_and_store
from roadseg.recipe.recipe import Recipe
from roadseg.runs.run_folder import RunFolder
from roadseg.two_cameras.flow_files import read_flow
from tests import pairs
from tests.eval.runs import add_checkpoint, begin_run, recipe, write_records


@pytest.fixture(autouse=True)
def tiny_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs.register(monkeypatch)


def of_views(records: Path, **values: Any) -> Recipe:
    settings = {"task": "two_cameras", "model": "tiny_coupled", "sampling.kind": "none"}
    settings |= {
        "network.options": {},
        "network.evaluation_options": {},
        "augment.crop_size": (16, 24),
    }
    return recipe(records, **{**settings, **values})


def of_flow(records: Path, **values: Any) -> Recipe:
    settings = {
        "task": "flow",
        "model": "pwcnet",
        "sampling.kind": "none",
        "augment.crop_size": (64, 64),
    }
    settings |= {
        "network.options": {"widths": (3, 4, 4, 4, 4, 4, 4), "search_range": 1},
        "network.evaluation_options": {},
    }
    return recipe(records, **{**settings, "flow.shift_px": (2.0, 3.0), **values})


@pytest.fixture
def views(tmp_path: Path) -> RunFolder:
    records = pairs.write_pairs(tmp_path / "records", count=3, split="val")
    run = begin_run(tmp_path / "run", of_views(records), pairs.TABLE)
    add_checkpoint(run, 5)
    return run


def test_each_view_is_scored_by_itself_at_the_size_of_the_recipe(views: RunFolder) -> None:
    result = evaluate(views)
    assert isinstance(result, TwoCameraResult) and result.images == 3
    for view, start in (("wide", "fov120"), ("narrow", "fov60")):
        assert [one.name for one in result.views[view].per_image][0] == f"{start}_00000"
        assert result.views[view].pixels < 3 * 16 * 24 + 1
    assert result.views["wide"].confusion != result.views["narrow"].confusion


def test_the_mean_of_both_cameras_over_all_classes_says_which_is_best(views: RunFolder) -> None:
    evaluation = Evaluation(views)
    result = evaluate_and_store(evaluation, 5)
    assert isinstance(result, TwoCameraResult)
    means = [view.miou_absent_zero for view in result.views.values()]
    best = json.loads((views.path / "best.json").read_text())
    assert best["metric"] == "miou_absent_zero" and best["protocol"] == "semantics_sharing"
    assert best["value"] == pytest.approx(sum(means) / 2)


def test_a_result_of_two_cameras_comes_back_from_its_file(views: RunFolder) -> None:
    evaluation = Evaluation(views)
    result = evaluate_and_store(evaluation, 5)
    assert repr(load_result(evaluation.result_path(5))) == repr(result)


def test_the_scores_of_both_cameras_are_printed(
    views: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate_main([str(views.path)]) == 0
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("wide", "narrow", "mean", "mIoU", "car"))


def test_records_of_single_images_are_refused_for_two_cameras(tmp_path: Path) -> None:
    records = write_records(tmp_path / "records")
    run = begin_run(tmp_path / "run", of_views(records))
    with pytest.raises(RoadsegError, match="second"):
        Evaluation(run)


@pytest.mark.parametrize(
    "options", [{"protocol": "cityscapes"}, {"changes": {"interpolation": "graph"}}]
)
def test_two_cameras_have_one_protocol(views: RunFolder, options: dict) -> None:
    with pytest.raises(RoadsegError, match="semantics_sharing|leave --interpolation out"):
        Evaluation(views, EvaluationOptions(**options))


def test_a_report_of_two_cameras_is_refused_with_the_way_out(views: RunFolder) -> None:
    with pytest.raises(RoadsegError, match="class logits of two cameras.*roadseg eval"):
        load_runs([views.path])


def test_a_flow_of_nothing_is_as_far_off_as_no_flow_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = write_records(tmp_path / "records", count=2)
    run = begin_run(tmp_path / "run", of_flow(records))
    add_checkpoint(run, 5)

    def no_flow(images: dict[str, Any], training: bool) -> dict[str, Any]:
        return {"flow": 0.0 * images["first"][..., :2]}

    monkeypatch.setattr(RunFolder, "load_network", lambda *_: no_flow)
    result = evaluate(run)
    assert isinstance(result, FlowResult)
    assert result.epe == result.epe_of_none > 0.5
    assert result.epe_median == result.epe_of_none_median
    assert result.photometric == result.photometric_of_none


def test_pairs_are_made_alike_at_every_evaluation(tmp_path: Path) -> None:
    records = write_records(tmp_path / "records", count=2)
    run = begin_run(tmp_path / "run", of_flow(records))
    add_checkpoint(run, 5)
    evaluation = Evaluation(run)
    result = evaluate_and_store(evaluation, 5)
    assert repr(result) == repr(evaluate(run)) == repr(load_result(evaluation.result_path(5)))
    assert json.loads((run.path / "best.json").read_text())["metric"] == "epe"


def test_recorded_flows_are_compared_with_the_network_s(tmp_path: Path) -> None:
    flow = np.full((64, 64, 2), 3.0, np.float32)
    records = pairs.write_pairs(tmp_path / "records", 1, "val", (64, 64), flow)
    run = begin_run(tmp_path / "run", of_flow(records, flow={"pairs": "recorded"}), pairs.TABLE)
    add_checkpoint(run, 5)
    assert evaluate(run).epe_of_none == pytest.approx(3 * np.sqrt(2), rel=1e-5)  # type: ignore


def test_pairs_without_a_known_flow_are_judged_by_their_images(tmp_path: Path) -> None:
    records = pairs.write_pairs(tmp_path / "records", 1, "val")
    values = {"flow.pairs": "views", "flow.loss": "self"}
    run = begin_run(tmp_path / "run", of_flow(records, **values), pairs.TABLE)
    add_checkpoint(run, 5)
    result = evaluate(run)
    assert isinstance(result, FlowResult) and np.isnan(result.epe)
    assert result.main_metric == ("photometric", result.photometric)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for number, name in enumerate(("fov120_00001", "fov60_00001")):
        image = np.random.default_rng(number).integers(0, 255, (30, 50, 3)).astype(np.uint8)
        cv2.imwrite(str(folder / f"{name}.png"), image)
    return folder


def test_predict_draws_both_cameras_the_flow_and_what_they_share(
    views: RunFolder, images: Path, tmp_path: Path
) -> None:
    to = tmp_path / "to"
    assert predict(PredictOptions((views.path, images), to=to)) == []
    kinds = ("labels", "colour", "overlay")
    expected = {f"{view}_00001_{kind}.png" for view in ("fov120", "fov60") for kind in kinds}
    expected |= {f"fov60_00001_{end}" for end in ("flow.flo", "flow.png", "sharing.png")}
    assert {path.name for path in to.iterdir()} == expected
    assert cv2.imread(str(to / "fov60_00001_labels.png"), -1).shape == (30, 50)
    assert read_flow(to / "fov60_00001_flow.flo").shape == (4, 6, 2)


def test_predict_writes_what_is_asked_for(views: RunFolder, images: Path, tmp_path: Path) -> None:
    to = tmp_path / "to"
    predict(PredictOptions((views.path, images), to=to, write=("flow",)))
    assert {path.name for path in to.iterdir()} == {"fov60_00001_flow.flo", "fov60_00001_flow.png"}


def test_a_network_of_single_images_is_drawn_without_a_flow(
    views: RunFolder, images: Path, tmp_path: Path
) -> None:
    run = begin_run(tmp_path / "alone", of_views(Path("x"), model="tiny_alone"), pairs.TABLE)
    add_checkpoint(run, 5)
    to = tmp_path / "to"
    predict(PredictOptions((run.path, images), to=to, write=("flow", "sharing")))
    assert {path.name for path in to.iterdir()} == {"fov60_00001_sharing.png"}


def test_an_image_without_the_other_view_is_named(
    views: RunFolder, images: Path, tmp_path: Path
) -> None:
    (images / "fov60_00001.png").rename(images / "fov60_00002.png")
    with pytest.raises(RoadsegError, match="fov120_00001.png, .*fov60_00002.png: the other view"):
        predict(PredictOptions((views.path, images), to=tmp_path / "to"))


def test_names_of_other_views_can_be_given(views: RunFolder, images: Path, tmp_path: Path) -> None:
    for path in list(images.iterdir()):
        path.rename(images / path.name.replace("fov120", "left").replace("fov60", "right"))
    with pytest.raises(RoadsegError, match="labels pairs, fov120_00001 beside .*--camera-prefixes"):
        predict(PredictOptions((views.path, images), to=tmp_path / "to"))
    options = PredictOptions((views.path, images), to=tmp_path / "to")
    options = dataclasses.replace(options, camera_prefixes=("left", "right"))
    assert predict(options) == []


def test_flows_of_runs_of_single_images_are_refused(images: Path, tmp_path: Path) -> None:
    run = begin_run(tmp_path / "run", recipe(tmp_path))
    with pytest.raises(RoadsegError, match="of runs of two cameras only"):
        predict(PredictOptions((run.path, images), to=tmp_path / "to", write=("flow",)))
