"""How pixels without a class count: a void output, void labels, absent classes; and by mode."""

import dataclasses
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from roadseg import cli
from roadseg.errors import RoadsegError
from roadseg.eval.evaluation import Evaluation, evaluate
from roadseg.eval.frames import Frame
from roadseg.eval.job import EvaluationOptions
from roadseg.eval.report.data import load_runs
from roadseg.eval.results.load import load_result
from roadseg.eval.results.segmentation import SegmentationResult
from roadseg.eval.store import store_result
from roadseg.eval.tasks.segmentation import score_frames
from roadseg.inference.averaging import averaged_logits
from roadseg.inference.class_logits import ModelLogits
from roadseg.metrics.confusion import ConfusionMatrix
from roadseg.recipe.protocol import PROTOCOLS, Protocol
from roadseg.runs.run_folder import RunFolder
from tests.eval.runs import TABLE, add_checkpoint, begin_run, recipe, street, write_records

TILES = {"tile": 16, "scales": (0.5, 1.0), "flip": True}


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """Return a run without sampling whose network has an output for void, on two images."""
    values = {"sampling.kind": "none", "network.void_class": True}
    records = write_records(tmp_path / "records", count=2)
    run = begin_run(tmp_path / "run", recipe(records, **values))
    add_checkpoint(run, 10, seed=3)
    return run


def scored(label: np.ndarray, prediction: np.ndarray, protocol: str) -> SegmentationResult:
    frames = [Frame("a", np.zeros((*label.shape, 3), np.uint8), label)]
    scorer = score_frames(frames, lambda _: [lambda: prediction], TABLE)
    origin = {"run": "r", "recipe": "r", "step": 1, "split": "val", "protocol": PROTOCOLS[protocol]}
    return SegmentationResult(**origin, limit=None, **scorer.values())


def test_the_class_average_is_over_every_output_and_void_labels_are_left_out(
    run: RunFolder,
) -> None:
    result = evaluate(run, EvaluationOptions(protocol="espnet"))
    assert isinstance(result, SegmentationResult)
    network, matrix = run.load_network(10), np.zeros((5, 5), int)
    for number in range(2):
        image, label = street(number)
        logits = np.asarray(network(image[None].astype(np.float32)))[0]
        assert logits.shape[-1] == 5
        pairs = np.minimum(label, 4).ravel().tolist(), logits.argmax(-1).ravel().tolist()
        np.add.at(matrix, pairs, 1)
    assert matrix[:4, 4].sum() and matrix[4, :4].sum(), (
        "no void predicted or labelled tests nothing"
    )
    right, labelled = np.diag(matrix)[:4], matrix[:4].sum(1)
    unions = labelled + matrix[:4, :4].sum(0) - right
    assert result.miou == pytest.approx(np.mean(right / unions), abs=1e-3)
    with_void = right / (unions + matrix[4, :4])
    assert result.miou_with_void == pytest.approx(np.mean(with_void), abs=1e-3)
    assert result.mean_class_accuracy == pytest.approx(np.mean(right / labelled), abs=1e-3)
    assert result.pixel_accuracy == pytest.approx(right.sum() / labelled.sum(), abs=1e-3)
    assert result.main_metric == ("miou_with_void", result.miou_with_void)
    assert result.metrics().miou(with_void=True) == result.miou_with_void


def test_an_absent_class_counts_0_in_the_mean_of_fast_seg_and_not_in_ours() -> None:
    label = np.array([[0, 0, 1, 1]])
    result = scored(label, np.array([[0, 0, 1, 0]]), "fast_seg")
    assert math.isnan(result.iou["person"])
    assert result.miou == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert result.main_metric == ("miou_absent_zero", pytest.approx((2 / 3 + 1 / 2) / 4))
    values = json.loads(result.to_json())
    assert values["meanIU"] == result.miou_absent_zero
    assert values["IU_array"] == pytest.approx([2 / 3, 1 / 2, 0, 0])


def test_an_absent_class_counts_1_in_the_mean_of_sgcpnet() -> None:
    result = scored(np.array([[0, 0, 1, 1]]), np.array([[0, 0, 1, 0]]), "sgcpnet")
    expected = pytest.approx((2 / 3 + 1 / 2 + 1 + 1) / 4)
    assert result.main_metric == ("miou_absent_one", expected)
    assert SegmentationResult.from_json(result.to_json()).miou_absent_one == expected


def test_precision_and_recall_are_not_swapped() -> None:
    result = scored(np.array([[0, 0, 1, 255]]), np.array([[0, 1, 1, 1]]), "sfsegnets")
    assert result.class_precision is not None
    assert (result.class_accuracy["ground"], result.class_precision["ground"]) == (0.5, 1.0)
    assert (result.class_accuracy["wall"], result.class_precision["wall"]) == (1.0, 0.5)
    assert result.main_metric == ("miou", result.miou) and result.miou == 0.5


def test_counts_on_void_come_from_anywhere_and_are_needed_to_count_them() -> None:
    label, prediction = np.array([[0, 255, 255, 1]]), np.array([[0, 0, 3, 4]])
    matrix = ConfusionMatrix(3)
    added = matrix.add(label, prediction)
    assert added.shape == (3, 4) and matrix.on_void.tolist() == [1, 0, 0]
    assert matrix.metrics().iou(with_void=True)[:2] == [0.5, 0.0]
    again = ConfusionMatrix(3)
    again.add_counts(matrix.matrix)
    assert again.metrics().iou()[0] == 1.0 and again.on_void.sum() == 0
    from roadseg.metrics.confusion import ConfusionMetrics

    with pytest.raises(ValueError, match="were not counted"):
        ConfusionMetrics(matrix.matrix).iou(with_void=True)


def test_a_result_of_an_earlier_version_is_refused_with_the_way_out(
    run: RunFolder, tmp_path: Path
) -> None:
    values = json.loads(evaluate(run).to_json()) | {"protocol": "cityscapes"}
    (tmp_path / "old.json").write_text(json.dumps(values))
    with pytest.raises(
        RoadsegError, match="old.json: not an evaluation of this version .* evaluate again"
    ):
        load_result(tmp_path / "old.json")


def test_tiles_are_evaluated_stored_and_shown_apart(run: RunFolder) -> None:
    for changes in ({}, TILES):
        evaluation = Evaluation(run, EvaluationOptions(protocol="fast_seg", changes=changes))
        store_result(evaluation, evaluation.load(10)(None), 0.0)
    label = "fast_seg-tile16-scales0.5_1-flip"
    path = run.evaluation_folder(f"val-{label}") / "step-00000010.json"
    result = load_result(path)
    assert isinstance(result, SegmentationResult)
    assert result.protocol == PROTOCOLS["fast_seg"].replace({**TILES, "interpolation": "none"})
    matrix, logits_of = ConfusionMatrix(4), ModelLogits(run.load_segmenter(10))
    for number in range(2):
        image, truth = street(number)
        matrix.add(truth, averaged_logits(image, logits_of, Protocol(**TILES)).argmax(-1))
    np.testing.assert_array_equal(result.confusion, matrix.matrix)
    assert [event["protocol"] for event in run.read_metrics()] == ["fast_seg", label]
    best = json.loads((run.path / "best.json").read_text())
    assert (best["metric"], best["protocol"]) == ("miou_absent_zero", "fast_seg")
    for kind, count in ((f"val-{label}", 1), ("val-fast_seg", 1)):
        (reported,) = load_runs([run.path], kind)
        assert len(reported.curve("evaluation", "miou")[0]) == count


def test_all_options_work_together_on_the_command_line(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    options = "--tile 16 --tile-overlap 0.5 --scales 0.75 1.0 --flip --protocol espnet --json"
    assert cli.main(["eval", str(run.path), *options.split()]) == 0
    values = json.loads(capsys.readouterr().out)
    shown = {"tile": 16, "tile_overlap": 0.5, "scales": [0.75, 1.0], "flip": True}
    expected = PROTOCOLS["espnet"].replace({**shown, "interpolation": "none", "scales": (0.75, 1)})
    assert values["protocol"] == json.loads(json.dumps(dataclasses.asdict(expected)))
    assert values["IU_array"] and values["miou_with_void"] <= values["miou"]


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        (
            {"sampling.kind": "uniform"},
            {"protocol": "nus"},
            "interpolation 'delaunay' gives no lo",
        ),
        ({"task": "sampling_grid"}, {}, "sampling grids? gives no logits"),
    ],
)
def test_what_gives_no_logits_is_not_averaged(
    run: RunFolder, tmp_path: Path, values: dict, options: dict, message: str
) -> None:
    other = begin_run(tmp_path / "other", run.recipe.replace(**values))
    with pytest.raises(RoadsegError, match=message):
        Evaluation(other, EvaluationOptions(changes=TILES, **options))


def test_an_overlap_without_tiles_is_refused(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["eval", str(run.path), "--tile-overlap", "0.5"]) == 2
    assert "error: --tile-overlap 0.5: of tiles; give --tile" in capsys.readouterr().err


def test_pixels_of_the_rest_are_left_out_as_ignored_ones_are() -> None:
    table = replace(TABLE, rest=254, rest_classes=(1,))
    scores = []
    for value in (254, 255):
        frames = []
        for number in range(2):
            image, label = street(number)
            frames.append(Frame(str(number), image, np.where(label == 1, value, label)))
        guess = np.random.default_rng(0).integers(0, 4, (2, *frames[0].label.shape))
        scorer = score_frames(frames, lambda images, g=guess: [lambda m=m: m for m in g], table, 2)
        scores.append(json.dumps(scorer.values(), default=vars))
    assert scores[0] == scores[1]
