"""The page of exports: one row a file, measured once, and a reason where there is no file."""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from roadseg.errors import RoadsegError
from roadseg.export import results, results_times
from roadseg.export.results_page import page

VERDICT = {
    "keras": {"miou": 60.0, "boundary_accuracy": 50.0},
    "file": {"miou": 59.5, "boundary_accuracy": 50.25},
    "lost": {"miou": 0.5, "boundary_accuracy": -0.25},
    "labels_equal": 99.25,
    "images": 3,
}


@pytest.fixture
def exported(tmp_path, monkeypatch):
    """Return the arguments of a command whose exports and races are made up, and what is asked."""
    asked = []

    def export(name, format_name, target, size, precision):
        asked.append((name, format_name, precision.name, size))
        if precision.name == "float16":
            raise RoadsegError(
                f"{target}: not exported: 2.00 points of mIoU lost (allowed: 1); give more"
            )
        target.mkdir(parents=True, exist_ok=True)
        (target / "model.bin").write_bytes(bytes(1_500_000))
        card = {"verdict": VERDICT, "int8": {"layers_in_float": ["a"], "layers": 4}}
        card["calibration"] = {"images": 50}
        (target / "model_card.json").write_text(json.dumps(card))

    def race(network, files, size, rounds, threads):
        asked.append((network, sorted(files), size))
        row = {"ms": 10.0, "low_ms": 9.0, "high_ms": 11.0, "keras_over_this": 2.0}
        conditions = {"device": "a machine", "protocol": "in turns"}
        return {"conditions": conditions, "rows": dict.fromkeys(("keras", *files), row)}

    records = tmp_path / "records"
    records.mkdir()
    for split in ("train", "test"):
        (records / f"{split}-00000-of-00001.tfrecord").touch()
    monkeypatch.setattr("roadseg.export.command.export_preset", export)
    monkeypatch.setattr("roadseg.weights.fetch.locate", lambda name, preset: None)
    monkeypatch.setattr(results, "raced", race)
    monkeypatch.setattr(results, "need", lambda name: None)
    given = ["espnet/camvid", "--records", str(records), "--size", "32x48", "--formats", "onnx"]
    given += ["--to", str(tmp_path / "exports.md"), "--files", str(tmp_path / "files")]
    return [*given, "--precisions", "int8", "float16"], asked


def test_the_page_is_made_of_what_the_cards_say_and_nothing_is_measured_twice(exported, tmp_path):
    given, asked = exported
    assert results.main(given) == 0
    text = (tmp_path / "exports.md").read_text()
    assert "| `espnet/camvid` | Keras | float32 |  | 10.0 (9.0-11.0) | 2.00 |  | 60.00 |" in text
    assert (
        "| `espnet/camvid` | onnx | int8 | 1.50 | 10.0 (9.0-11.0) | 2.00 | 99.25 | 59.50 | 0.50 | "
        "-0.25 | 1 of 4 |\n" in text
    )
    assert "| float16 |  |  |  | refused: 2.00 points of mIoU lost (allowed: 1) |" in text
    assert "`roadseg export --size 32x48`" in text and "a machine" in text
    assert "first 3 images of records, split test" in text
    # What was refused is not timed.
    assert [what[1] for what in asked] == ["onnx", "onnx", ["onnx-int8"]]
    assert results.main(given) == 0 and len(asked) == 3
    assert (tmp_path / "exports.md").read_text() == text
    assert results.main([*given, "--again", "--no-times"]) == 0 and len(asked) == 5


def test_a_command_of_another_part_keeps_what_is_there_and_races_all_of_it(exported, tmp_path):
    given, asked = exported
    assert results.main([*given[:-3], "--precisions", "int8", "--no-times"]) == 0
    assert "Nothing was timed yet." in (tmp_path / "exports.md").read_text()
    assert results.main([*given[:-3], "--precisions", "float32"]) == 0
    assert asked[-1] == ("espnet/camvid", ["onnx-float32", "onnx-int8"], (32, 48))
    text = (tmp_path / "exports.md").read_text()
    assert text.index("| onnx | float32 |") < text.index("| onnx | int8 |")


def test_a_row_of_other_images_is_kept_and_said(exported, capsys):
    given, asked = exported
    assert results.main([*given[:-3], "--precisions", "int8", "--no-times"]) == 0
    assert results.main([*given, "--no-times", "--verdict-images", "7"]) == 0
    assert "onnx-int8.json: of 3 images; --again" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--formats", "torch"], "--formats torch: there is onnx, openvino, litert"),
        (["--precisions", "int4"], "--precisions int4: there is float32, float16, int8"),
        (["--verdict-images", "0"], "--verdict-images 0: at least 1"),
        (["--split", "val"], "no split"),
        (["--files", "{folder}"], "onnx-int8.json: not JSON"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_measured(
    exported, tmp_path, capsys, more, message
):
    given, asked = exported
    damaged = tmp_path / "damaged" / "espnet_camvid" / "onnx-int8.json"
    damaged.parent.mkdir(parents=True)
    damaged.write_text("{")
    more = [text.format(folder=damaged.parents[1]) for text in more]
    assert results.main([*given, *more]) == 2
    assert message in capsys.readouterr().err and asked == []


def test_notes_end_the_page_and_stand_in_its_command(exported, tmp_path, capsys):
    given, asked = exported
    notes = tmp_path / "notes.md"
    assert results.main([*given, "--notes", str(notes)]) == 2
    assert f"--notes {notes}: no such file" in capsys.readouterr().err and asked == []
    notes.write_text("## Trained by hand\n")
    assert results.main([*given, "--no-times", "--verdict-images", "3", "--notes", str(notes)]) == 0
    text = (tmp_path / "exports.md").read_text()
    assert f"--split test --verdict-images 3 --notes {notes}\n" in text
    assert text.endswith("\n\n## Trained by hand\n") and "-0.00" not in text


def test_weights_that_cannot_be_had_are_no_row(exported, tmp_path, monkeypatch, capsys):
    def locate(name, preset):
        raise RoadsegError(f"{name}: no connection; fetch it later")

    monkeypatch.setattr("roadseg.weights.fetch.locate", locate)
    given, asked = exported
    assert results.main(given) == 2
    assert "no connection" in capsys.readouterr().err and asked == []
    assert not list((tmp_path / "files").rglob("*.json"))


def test_a_run_has_a_name_and_a_path(tmp_path):
    with pytest.raises(RoadsegError, match="street=.*no run at .*; give NAME=PATH of a run"):
        results.network_of(f"street={tmp_path}", tmp_path)
    with pytest.raises(RoadsegError, match="no/such"):
        results.network_of("no/such", tmp_path)


def test_times_are_those_of_one_race(monkeypatch):
    laps = {"camvid": [20.0, 30.0, 40.0], "files/onnx-int8": [10.0, 10.0, 10.0]}
    rows = [
        {"name": name, "laps_ms": ms, "median_ms": ms[1], "low_ms": ms[0], "high_ms": ms[2]}
        for name, ms in laps.items()
    ]
    text = json.dumps({"conditions": {"device": "a machine"}, "rows": rows})
    asked = []

    def run(command, **_):
        asked.append(command[3:])
        return subprocess.CompletedProcess(command, 0, text, "")

    monkeypatch.setattr(results_times.subprocess, "run", run)
    found = results_times.raced("camvid", {"onnx-int8": Path("files/onnx-int8")}, (32, 48), 9, 2)
    assert asked[0][:3] == ["benchmark", "camvid", "files/onnx-int8"]
    assert found["rows"]["keras"]["keras_over_this"] == 1
    assert found["rows"]["onnx-int8"]["keras_over_this"] == 3
    assert found["rows"]["onnx-int8"]["ms"] == 10


def test_a_race_that_fails_says_why(monkeypatch):
    ended = subprocess.CompletedProcess([], 2, "", "notice\nerror: no memory\n")
    monkeypatch.setattr(results_times.subprocess, "run", lambda *_, **__: ended)
    with pytest.raises(RoadsegError, match="camvid: not timed: no memory"):
        results_times.raced("camvid", {}, (32, 48), 9, None)


def test_a_page_of_nothing_is_a_page():
    assert page([], {}, "test").startswith("# Exports\n")


def test_a_size_is_asked_for_where_images_have_several(exported, monkeypatch, capsys):
    given, asked = exported
    several = SimpleNamespace(image_size=None)
    opened = "roadseg.data_conversion.read.records.open_records"
    monkeypatch.setattr(opened, lambda path, split: several)
    without = [text for text in given if text not in ("--size", "32x48")]
    assert results.main(without) == 2
    assert "images of several sizes; give --size" in capsys.readouterr().err and asked == []
