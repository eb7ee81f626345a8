"""`roadseg eval --model`: presets scored as they are loaded, kept, shown beside the published."""

import json
from dataclasses import replace

import numpy as np
import pytest

from roadseg.data_conversion.read.records import open_records
from roadseg.errors import RoadsegError
from roadseg.eval import command, preset_scores
from roadseg.eval.preset_scores import BEGIN, END, read_scores, renew_table, score_preset, table_of
from roadseg.inference.inference import Inference
from roadseg.metrics.confusion import ConfusionMatrix
from roadseg.recipe.protocol import PROTOCOLS
from roadseg.runs import load as loading
from roadseg.weights import presets
from tests.eval.runs import TABLE, street, write_records
from tests.eval.small_runs import tiny


@pytest.fixture
def inference() -> Inference:
    network = tiny(5)  # one output more than classes: void
    rng = np.random.default_rng(0)
    network.set_weights([rng.normal(size=weight.shape) for weight in network.get_weights()])
    return Inference(network, TABLE, PROTOCOLS["espnet"])


def wanted(inference: Inference, numbers: range) -> float:
    """Return the mIoU of `inference` on the streets of these numbers, void pixels counting."""
    confusion = ConfusionMatrix(TABLE.num_classes, TABLE.ignore)
    for number in numbers:
        image, label = street(number)
        confusion.add(label, inference.predict_labels(image))
    return 100 * confusion.metrics().miou(with_void=True)


def test_all_splits_count_together_by_the_rule_of_the_protocol(inference, tmp_path):
    for split, count in (("train", 2), ("val", 3)):
        write_records(tmp_path / "records", count, split)
    opened = [open_records(tmp_path / "records", split) for split in ("train", "val")]
    found = score_preset("toy", inference, opened)
    assert (found["images"], found["rule"]) == (5, "miou_with_void")
    alone = score_preset("toy", inference, opened[1:])
    assert alone["images"] == 3
    assert alone["percent"] == pytest.approx(wanted(inference, range(3)), abs=1e-3)
    assert set(found["iou"]) == set(TABLE.names)
    assert score_preset("toy", inference, opened, limit=1)["images"] == 2


def test_the_command_adds_to_the_file_and_renews_the_page(inference, tmp_path, monkeypatch, capsys):
    records = write_records(tmp_path / "records", 1)
    row = replace(presets.PRESETS["espnet/camvid"], score=12.5, scored_on="toy test")
    monkeypatch.setitem(presets.PRESETS, "tiny/toy", row)
    monkeypatch.setattr(loading, "load_inference", lambda *_, **__: inference)
    scores, page = tmp_path / "scores.json", tmp_path / "page.md"
    scores.write_text(json.dumps({"gone/preset": {"x": {}}}))
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    words = ["--model", "tiny/toy", "--records", str(records), "--to", str(scores)]
    assert command.main([*words, "--name", "streets", "--table", str(page)]) == 0
    percent = wanted(inference, range(1))
    assert f"tiny/toy on streets: {percent:.2f} % mIoU, 1 images" in capsys.readouterr().out
    assert read_scores(scores)["tiny/toy"]["streets"]["percent"] == pytest.approx(percent, abs=1e-3)
    text = page.read_text()
    assert text.startswith(f"before\n{BEGIN}\n| weights ") and text.endswith(f"{END}\nafter\n")
    assert f"| `tiny/toy` | 12.50 | toy test | {percent:.2f} | streets | 1 |" in text
    assert "old" not in text and "gone" not in text


def test_the_page_of_the_project_shows_the_scores_that_are_kept():
    from tests.support import REPOSITORY

    scores = read_scores(REPOSITORY / "docs" / "results" / "presets.json")
    text = (REPOSITORY / "docs" / "models.md").read_text(encoding="utf-8")
    assert f"{BEGIN}\n{table_of(scores)}\n{END}" in text
    assert {found["images"] for found in scores["dabnet/cityscapes"].values()} == {8}


NAMED = ("--model", "dabnet/cityscapes", "--records", "records")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model", "dabnet/citys", "--records", "x"], "no preset 'dabnet/citys'; did you mean"),
        (["--model", "dabnet/cityscapes"], "give --records"),
        (["--model", "--records", "x"], "name a preset"),
        (["--model", "--table", "page.md"], "name that by --to"),
        (["--model", "--table", "page.md", "--to", "x.json"], r"page\.md: No such file"),
        ([*NAMED, "--to", "file/x"], "file/x: cannot write here .*; change --to"),
        ([*NAMED, "--to", "file"], "file: not JSON .*; write it anew"),
        (
            [*NAMED, "--to", "x.json", "--table", "file/x"],
            "file/x: cannot write here .*; change",
        ),
        ([*NAMED, "--to", "x.json", "--table", "old.md"], "old.md: not UTF-8; name a page with"),
        ([*NAMED, "--to", "x.json", "--table", "file"], "file: lacks <!--"),
    ],
)
def test_what_does_not_fit_is_refused(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("text")
    (tmp_path / "old.md").write_bytes(b"stra\xdfe")
    monkeypatch.setattr(preset_scores, "_score", lambda *_: pytest.fail("scored before"))
    with pytest.raises(RoadsegError, match=message):
        command.main(words)


def test_a_page_without_markers_and_a_damaged_file_are_refused(tmp_path):
    (tmp_path / "page.md").write_text(BEGIN)
    with pytest.raises(RoadsegError, match="page.md: lacks"):
        renew_table(tmp_path / "page.md", {})
    for text in ("{", "[]"):
        (tmp_path / "scores.json").write_text(text)
        with pytest.raises(RoadsegError, match=r"scores\.json: "):
            read_scores(tmp_path / "scores.json")


def test_records_of_other_classes_are_refused(inference, tmp_path):
    records = write_records(
        tmp_path / "records", 1, table=replace(TABLE, names=(*TABLE.names[:3], "cat"))
    )
    with pytest.raises(RoadsegError, match="class 3 'cat' where toy .* 'person'"):
        score_preset("toy", inference, [open_records(records, "val")])
