"""That the harness finds what it looks for; `test_chaos.py` is the harness itself."""

import errno
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.chaos.compare import differences
from tests.chaos.disk import Disk, build, compiler
from tests.chaos.disturb import cut_short, restore
from tests.chaos.schedule import KINDS, schedule
from tests.chaos.stages import STAGES, with_needed

LINES = [
    {"event": "begun", "step": 0},
    {"event": "train", "step": 4, "loss": 0.5, "seconds": 1.0},
]


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name, seconds in (("one", 1.0), ("two", 9.0)):
        folder = tmp_path / name / "run"
        folder.mkdir(parents=True)
        np.savez(folder / "weights.npz", conv=np.arange(3.0), nothing=np.full(2, np.nan))
        (folder / "state.json").write_text(json.dumps({"step": 4, "time": seconds}))
        (folder / "records").write_bytes(b"records")
        card = f"# run\n\nExported 2026-01-01T00:00:0{seconds:.0f}Z from the run.\n"
        (folder / "model_card.md").write_text(card)
        again = [*LINES, {"event": "resumed", "step": 2}, {**LINES[1], "seconds": seconds}]
        text = "".join(json.dumps(line) + "\n" for line in again)
        (folder / "metrics.jsonl").write_text(text)
    return tmp_path / "one", tmp_path / "two"


def test_folders_that_differ_in_times_alone_are_the_same(folders: tuple[Path, Path]):
    assert differences(*folders) == []


def test_every_difference_is_named_by_file_and_name(folders: tuple[Path, Path]):
    run = folders[1] / "run"
    (run / "records").write_bytes(b"recorts")
    (run / "state.json").write_text('{"step": 5, "time": 1}')
    np.savez(run / "weights.npz", conv=np.array([0, 1, 2.5]), nothing=np.full(2, np.nan))
    with (run / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({**LINES[1], "loss": 0.25}) + '\n{"event": "tra')
    (run / ".unfinished-best.json-7").touch()
    (run / ".held-7").mkdir()
    assert differences(*folders) == [
        "run/.held-7/: not in the reference",
        "run/.unfinished-best.json-7: not in the reference",
        "run/metrics.jsonl: event train 4: [{'event': 'train', 'step': 4, 'loss': 0.5}] became "
        "[{'event': 'train', 'step': 4, 'loss': 0.5}, {'event': 'train', 'step': 4, 'loss': 0.25}]",
        "run/records: byte 5 of 7: 100 became 116",
        "run/state.json: /step: 4 became 5",
        "run/weights.npz: array conv: float64[3] [0.0, 1.0, 2.0] became float64[3] [0.0, 1.0, 2.5]",
    ]
    (run / "records").unlink()
    assert "run/records: missing" in differences(*folders)


def saved(folder: Path, factor: float) -> None:
    def serve(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"labels": tf.cast(image, tf.float32) * module.factor}

    module = tf.Module()
    module.factor = tf.Variable(factor)
    image = tf.TensorSpec((1, None, None, 3), tf.uint8, name="image")
    signature = tf.function(serve, input_signature=[image], autograph=False)
    tf.saved_model.save(module, str(folder), signatures=signature)


def test_saved_models_are_compared_by_what_they_hold_and_give(tmp_path: Path):
    for name, factor in (("one", 2.0), ("two", 2.0), ("three", 3.0)):
        saved(tmp_path / name / "export", factor)
    assert differences(tmp_path / "one", tmp_path / "two") == []
    found = differences(tmp_path / "one", tmp_path / "three")
    assert len(found) == 2
    assert found[0].startswith("export: SavedModel factor/.ATTRIBUTES/VARIABLE_VALUE: float32[]")
    assert found[1].startswith("export: SavedModel output labels: float32[1, 64, 128, 3]")


def test_the_schedule_follows_from_its_seed_and_has_every_kind():
    names = tuple(STAGES)
    kills = schedule(100, 3, names)
    assert kills == schedule(100, 3, names) != schedule(100, 4, names)
    assert set(Counter(kill.kind for kill in kills).values()) == {20}
    assert {kill.kind for kill in schedule(5, 0, names)} == set(KINDS)
    assert set(Counter(kill.stage for kill in kills).values()) == {16, 17}
    assert [stage.name for stage in with_needed(("export",))] == [
        *("convert", "density", "segmentation", "export")
    ]


def test_a_file_is_cut_short_in_place_and_given_back(tmp_path: Path):
    path = tmp_path / "train.tfrecord"
    path.write_bytes(bytes(range(10)))
    with path.open("rb") as reader:
        cut = cut_short(path, 0.35)
        assert reader.read() == bytes(range(3))
        restore(cut)
        assert reader.read() == bytes(range(3, 10))


WRITE = """
import os, sys
from pathlib import Path
for name in ("disk/a", "disk/b", "beside"):
    try:
        with open(name, "wb", buffering=0) as file:
            file.write(b"x" * 100)
        os.rename(name, name + "-there")
        print("written")
    except OSError as error:
        print(error.errno)
"""


def test_the_disk_fails_below_its_folder_alone_and_from_the_place_on(tmp_path: Path):
    if compiler() is None:
        pytest.skip("no C compiler")
    (tmp_path / "disk").mkdir()
    disk = Disk(build(tmp_path), tmp_path / "plan", tmp_path / "disk")

    def said() -> list[str]:
        command = [sys.executable, "-S", "-c", WRITE]
        environment = {**os.environ, **disk.environment()}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True)
        return done.stdout.decode().split()

    assert said() == ["written"] * 3
    counts = disk.counts()
    assert (counts.bytes, counts.calls, counts.refused) == (200, 4, 0)
    disk.fail(errno.ENOSPC, after_bytes=150)
    assert said() == ["written", str(errno.ENOSPC), "written"]
    disk.fail(errno.EIO, after_calls=1)
    assert said() == [str(errno.EIO), str(errno.EIO), "written"]
    assert disk.counts().refused == 2
