"""Weights of classes: published, counted, and kept."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from roadseg.data_conversion.read.records import open_records
from roadseg.errors import RoadsegError
from roadseg.losses.cross_entropy import CITYSCAPES_WEIGHTS
from roadseg.runs.run_folder import RunFolder
from roadseg.train.check import check_recipe
from roadseg.train.data.class_weights import FILE, class_weights, count_labels, from_counts
from tests.train import tiny


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory):
    folder = tiny.write_records(tmp_path_factory.mktemp("records"))
    return open_records(str(folder), "train")


def test_labels_are_counted_over_all_records(records) -> None:
    counts = count_labels(records)
    # Ten images of 24x32: the top 4 rows are class 2, the last 2x2 pixels have no label.
    assert counts.sum() == 10 * 24 * 32
    assert counts[255] == 10 * 4
    assert 0 < counts[1] <= 10 * 81
    assert not counts[3:255].any()


def test_weights_are_one_over_the_logarithm_of_frequency() -> None:
    found = from_counts(np.asarray([75, 25, 0]))
    expected = [1 / math.log(1.10 + share) for share in (0.75, 0.25, 0.0)]
    assert found == pytest.approx(expected)


def test_counted_weights_are_kept_in_the_run_and_read_from_there(records, tmp_path: Path) -> None:
    run, recipe = RunFolder(tmp_path), tiny.recipe(class_weights="frequency")
    first = class_weights(recipe, run, records)
    assert first is not None and len(first) == tiny.CLASSES
    assert json.loads((tmp_path / FILE).read_text()) == list(first)
    (tmp_path / FILE).write_text("[1, 2, 3]")
    assert class_weights(recipe, run, records) == (1.0, 2.0, 3.0)
    (tmp_path / FILE).write_text("{")
    with pytest.raises(RoadsegError, match=rf"{FILE}: not a list of numbers"):
        class_weights(recipe, run, records)


def test_only_the_process_that_writes_keeps_them(records, tmp_path: Path) -> None:
    recipe = tiny.recipe(class_weights="frequency")
    assert class_weights(recipe, RunFolder(tmp_path), records, writes=False)
    assert not (tmp_path / FILE).exists()


def test_void_has_a_weight_where_it_is_a_class(records, tmp_path: Path) -> None:
    recipe = tiny.recipe(class_weights="frequency", void_class=True)
    found = class_weights(recipe, RunFolder(tmp_path), records)
    assert found is not None and len(found) == tiny.CLASSES + 1
    assert found[-1] == pytest.approx(1 / math.log(1.10 + 4 / (24 * 32)))


def test_the_published_weights_are_for_19_classes(records, tmp_path: Path) -> None:
    recipe = tiny.recipe(class_weights="cityscapes")
    assert class_weights(recipe, RunFolder(tmp_path), records) == CITYSCAPES_WEIGHTS
    assert len(CITYSCAPES_WEIGHTS) == 19
    with pytest.raises(RoadsegError, match="--class-weights cityscapes: .*3 outputs, not 19"):
        check_recipe(recipe, tiny.TABLE)


def test_no_weights_are_the_default(records, tmp_path: Path) -> None:
    assert class_weights(tiny.recipe(), RunFolder(tmp_path), records) is None
