"""An evaluation shared out over workers gives, bit for bit, what one process gives."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from roadseg import cli
from roadseg.data_conversion.read.records import open_records
from roadseg.data_conversion.read.two_cameras import open_two_cameras
from roadseg.errors import RoadsegError
from roadseg.eval.evaluation import Evaluation
from roadseg.eval.frames import batches
from roadseg.eval.job import EvaluationOptions, Job
from roadseg.eval.results.base import BaseResult
from roadseg.eval.spread import ALONE, Exchange, Group, is_spread, packed, unpacked
from roadseg.eval.tasks import density, flow, sampling_grid, segmentation, two_cameras
from roadseg.eval.watch import evaluate_with_others
from roadseg.files import Arrays
from roadseg.recipe.protocol import Protocol
from roadseg.runs.run_folder import RunFolder
from roadseg.sampling import uniform_grid
from tests import pairs
from tests.eval.runs import TABLE, add_checkpoint, begin_run, recipe, write_records


def shared(count: int, work: Callable[[Group], Any]) -> list[Any]:
    """Return what `work` returns, or raises, for each of `count` workers, which are threads."""
    given = [b""] * count
    barrier = threading.Barrier(count, timeout=60)

    def exchange_of(number: int) -> Exchange:
        def exchange(content: bytes) -> list[bytes]:
            given[number] = content
            barrier.wait()
            found = list(given)
            barrier.wait()
            return found

        return exchange

    def outcome(number: int) -> Any:
        try:
            return work(Group(number, count, exchange_of(number)))
        except RoadsegError as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(outcome, range(count)))


def numbers(group: Group, images: int, size: int, missing: int = -1) -> Iterator[Arrays]:
    for place in group.places(images, size):
        if place != missing:
            yield {"place": np.array(place)}


@pytest.mark.parametrize(("images", "size", "count"), [(11, 2, 3), (4, 4, 3), (1, 1, 2), (9, 1, 2)])
def test_every_image_is_measured_once_and_comes_in_file_order(
    images: int, size: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One image for each exchange: the workers give theirs one by one.
    monkeypatch.setattr("roadseg.eval.spread.ROUND_S", 0.0)

    def work(group: Group) -> list[int]:
        ordered = group.in_order(numbers(group, images, size), images, size)
        return [int(arrays["place"]) for arrays in ordered]

    assert shared(count, work) == [list(range(images))] * count
    alone = ALONE.in_order(numbers(ALONE, images, size), images, size)
    assert [int(arrays["place"]) for arrays in alone] == list(range(images))


def test_the_place_of_an_image_decides_its_batch() -> None:
    shapes = [(4, 4), (4, 6), (4, 6), (4, 6), (4, 4), (4, 4), (4, 4)]
    frames = [SimpleNamespace(name=n, image=np.zeros(shape)) for n, shape in enumerate(shapes)]
    whole = [[frame.name for frame in batch] for batch in batches(iter(frames), 2)]
    assert whole == [[0], [1], [2, 3], [4, 5], [6]]
    parts = [
        [frame.name for frame in batch]
        for number in range(2)
        for batch in batches(iter([frames[i] for i in Group(number, 2).places(7, 2)]), 2)
    ]
    assert sorted(parts) == whole


def test_what_one_worker_cannot_do_all_refuse_in_its_words() -> None:
    class Unlucky(RoadsegError):
        status = 7

    def measured(group: Group) -> Iterator[Arrays]:
        yield from numbers(group, 3, 1)
        if group.number == 1:
            raise Unlucky("records/val: damaged")

    found = shared(3, lambda group: list(group.in_order(measured(group), 9, 1)))
    assert [(str(error), error.status) for error in found] == [("records/val: damaged", 7)] * 3

    def fail(group: Group) -> None:
        if group.number == 2:
            raise RoadsegError("full")

    assert [str(e) for e in shared(3, lambda group: group.together(lambda: fail(group)))] == (
        ["full"] * 3
    )
    assert [str(e) for e in shared(3, lambda group: group.after_first(lambda: fail(group)))] == (
        ["full"] * 3
    )
    assert shared(2, lambda group: group.together(lambda: group.number)) == [0, 1]


def test_the_first_worker_has_done_it_before_the_others_begin() -> None:
    done: list[int] = []
    assert shared(3, lambda group: group.after_first(lambda: done.append(group.number))) == (
        [None] * 3
    )
    assert done[0] == 0 and sorted(done) == [0, 1, 2]


def test_a_worker_that_gives_too_little_is_named() -> None:
    found = shared(2, lambda group: list(group.in_order(numbers(group, 4, 1, 3), 4, 1)))
    assert [str(error) for error in found] == [
        "worker 1 gave nothing for image 3 of 4; start the same command on all workers again"
    ] * 2


def test_arrays_come_back_as_they_were_and_objects_not_at_all() -> None:
    sent: list[Arrays] = [
        {"name": np.array("straße"), "a/b": np.array([np.nan, -0.0, 0.1]), "n": np.array(2**62)},
        {"empty": np.zeros((0, 3), np.uint8)},
    ]
    for before, after in zip(sent, unpacked(packed(sent)), strict=True):
        assert before.keys() == after.keys()
        for key, array in before.items():
            assert (array.dtype, array.tobytes()) == (after[key].dtype, after[key].tobytes())
    with pytest.raises(ValueError, match="pickle"):
        unpacked(packed([{"bad": np.array([Path])}]))


@pytest.mark.parametrize(
    ("config", "spread"),
    [
        ("", False),
        ("{}", False),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}', False),
        ('{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}', True),
        ('{"cluster": {"chief": ["a:1"], "worker": ["b:1"]}, "task": {"type": "chief"}}', True),
        ('{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "evaluator"}}', False),
    ],
)
def test_the_environment_says_who_shares(
    config: str, spread: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CONFIG", config)
    assert is_spread() == spread


@pytest.mark.parametrize(
    ("config", "words", "message"),
    [
        ("worker 1", ["run"], "TF_CONFIG: not what TensorFlow takes ("),
        ("[]", ["run"], "TF_CONFIG: not what TensorFlow takes ("),
        (None, ["run", "--follow"], "--follow: of one process alone; leave `roadseg launch` out"),
        (None, ["run", "--sampler", "previous"], "--sampler previous: of one process alone"),
        (None, ["--oracle"], "--oracle: of one process alone"),
        (None, ["--model", "dabnet/cityscapes"], "--model: of one process alone"),
    ],
)
def test_what_cannot_be_shared_is_one_line(
    config: str | None,
    words: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    two = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", config or json.dumps(two))
    assert cli.main(["eval", *words]) == 2
    assert capsys.readouterr().err.startswith(f"error: {message}")


IMAGES = 7


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_records(tmp_path_factory.mktemp("records"), count=IMAGES)


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shift = np.ones((*pairs.SIZE, 2), np.float32)
    return pairs.write_pairs(tmp_path_factory.mktemp("views"), IMAGES, "val", flow=shift)


def drawn(images: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return numbers of 0..1 that follow from all images of a batch, for each of them."""
    of_all = np.asarray(images).sum(dtype=np.int64)
    return np.stack(
        [
            np.random.default_rng([int(of_all), int(np.asarray(image).sum())]).random(shape)
            for image in images
        ]
    )


def segmentation_result(job: Job, patch: pytest.MonkeyPatch) -> BaseResult:
    def predict(images: np.ndarray) -> list[Callable[[], np.ndarray]]:
        labels = (drawn(images, images.shape[1:3]) * 5).astype(np.uint8)
        return [lambda i=i: labels[i] for i in range(len(images))]  # type: ignore[misc]

    return segmentation._evaluate(job, 10, predict, None)


def grid_result(job: Job, patch: pytest.MonkeyPatch) -> BaseResult:
    size = job.recipe.sampler.grid_size

    def network(images: np.ndarray, training: bool) -> np.ndarray:
        return np.asarray(uniform_grid(size)) + drawn(images, (*size, 2)).astype(np.float32) / 50

    return sampling_grid._evaluate(job, 10, network, None)


def density_result(job: Job, patch: pytest.MonkeyPatch) -> BaseResult:
    cells = (6, 8)

    def forward(images: np.ndarray) -> list[Any]:
        logits = drawn(images, cells).astype(np.float32)
        grid = np.broadcast_to(uniform_grid((4, 4)), (len(images), 4, 4, 2))
        mass = drawn(images, (3, 3)) + 0.1
        return [tf.constant(array) for array in (logits, grid, grid, mass)]

    patch.setattr(density, "_forward", lambda _: forward)
    sampler = SimpleNamespace(cells=cells, target_classes=(), class_weights=(), blur=0.0)
    return density._evaluate(job, 10, sampler, None)


def flow_result(job: Job, patch: pytest.MonkeyPatch) -> BaseResult:
    def forward(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = drawn(second, (*first.shape[1:3], 2)).astype(np.float32)
        return found, drawn(first, (2,))[0]

    patch.setattr(flow, "flow_function", lambda _: forward)
    return flow._evaluate(job, 10, None, None)  # type: ignore[arg-type]


def views_result(job: Job, patch: pytest.MonkeyPatch) -> BaseResult:
    def label(images: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {
            view: (drawn(image, image.shape[1:3]) * 4).astype(np.uint8)
            for view, image in images.items()
        }

    patch.setattr(two_cameras, "views_labeller", lambda _: label)
    return two_cameras._evaluate(job, 10, None, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("evaluated", "values"),
    [
        (segmentation_result, {}),
        (grid_result, {"task": "sampling_grid", "model": "nus_sampler"}),
        (density_result, {"sampler.grid_size": (4, 4)}),
        (flow_result, {"flow.pairs": "warped", "augment.crop_size": (16, 24)}),
        (flow_result, {"flow.pairs": "recorded"}),
        (views_result, {"augment.crop_size": (16, 24)}),
    ],
    ids=["segmentation", "sampling_grid", "density", "flow-warped", "flow-recorded", "two_cameras"],
)
def test_three_workers_give_every_result_of_one_process(
    evaluated: Callable[[Job, pytest.MonkeyPatch], BaseResult],
    values: dict[str, Any],
    records: Path,
    views: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paired = evaluated is views_result or values.get("flow.pairs") == "recorded"
    opened: Any = open_two_cameras(views, "val") if paired else open_records(records, "val")
    of = recipe(opened.path, **values)
    options = EvaluationOptions(batch_size=2, boundary_f=True, max_images=IMAGES - 1)

    def result(group: Group) -> str:
        table = opened.label_table
        run = RunFolder(tmp_path)
        job = Job(run, of, table, opened, Protocol(), options, None, None, group)
        return evaluated(job, monkeypatch).to_json()

    alone = result(ALONE)
    assert json.loads(alone)["images"] == IMAGES - 1
    assert shared(3, result) == [alone] * 3
    assert shared(1, result) == [alone]


def test_the_first_worker_writes_and_all_take_its_step(records: Path, tmp_path: Path) -> None:
    run = begin_run(tmp_path / "run", recipe(records, **{"sampling.kind": "none"}), TABLE)
    add_checkpoint(run, 10)
    options = EvaluationOptions(max_images=3)

    def work(group: Group) -> str:
        evaluation = Evaluation(run, options, group)
        # The second worker sees a checkpoint that the first did not see yet.
        step = evaluation.agreed(10 + group.number)
        return evaluate_with_others(evaluation, step).to_json()

    first, second = shared(2, work)
    stored = Evaluation(run, options).result_path(10)
    assert first == second == stored.read_text()
    assert len((run.path / "metrics.jsonl").read_text().splitlines()) == 1
    assert not list(run.path.glob(".held-*"))
    found = shared(2, lambda group: evaluate_with_others(Evaluation(run, options, group), 20))
    assert [str(error) for error in found] == [
        f"{run.checkpoint_folder}: step 20 was pruned before it could be read; run the same "
        "command again"
    ] * 2


def test_other_records_are_refused_by_all(records: Path, tmp_path: Path) -> None:
    run = begin_run(tmp_path / "run", recipe(records), TABLE)
    fewer = write_records(tmp_path / "records", count=2)

    def work(group: Group) -> int:
        options = EvaluationOptions(records=fewer if group.number else records)
        return Evaluation(run, options, group).agreed(10)

    found = shared(2, work)
    assert all("the workers found different records" in str(error) for error in found)
