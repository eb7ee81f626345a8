import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.eval.evaluation import Evaluation, evaluate
from roadseg.eval.frames import Frame
from roadseg.eval.job import EvaluationOptions
from roadseg.eval.results.load import load_result
from roadseg.eval.results.sampling_grid import SamplingGridResult
from roadseg.eval.results.segmentation import SegmentationResult
from roadseg.eval.store import store_result, update_best
from roadseg.eval.tasks.segmentation import score_frames
from roadseg.metrics.confusion import ConfusionMatrix
from roadseg.recipe.protocol import PROTOCOLS, Protocol
from roadseg.runs.run_folder import RunFolder
from tests.eval.runs import (
    NAMES,
    TABLE,
    add_checkpoint,
    begin_run,
    recipe,
    street,
    write_records,
)
from tests.examples import example_values, serialized


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """Return a uniformly sampled run with two checkpoints, on three images."""
    run = begin_run(tmp_path / "run", recipe(write_records(tmp_path / "run_records")))
    add_checkpoint(run, 10, seed=1)
    add_checkpoint(run, 20, seed=2)
    return run


def perfect_except(image: int, wrong: int) -> tuple[list[Frame], dict[int, np.ndarray]]:
    """Return three frames, and predictions that miss the first `wrong` pixels of one image."""
    frames = [Frame(f"f{n}", np.full((48, 64, 3), n, np.uint8), street(n)[1]) for n in range(3)]
    predictions = {
        n: np.where(frame.label == 255, 0, frame.label) for n, frame in enumerate(frames)
    }
    predictions[image].ravel()[:wrong] = 0
    return frames, predictions


def test_scores_are_kept_for_each_image_in_order() -> None:
    frames, predictions = perfect_except(image=1, wrong=640)
    scorer = score_frames(
        frames, lambda images: [lambda i=image: predictions[i[0, 0, 0]] for image in images], TABLE
    )
    assert [score.name for score in scorer.per_image] == ["f0", "f1", "f2"]
    assert [score.miou == 1 for score in scorer.per_image] == [True, False, True]
    missed = 640 / sum(score.pixels for score in scorer.per_image)
    assert scorer.values()["pixel_accuracy"] == pytest.approx(1 - missed, rel=1e-12)


def test_batches_and_threads_do_not_change_the_scores() -> None:
    frames, predictions = perfect_except(image=2, wrong=999)

    def predict(images: np.ndarray) -> list:
        return [lambda i=image: predictions[i[0, 0, 0]] for image in images]

    values = [
        score_frames(frames, predict, TABLE, batch_size, workers).values()
        for batch_size, workers in ((1, 1), (2, 3), (3, 2))
    ]
    texts = {json.dumps(value, default=dataclasses.asdict) for value in values}
    assert len(texts) == 1


def test_published_scores_equal_the_steps_done_one_by_one(run: RunFolder) -> None:
    from scipy.interpolate import griddata

    from roadseg.sampling import uniform_grid

    result = evaluate(run, EvaluationOptions(protocol="nus", step=10))
    network = run.load_network(10)
    index = np.rint(np.linspace(0, 1, 16, dtype=np.float32) * np.float32(47)).astype(int)
    points = np.asarray(uniform_grid(16)).astype(np.float64) * 47
    pixels = tuple(np.mgrid[:48, :48])
    matrix = ConfusionMatrix(4)
    for number in range(3):
        image, label = (array[:, 8:56] for array in street(number))
        logits = np.asarray(network(image[np.ix_(index, index)][None].astype(np.float32)))
        full = griddata(points.reshape(-1, 2), logits.reshape(-1, 4), pixels, method="linear")
        matrix.add(label, full.argmax(-1))
    assert isinstance(result, SegmentationResult)
    # The graph may round a score differently.
    assert np.abs(np.array(result.confusion) - matrix.matrix).sum() <= 4
    assert result.pixels == matrix.metrics().pixels
    assert np.count_nonzero(matrix.matrix.sum(axis=0)) > 1, "one class everywhere tests nothing"
    assert (result.protocol.interpolation, result.images, result.step) == ("delaunay", 3, 10)


def test_the_full_image_is_covered_by_views_with_every_interpolation(run: RunFolder) -> None:
    for way in ("graph", "mesh", "delaunay"):
        result = evaluate(run, EvaluationOptions(changes={"interpolation": way}, step=20))
        assert isinstance(result, SegmentationResult)
        assert (result.pixels, result.protocol.interpolation) == (3 * 45 * 64, way)


def test_two_evaluations_write_the_same_bytes(run: RunFolder) -> None:
    options = EvaluationOptions(protocol="nus", batch_size=2)
    assert evaluate(run, options).to_json() == evaluate(run, options).to_json()


def test_a_result_comes_back_from_json_unchanged(run: RunFolder) -> None:
    result = evaluate(run)
    assert isinstance(result, SegmentationResult)
    again = SegmentationResult.from_json(result.to_json())
    assert again.to_json() == result.to_json()
    assert again.boundary == result.boundary and again.objects == result.objects
    assert again.metrics().pixels == result.pixels
    assert list(again.iou) == list(NAMES) and list(again.category_iou) == [
        "flat",
        "object",
        "human",
    ]


def test_scores_that_do_not_occur_are_null_in_json_and_nan_again() -> None:
    frames = [Frame("empty", np.zeros((8, 8, 3), np.uint8), np.full((8, 8), 255, np.uint8))]
    scorer = score_frames(frames, lambda _: [lambda: np.zeros((8, 8), np.int32)], TABLE)
    origin = {"run": "r", "recipe": "r", "step": 1, "split": "val", "protocol": Protocol()}
    result = SegmentationResult(**origin, limit=None, **scorer.values())
    assert json.loads(result.to_json())["miou"] is None
    assert math.isnan(SegmentationResult.from_json(result.to_json()).per_image[0].miou)


def test_a_run_without_sampling_is_evaluated_at_full_size(tmp_path: Path) -> None:
    records = write_records(tmp_path / "records", count=1)
    run = begin_run(tmp_path / "run", recipe(records, sampling={"kind": "none"}))
    add_checkpoint(run, 5)
    result = evaluate(run)
    assert (result.protocol.interpolation, result.images) == ("none", 1)


def test_grids_are_compared_raw_and_projected(tmp_path: Path) -> None:
    from roadseg import nus_native

    records = write_records(tmp_path / "records", count=2)
    run = begin_run(
        tmp_path / "aux", recipe(records, task="sampling_grid", sampling={"kind": "none"})
    )
    add_checkpoint(run, 7)
    result = evaluate(run)
    assert isinstance(result, SamplingGridResult) and result.protocol.name == "nus"
    network = run.load_sampler(7)
    errors = []
    for number in range(2):
        image, label = (np.ascontiguousarray(array[:, 8:56]) for array in street(number))
        grid = np.asarray(network(image[None].astype(np.float32)))[0]
        errors.append(np.square(grid - nus_native.boundary_targets(label, (8, 8), 0.5)).mean())
    assert result.mse == pytest.approx(np.mean(errors), rel=1e-5)
    assert 0 < result.mse_projected < result.mse
    assert SamplingGridResult.from_json(result.to_json()) == result


def test_results_go_to_json_metrics_tensorboard_and_best(tmp_path: Path) -> None:
    import tensorflow as tf

    records = write_records(tmp_path / "records", count=1)
    run = begin_run(tmp_path / "run", recipe(records))
    add_checkpoint(run, 10)
    evaluation = Evaluation(run, EvaluationOptions(protocol="nus"))
    result = evaluation.load(10)(None)
    path = store_result(evaluation, result, seconds=1.5)
    assert path == run.path / "evaluation" / "val-nus" / "step-00000010.json"
    assert load_result(path).to_json() == result.to_json()
    (event,) = run.read_metrics()
    assert (event["event"], event["step"], event["miou"]) == (
        "evaluation",
        10,
        result.main_metric[1],
    )
    assert run.best_step() == 10
    (events,) = run.tensorboard("val-nus").iterdir()
    tags = {
        value.tag
        for record in tf.data.TFRecordDataset(str(events))
        for value in tf.compat.v1.Event.FromString(record.numpy()).summary.value
    }
    assert {"miou_1.0", "boundary_accuracy_3px"} <= tags


def best_value(run: RunFolder) -> tuple[int, float]:
    best = json.loads((run.path / "best.json").read_text())
    return best["step"], best["value"]


def test_best_keeps_the_higher_miou_and_the_earlier_of_equal_ones(run: RunFolder) -> None:
    result = evaluate(run, EvaluationOptions(max_images=1))
    assert isinstance(result, SegmentationResult)
    for step, miou in ((1, 0.2), (2, 0.4), (3, 0.4), (4, 0.3), (5, math.nan)):
        update_best(run, dataclasses.replace(result, step=step, miou=miou))
    assert best_value(run) == (2, 0.4)
    other = dataclasses.replace(result, step=6, miou=0.9, protocol=PROTOCOLS["nus"])
    assert not update_best(run, other)
    (run.path / "best.json").write_text("{")
    assert update_best(run, dataclasses.replace(result, step=7, miou=0.1))


def test_best_keeps_the_lower_error_of_a_grid(run: RunFolder) -> None:
    origin = {"run": "r", "recipe": "toy", "split": "val", "protocol": PROTOCOLS["nus"]}
    scores = {"mse_projected": 0.0, "mse_uniform": 0.1, "per_image": [], "images": 0}
    for step, mse in ((1, 0.3), (2, 0.1), (3, 0.1), (4, 0.2)):
        result = SamplingGridResult(**origin, **scores, step=step, mse=mse, limit=None)
        update_best(run, result)
    assert best_value(run) == (2, 0.1)


def test_a_part_of_the_split_is_stored_apart_and_is_never_best(tmp_path: Path) -> None:
    records = write_records(tmp_path / "records", count=2)
    run = begin_run(tmp_path / "run", recipe(records))
    add_checkpoint(run, 10)
    evaluation = Evaluation(run, EvaluationOptions(max_images=1))
    store_result(evaluation, evaluation.load(10)(None), 0.0)
    assert evaluation.folder.name == "val-cityscapes-first1"
    assert run.best_step() is None


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RoadsegError, match="nowhere: no run here"):
        evaluate(tmp_path / "nowhere")


def test_a_run_without_checkpoint_says_how_to_wait(tmp_path: Path) -> None:
    run = begin_run(tmp_path / "run", recipe(write_records(tmp_path / "records", count=1)))
    with pytest.raises(RoadsegError, match="no checkpoint yet; .*--follow"):
        evaluate(run)


def test_a_step_that_is_not_there_names_those_that_are(run: RunFolder) -> None:
    with pytest.raises(RoadsegError, match="no step 15; there are: 10, 20"):
        evaluate(run, EvaluationOptions(step=15))
    with pytest.raises(RoadsegError, match="no best checkpoint is known yet"):
        evaluate(run, EvaluationOptions(step="best"))


def test_a_split_that_is_not_there_is_refused(run: RunFolder) -> None:
    with pytest.raises(RoadsegError, match="test"):
        evaluate(run, EvaluationOptions(split="test"))


def test_an_empty_split_is_refused(tmp_path: Path) -> None:
    run = begin_run(tmp_path / "run", recipe(write_records(tmp_path / "records", count=0)))
    with pytest.raises(RoadsegError, match="val.*empty"):
        evaluate(run)


def test_records_of_other_classes_are_refused(run: RunFolder, tmp_path: Path) -> None:
    table = dataclasses.replace(TABLE, names=("ground", "wall", "post", "person"))
    records = write_records(tmp_path / "records", count=1, table=table)
    with pytest.raises(RoadsegError, match="class 2 'post' where .* has 'pole'"):
        evaluate(run, EvaluationOptions(records=records))


def test_records_with_another_number_of_classes_are_refused(run: RunFolder, tmp_path: Path) -> None:
    table = dataclasses.replace(
        TABLE, names=NAMES[:3], colours=TABLE.colours[:3], categories=(), target_classes=()
    )
    records = write_records(tmp_path / "records", count=1, table=table)
    with pytest.raises(RoadsegError, match="3 classes where .* was trained on 4"):
        evaluate(run, EvaluationOptions(records=records))


def test_a_checkpoint_of_another_class_count_is_refused(tmp_path: Path) -> None:
    records = write_records(tmp_path / "records", count=1)
    small = dataclasses.replace(
        TABLE, names=NAMES[:3], colours=TABLE.colours[:3], categories=(), target_classes=()
    )
    foreign = begin_run(tmp_path / "foreign", recipe(records), small)
    run = begin_run(tmp_path / "run", recipe(records))
    add_checkpoint(foreign, 10).rename(run.path / "moved")
    run.checkpoint_folder.mkdir()
    (run.path / "moved").rename(run.checkpoint_folder / "step-00000010")
    with pytest.raises(RoadsegError, match="weights.npz.*shape.*class count"):
        evaluate(run)


def test_an_unreadable_example_is_one_error_that_names_file_and_record(tmp_path: Path) -> None:
    import tensorflow as tf

    records = write_records(tmp_path / "records", count=1)
    image, label = street(0)
    with tf.io.TFRecordWriter(str(records / "val-00000-of-00001.tfrecord")) as writer:
        writer.write(serialized(example_values(image, label[:-2], "cut")))
    run = begin_run(tmp_path / "run", recipe(records))
    add_checkpoint(run, 10)
    with pytest.raises(RoadsegError, match=r"record 0 \(cut\): says 48x64, its image") as error:
        evaluate(run)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("options", [{"max_images": 0}, {"batch_size": 0}])
def test_numbers_that_make_no_sense_are_refused(run: RunFolder, options: dict) -> None:
    with pytest.raises(RoadsegError, match="0: at least"):
        evaluate(run, EvaluationOptions(**options))


def test_a_damaged_result_is_refused_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "step-00000010.json"
    with pytest.raises(RoadsegError, match="no evaluation here"):
        load_result(path)
    for text in ("{", "[]", '{"task": "segmentation", "step": 3}'):
        path.write_text(text)
        with pytest.raises(RoadsegError, match="step-00000010.json: not an evaluation"):
            load_result(path)
