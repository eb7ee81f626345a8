import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roadseg import nus_native
from roadseg.errors import RoadsegError
from roadseg.eval.oracle.ceilings import (
    OracleOptions,
    oracle,
    round_trip,
    sampling_size,
    target_ids,
)
from roadseg.eval.oracle.samplers import exact_control, uniform_control
from roadseg.eval.oracle.table import oracle_table
from roadseg.eval.tables import console
from roadseg.sampling import enlarge, pixel_indices
from tests.eval.runs import SIZE, TABLE, street, write_records


@pytest.fixture
def records(tmp_path: Path) -> Path:
    return write_records(tmp_path / "records", count=4)


def ask(records: Path, *sizes: str, **values: Any) -> Any:
    return oracle(OracleOptions(records, sizes, **values))


def test_as_many_samples_as_pixels_bring_every_label_back() -> None:
    label = street(0)[1]
    back, _ = round_trip(label, uniform_control(), SIZE, TABLE.num_classes)
    np.testing.assert_array_equal(back[label != 255], label[label != 255])


def test_leaving_out_classes_that_were_not_sampled_changes_no_label() -> None:
    label = np.minimum(street(1)[1], 3)
    control = exact_control(label, (8, 8), 0.5, [3], 255)
    grid = enlarge(control[None], (16, 20))[0]
    pixels = np.asarray(pixel_indices(grid, SIZE))
    votes = np.eye(9, dtype=np.float32)[label[pixels[..., 0], pixels[..., 1]]]
    every_class = nus_native.interpolate(votes, np.asarray(grid), SIZE, argmax=True)
    np.testing.assert_array_equal(round_trip(label, control, (16, 20), 9)[0], every_class)


def test_ignored_samples_leave_the_vote_to_their_neighbours() -> None:
    label = np.full((9, 9), 255, np.uint8)
    label[:, 0] = 2
    back, _ = round_trip(label, uniform_control(), (3, 3), 4)
    assert (back[:, :4] == 2).all(), "between a vote and none, the vote counts"
    assert (back[:, 5:] == 4).all(), "where nobody votes, there is no class"


def test_a_map_without_any_label_gives_no_class_and_no_score(tmp_path: Path) -> None:
    label = np.full((8, 8), 255, np.uint8)
    assert (round_trip(label, uniform_control(), (4, 4), 3)[0] == 3).all()


def test_there_is_a_row_for_uniform_and_each_weight_at_each_size(records: Path) -> None:
    result = ask(records, "8", "12x16", alphas=(0.25, 0.9))
    rows = [(row.sampling_size, row.alpha) for row in result.rows]
    sizes = ((8, 8), (12, 16))
    assert rows == [(size, alpha) for size in sizes for alpha in (None, 0.25, 0.9)]
    assert result.images == 4 and result.target_classes == ["person"]


def test_more_samples_raise_the_ceiling_and_full_size_reaches_one(records: Path) -> None:
    small, large, full = (row for row in ask(records, "8", "24", "48x64").rows if row.alpha is None)
    assert small.miou < large.miou < full.miou == 1.0
    assert full.boundary[0].accuracy == 1.0


def test_the_published_grid_sees_target_boundaries_better(records: Path) -> None:
    uniform, grid = ask(records, "16").rows
    assert grid.boundary_target[1].accuracy > uniform.boundary_target[1].accuracy
    assert grid.miou_target > uniform.miou_target


def test_a_crop_and_a_limit_are_obeyed(records: Path) -> None:
    result = ask(records, "16", crop=(32, 32), max_images=2)
    assert result.images == 2
    label = street(0)[1][8:40, 16:48]
    only_first = ask(records, "32", crop=(32, 32), max_images=1).rows[0]
    assert only_first.pixel_accuracy == 1.0
    assert only_first.iou["person"] == 1.0 or not (label == 3).any()


def test_threads_do_not_change_the_result(records: Path) -> None:
    first, second = (ask(records, "12", workers=workers).to_json() for workers in (1, 4))
    assert first == second


def test_json_holds_every_row(records: Path) -> None:
    values = json.loads(ask(records, "8").to_json())
    assert [row["alpha"] for row in values["rows"]] == [None, 0.5]
    assert values["rows"][0]["boundary"][1]["radius_px"] == 3


def test_the_table_is_plain_where_there_is_no_terminal(
    records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    console().print(oracle_table(ask(records, "8", alphas=(0.25, 0.5))))
    text = capsys.readouterr().out
    assert "uniform" in text and "a = 0.5" in text and "…" not in text and "\x1b" not in text


def test_target_classes_are_names_ids_all_or_the_data_sets() -> None:
    assert target_ids(None, TABLE) == [3]
    assert target_ids(("all",), TABLE) == []
    assert target_ids(("pole", "0"), TABLE) == [2, 0]
    with pytest.raises(RoadsegError, match="no class 'tram' in 'toy'; there are: ground, wall"):
        target_ids(("tram",), TABLE)


def test_a_data_set_without_target_classes_uses_all_boundaries(tmp_path: Path) -> None:
    plain = dataclasses.replace(TABLE, target_classes=())
    result = ask(write_records(tmp_path / "plain", count=1, table=plain), "8")
    assert result.target_classes == []
    assert math.isnan(result.rows[0].miou_target)
    assert result.rows[0].objects[0].objects == 0


@pytest.mark.parametrize("text", ["1", "x", "8x", "8x8x8", "-4", "4.5", "many"])
def test_a_sampling_size_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(RoadsegError, match=f"--sampling-size {text}: give height"):
        sampling_size(text)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"grid": (1, 8)}, "--sampler.grid-size 1 8: both sides"),
        ({"alphas": (0.0,)}, "--sampler.alpha 0: above"),
        ({"alphas": (0.5, 1.5)}, "--sampler.alpha 1.5"),
        ({"alphas": ()}, "at least one value"),
        ({"max_images": 0}, "--max-images 0"),
        ({"crop": (1, 8)}, "--crop 1 8"),
        ({"split": "test"}, "test"),
    ],
)
def test_options_that_cannot_be_are_refused(
    records: Path, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(RoadsegError, match=message):
        ask(records, "8", **values)
