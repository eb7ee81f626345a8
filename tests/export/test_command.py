"""`roadseg export`: where it writes, what the card says, and what it refuses."""

import json

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("export is TensorFlow's", allow_module_level=True)

import tensorflow as tf

import roadseg
from roadseg import cli
from roadseg.errors import RoadsegError
from roadseg.export.command import export_run
from roadseg.export.fixed_size import check_size
from roadseg.layers.normalisation import SizeRange
from tests.export.support import CLASSES, make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("runs") / "tiny", "nus", steps=(3, 7))


@pytest.fixture(scope="module")
def folder(run):
    evaluation = run.evaluation_folder("val-cityscapes")
    evaluation.mkdir(parents=True)
    for step, miou in ((3, 0.25), (7, 0.5)):
        result = {"step": step, "images": 4, "miou": miou, "iou": {"pole": 0.125, "person": None}}
        text = json.dumps({**result, "per_image": [1, 2, 3]})
        (evaluation / f"step-{step:08d}.json").write_text(text)
    return export_run(run.path)


def test_export_lies_in_the_run_folder_and_labels_images(run, folder):
    assert folder == run.path / "export" / "saved_model"
    signature = tf.saved_model.load(str(folder)).signatures["serving_default"]
    found = signature(image=np.zeros((1, 70, 90, 3), np.uint8))
    assert found["labels"].shape == (1, 70, 90)
    assert found["locations"].shape == (1, 2, 32, 32, 2)


def test_card_says_what_was_exported_and_how_good_it_is(folder):
    card = json.loads((folder / "model_card.json").read_text())
    assert card["step"] == 7 and card["recipe"]["name"] == "tiny"
    assert card["label_table"]["names"] == list(CLASSES)
    assert [result["miou"] for result in card["evaluations"]] == [0.5]
    assert "per_image" not in card["evaluations"][0]
    assert card["sampler_recipe"]["task"] == "sampling_grid"
    assert card["versions"]["tensorflow"] == tf.__version__
    assert [output["name"] for output in card["outputs"]] == ["labels", "logits", "locations"]


def test_card_for_people_names_classes_and_logits(folder):
    text = (folder / "model_card.md").read_text()
    assert "| 1 | pole | #999999 | 0.1250 |" in text
    assert "| 2 | person | #dc143c | - |" in text
    assert "| val-cityscapes, step 7 | 4 | miou | 0.5000 |" in text


@pytest.fixture
def card_alone(monkeypatch):
    """Write no model beside the card: these tests are about what is chosen, not about its graph."""
    monkeypatch.setattr("roadseg.export.saved_model.write_saved_model", lambda *given: None)


def test_earlier_step_and_other_folder_can_be_asked_for(run, folder, tmp_path, card_alone):
    (run.path / "best.json").write_text('{"step": 3, "metric": "miou", "value": 1}')
    assert cli.main(["export", str(run.path), "--step", "best", "--to", str(tmp_path / "a")]) == 0
    card = json.loads((tmp_path / "a" / "model_card.json").read_text())
    assert card["step"] == 3 and card["evaluations"][0]["miou"] == 0.25


def test_a_void_output_is_explained_and_formats_are_called_by_their_own_runtime(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("roadseg.export.onnx.write_onnx", lambda *given: None)
    monkeypatch.setattr("roadseg.export.extras.missing", lambda name: [])
    run = make_run(tmp_path / "void", "none", void_class=True)
    folder = export_run(run.path, "onnx")
    card = json.loads((folder / "model_card.json").read_text())
    assert (card["format"], card["void_output"]) == ("onnx", 3)
    (labels,) = card["outputs"]
    assert labels["name"] == "labels" and "; 3 is void" in labels["meaning"]
    text = (folder / "model_card.md").read_text()
    assert "| 3 | void, no class: take it as ignored (255) | - | - |" in text
    assert "onnxruntime" in text and "tf.saved_model" not in text


def test_run_without_sampling_says_so(tmp_path, card_alone):
    run = make_run(tmp_path / "plain", "none")
    card = json.loads((export_run(run.path) / "model_card.json").read_text())
    assert card["sampling"] == {"kind": "none"} and card["evaluations"] == []
    assert [output["name"] for output in card["outputs"]] == ["labels", "logits"]
    assert card["void_output"] is None and "void" not in json.dumps(card["outputs"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "tensorrt"], "--format tensorrt: there is saved_model"),
        (["--step", "4"], "no step 4; there are: 3, 7"),
        (["--step", "new"], "--step new: give a step"),
    ],
)
def test_wrong_options_get_one_line_with_the_way_out(run, options, message, capsys):
    assert cli.main(["export", str(run.path), *options]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(RoadsegError, match="no run here"):
        export_run(tmp_path)


def test_folder_with_other_files_is_not_replaced(run, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RoadsegError, match="other files"):
        export_run(run.path, to=tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_help_begins_with_an_example(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["export", "--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith("example: roadseg export") and len(text.splitlines()) <= 45


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ("512", "--size 512: give height x width"),
        ("4x64", "--size 4x64: give sides from 8 to 8192"),
        ("64x9000", "--size 64x9000: give sides from 8 to 8192"),
    ],
)
def test_a_size_that_no_export_has_is_refused(run, size, message, capsys, card_alone):
    assert cli.main(["export", str(run.path), "--size", size]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_a_size_below_what_a_head_averages_is_refused_before_anything_is_traced():
    network = roadseg.create("mobilenet_v3_small", 3)
    with pytest.raises(RoadsegError, match="--size 512x1024: give sides from 769 to 8192"):
        check_size(network, (512, 1024))
    within = keras.Sequential([keras.Input((None, None, 3)), SizeRange((8, 9), (8, 9), "cut")])
    with pytest.raises(
        RoadsegError, match="--size 9x10: image width 10: this network takes 8 to 9"
    ):
        check_size(within, (9, 10))


def test_an_export_of_one_size_says_so_and_takes_no_other(tmp_path):
    run = make_run(tmp_path / "plain", "none")
    folder = export_run(run.path, size=(48, 72))
    card = json.loads((folder / "model_card.json").read_text())
    assert card["input"]["shape"] == "(1, 48, 72, 3)"
    signature = tf.saved_model.load(str(folder)).signatures["serving_default"]
    assert signature.structured_input_signature[1]["image"].shape == (1, 48, 72, 3)
    segment = roadseg.load(folder)
    assert segment(np.zeros((48, 72, 3), np.uint8)).labels.shape == (48, 72)
    assert segment(np.zeros((3, 48, 72, 3), np.uint8)).labels.shape == (3, 48, 72)
    with pytest.raises(RoadsegError, match="takes images of 48x72 alone, got 48x80; give such"):
        segment(np.zeros((48, 80, 3), np.uint8))
