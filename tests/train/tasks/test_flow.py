"""Flow networks in training: which loss on which pairs, and what is asked for in vain."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from roadseg.data_conversion.read.records import open_records
from roadseg.data_conversion.read.two_cameras import open_two_cameras
from roadseg.errors import RoadsegError
from roadseg.losses.criteria import mean
from roadseg.recipe.recipe import Recipe
from roadseg.runs.run_folder import RunFolder
from roadseg.train import loop
from roadseg.train.check import check_recipe
from roadseg.train.data.pipeline import training_batches
from roadseg.train.tasks.flow import pair_draws
from roadseg.train.tasks.flow_terms import flow_inputs, flow_terms, ordered_flows
from tests import pairs
from tests.train import tiny

SIZE = (64, 64)
FACTORS = {"flow": 1, "flow_8": 8, "flow_16": 16, "flow_32": 32, "flow_64": 64}


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_records(tmp_path_factory.mktemp("frames"), count=4, size=(90, 100))


def recipe(records: Path, **changes: Any) -> Recipe:
    values: dict[str, Any] = {
        "task": "flow",
        "model": "pwcnet",
        "augment.crop_size": SIZE,
        "batch_size": 2,
    }
    values |= {"flow.shift_px": (3.0, 4.0), "flow.parallax_px": 2.0, "optimizer.kind": "adam"}
    values |= {"network.options": {"widths": (3, 4, 4, 4, 4, 4, 4), "search_range": 1}, "steps": 2}
    values |= {"optimizer.learning_rate": 1e-4}
    return tiny.recipe(records, **{**values, **changes})


def first_batch(chosen: Recipe, opened: Any) -> dict[str, Any]:
    return next(iter(training_batches(chosen, opened)))


def network_that_finds(flow: Any) -> Any:
    """Return a function in a flow network's place that gives `flow` at every level."""

    def find(images: dict[str, Any], training: bool) -> dict[str, Any]:
        pools = {n: tf.nn.avg_pool2d(flow, f, f, "VALID") / f for n, f in FACTORS.items() if f > 1}
        return {**pools, "flow": flow}

    return find


@pytest.mark.parametrize("loss", ["multi_scale", "l2"])
def test_the_known_flow_has_no_loss_and_another_has(frames: Path, loss: str) -> None:
    chosen = recipe(frames, flow={"loss": loss})
    batch = first_batch(chosen, open_records(frames, "train"))
    known = flow_inputs(chosen, batch)[2]
    right, wrong = (
        float(mean(flow_terms(chosen, network_that_finds(flow), batch)))
        for flow in (known, known + 1.0)
    )
    assert right < 1e-4 < wrong


@pytest.mark.parametrize("loss", ["self", "multi_scale_self"])
def test_without_the_known_flow_the_right_one_is_still_better_than_none(
    frames: Path, loss: str
) -> None:
    chosen = recipe(
        frames,
        flow={
            "loss": loss,
            "tilt": 0.0,
            "parallax_px": 0.0,
        },
    )
    batch = first_batch(chosen, open_records(frames, "train"))
    known = flow_inputs(chosen, batch)[2]
    right, wrong = (
        float(mean(flow_terms(chosen, network_that_finds(flow), batch)))
        for flow in (known, 0.0 * known)
    )
    assert right < wrong


def test_levels_are_ordered_from_coarse_to_fine() -> None:
    flows = {name: factor for name, factor in FACTORS.items()}
    assert ordered_flows(flows) == [(f, f) for f in (64, 32, 16, 8, 1)]


def test_terms_of_two_halves_of_a_batch_add_up_to_those_of_the_whole(frames: Path) -> None:
    chosen = recipe(frames, batch_size=4)
    batch = first_batch(chosen, open_records(frames, "train"))
    flow = tf.zeros((4, *SIZE, 2))
    whole = flow_terms(chosen, network_that_finds(flow), batch)
    halves = [
        flow_terms(chosen, network_that_finds(flow[:2]), {n: x[part] for n, x in batch.items()})
        for part in (slice(0, 2), slice(2, 4))
    ]
    for term, one, other in zip(whole, *halves, strict=True):
        assert float(term.total) == pytest.approx(float(one.total + other.total), rel=1e-5)
        assert float(term.count) == float(one.count + other.count)


@pytest.fixture(scope="module")
def trained(frames: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    run = RunFolder(tmp_path_factory.mktemp("trained") / "run")
    assert loop.train(recipe(frames, log={"pictures_every_steps": 1}), run) == 0
    return run


def test_a_run_of_a_flow_network_is_kept_and_loaded(trained: RunFolder) -> None:
    images = {name: np.zeros((1, *SIZE, 3)) for name in ("first", "second")}
    flow = trained.load_network()(images)
    assert flow["flow"].shape == (1, *SIZE, 2)
    with pytest.raises(RoadsegError, match="learns the flow between two images"):
        trained.load_segmenter()


@pytest.mark.slow
def test_a_flow_network_goes_on_from_a_run_on_other_classes(
    trained: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = pairs.write_pairs(tmp_path / "pairs")
    values = {
        "flow.pairs": "views",
        "flow.loss": "self",
        "start.initial_weights": str(trained.path),
    }
    table = json.loads((other / "label_table.json").read_text())
    table["names"][0] = "street"
    (other / "label_table.json").write_text(json.dumps(table))
    assert loop.train(recipe(other, **values), RunFolder(tmp_path / "run")) == 0
    assert "84 of 84 variables" in capsys.readouterr().out


def test_a_place_in_the_run_gives_the_same_pair_again_and_another_place_another() -> None:
    first, again, other = (pair_draws(0, tf.constant(place, tf.int64)) for place in (3, 3, 5))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_recorded_pairs_come_whole_with_their_flow(tmp_path: Path) -> None:
    flow = np.random.default_rng(0).normal(size=(64, 72, 2)).astype(np.float32)
    records = pairs.write_pairs(tmp_path / "pairs", size=(64, 72), flow=flow)
    chosen = recipe(records, flow={"pairs": "recorded"})
    first, second, known = flow_inputs(
        chosen, first_batch(chosen, open_two_cameras(records, "train"))
    )
    assert first.shape == second.shape == (2, 64, 72, 3)
    np.testing.assert_array_equal(known[0], flow)


def test_recorded_pairs_without_a_flow_are_refused(tmp_path: Path) -> None:
    records = pairs.write_pairs(tmp_path / "pairs")
    with pytest.raises(RoadsegError, match="no flow in 'train'.*views those without"):
        first_batch(recipe(records, flow={"pairs": "recorded"}), open_two_cameras(records, "train"))


def test_of_two_cameras_the_first_is_the_wide_one_as_the_narrow_camera_sees_it(
    tmp_path: Path,
) -> None:
    from roadseg.ops.homography import warp_by_homography
    from roadseg.two_cameras.rig import find_rig

    records = pairs.write_pairs(tmp_path / "pairs")
    chosen = recipe(
        records,
        flow={
            "pairs": "views",
            "loss": "self",
        },
    )
    batch = first_batch(chosen, open_two_cameras(records, "train"))
    first, second, known = flow_inputs(chosen, batch)
    matrix = find_rig().sampling_matrix("narrow", size=SIZE)
    wide = tf.cast(batch["wide"], tf.float32)
    np.testing.assert_array_equal(first, warp_by_homography(wide, matrix, SIZE))
    np.testing.assert_array_equal(second, tf.cast(batch["narrow"], tf.float32))
    assert known is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"augment.crop_size": (64, 63)}, "--augment.crop-size .*at least 64 a side"),
        ({"flow.pairs": "views"}, "--flow.loss multi_scale: wanted self"),
        ({"flow.shift_px": (-1.0, 2.0)}, "--flow.shift-px"),
        ({"flow.tilt": 0.5}, "--flow.tilt 0.5: wanted 0 to 0.2"),
        ({"flow.parallax_px": -1.0}, "--flow.parallax-px"),
        ({"model": "icnet"}, "--model icnet: wanted one that learns the flow"),
    ],
)
def test_a_recipe_of_flows_that_cannot_be_is_refused(changes: dict, message: str) -> None:
    with pytest.raises(RoadsegError, match=message):
        check_recipe(recipe(Path("records"), **changes), tiny.TABLE)
