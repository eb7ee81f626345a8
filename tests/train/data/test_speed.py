"""The measurement of the input pipeline: both ways do the same work, and turns are fair."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import tensorflow as tf

from roadseg.data_conversion.read.records import open_records
from roadseg.errors import RoadsegError
from roadseg.train.data import augment, speed
from roadseg.train.data.pipeline import training_batches
from tests.train import tiny


def test_opencv_cuts_the_crops_that_ours_are() -> None:
    random = np.random.default_rng(0)
    image = cv2.resize(random.integers(0, 256, (9, 15, 3), np.uint8), (150, 90))
    label = cv2.resize(random.integers(0, 9, (9, 15), np.uint8), (150, 90), interpolation=0)
    records = SimpleNamespace(path="records", split="train")
    recipe = speed.recipe_of(records, speed.Arguments(Path(), crop=(64, 72)))
    for draw in random.random((12, 4)).astype(np.float32):
        theirs, their_label = speed.random_crop(image, label, draw, (64, 72))
        ours = augment.random_crop(image, label, tf.constant(draw), recipe)
        assert np.abs(ours.image.numpy().astype(int) - theirs).max() <= 1
        # Where i in / out is whole, OpenCV's product with a rounded ratio can fall short of it.
        assert (ours.label.numpy() == their_label).mean() > 0.95


def test_ways_take_turns_by_the_clock_and_by_processor_time(monkeypatch) -> None:
    now = {"wall": 5.0, "cpu": 1.0}
    clock = SimpleNamespace(process_time=lambda: now["cpu"], perf_counter=lambda: now["wall"])
    monkeypatch.setattr(speed, "time", clock)
    order = []

    def way(name: str, seconds: float) -> None:
        order.append(name)
        now["wall"] += seconds
        now["cpu"] += 2 * seconds

    found = speed.take_turns({"a": lambda: way("a", 1.0), "b": lambda: way("b", 3.0)}, 6)
    pairs = ["".join(order[n : n + 2]) for n in range(0, 14, 2)]
    assert pairs[0] == "ab" and set(pairs) == {"ab", "ba"}
    for name, seconds in (("a", 1.0), ("b", 3.0)):
        np.testing.assert_allclose(found[name], [(seconds, 2 * seconds)] * 6)


def test_a_pipeline_that_stops_gives_the_batches_of_one_that_does_not(tmp_path: Path) -> None:
    records = open_records(tiny.write_records(tmp_path), "train")
    stopped = list(training_batches(tiny.recipe(), records, 2, stop_step=5))
    assert len(stopped) == 3
    for one, other in zip(stopped, training_batches(tiny.recipe(), records, 2), strict=False):
        np.testing.assert_array_equal(one["image"], other["image"])


@pytest.fixture
def pictures(tmp_path: Path) -> Iterator[Path]:
    for number, ending in enumerate(("png", "jpg", "png")):
        image = np.random.default_rng(number).integers(0, 256, (30, 40, 3), np.uint8)
        cv2.imwrite(str(tmp_path / f"{number}.{ending}"), image)
    yield tmp_path


@pytest.mark.parametrize("cache", ["none", "decoded"])
def test_records_and_pictures_are_read_by_both(pictures, cache, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(speed, "_limit_threads", lambda threads: None)
    options = ["--crop", "16", "16", "--images", "9", "--rounds", "2", "--cache", cache]
    assert speed.main([str(pictures), *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["images"], found["image_size"], found["format"]) == (8, [30, 40], "PNG")
    assert {name: len(turns) for name, turns in found["rounds"].items()} == {"ours": 2, "opencv": 2}


def test_a_file_that_is_no_picture_is_named(pictures: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(speed, "_limit_threads", lambda threads: None)
    (pictures / "z.png").write_bytes(b"no picture")
    assert speed.main([str(pictures)]) == 2
    assert "z.png: not a picture that can be decoded; remove it" in capsys.readouterr().err
    with pytest.raises(RoadsegError, match="not a picture"):
        speed.write_records([pictures / "z.png"], pictures)
