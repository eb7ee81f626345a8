"""The page of exports: one row a file, measured once, and a reason where there is no file."""

import json

import pytest

from roadseg.errors import RoadsegError
from roadseg.export import results

VERDICT = {
    "keras": {"miou": 60.0, "boundary_accuracy": 50.0},
    "file": {"miou": 59.5, "boundary_accuracy": 50.25},
    "lost": {"miou": 0.5, "boundary_accuracy": -0.25},
    "labels_equal": 99.25,
    "images": 3,
}


def test_the_page_is_made_of_what_the_cards_say_and_nothing_is_measured_twice(
    tmp_path, monkeypatch
):
    asked = []

    def export(name, format_name, target, precision):
        asked.append((name, format_name, precision.name))
        if precision.name == "float16":
            raise RoadsegError(f"{target}: not exported: no such layer; export another format")
        target.mkdir()
        (target / "model.bin").write_bytes(bytes(1_500_000))
        card = {"verdict": VERDICT, "int8": {"layers_in_float": ["a"], "layers": 4}}
        (target / "model_card.json").write_text(json.dumps(card))

    monkeypatch.setattr("roadseg.export.command.export_preset", export)
    page = tmp_path / "exports.md"
    given = ["espnet/camvid", "--records", str(tmp_path), "--formats", "onnx", "--to", str(page)]
    assert results.main([*given, "--precisions", "int8", "float16"]) == 0
    text = page.read_text()
    assert (
        "| `espnet/camvid` | onnx | int8 | 1.50 | 99.25 | 60.00 | 0.50 | -0.25 | 1 of 4 | 3 |\n"
        in text
    )
    assert "| float16 | | | | | | | not exported: no such layer; export another format |" in text
    assert results.main([*given, "--precisions", "int8", "float16"]) == 0
    assert len(asked) == 2 and page.read_text() == text


def test_a_damaged_store_is_named(tmp_path, capsys):
    (tmp_path / "exports.json").write_text("{")
    page = str(tmp_path / "exports.md")
    assert results.main(["x", "--records", str(tmp_path), "--to", page]) == 2
    assert "exports.json: not JSON" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["espnet/camvid", "no/such"])
def test_a_name_that_is_no_folder_is_shown_as_it_is(name):
    assert results._name(name) == name
