"""What is wrong with the options of precision is said in one line, before anything is written."""

import importlib.util
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("export is TensorFlow's", allow_module_level=True)

from roadseg import cli, label_tables
from roadseg.errors import RoadsegError
from roadseg.export import judged
from roadseg.export.command import _export, export_preset, export_run
from roadseg.export.formats import FORMATS
from roadseg.export.interface import LABELS_OF_RGB
from roadseg.export.model_card import preset_card
from roadseg.export.precision.options import Precision
from roadseg.export.subject import Subject
from roadseg.export.verdict import Keras, open_evaluation
from roadseg.weights.presets import find_preset
from tests.export.precision.support import colour_network, streets
from tests.export.support import make_run
from tests.export.test_calibration import write_records


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("runs") / "tiny", "none", steps=(3,))


@pytest.fixture
def installed(monkeypatch):
    """Let every extra be there."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: find("os") or name)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--precision", "int4"], "--precision int4: there is float32, float16, int8"),
        (["--precision", "int8"], "--precision int8: saved_model is float32; give --format onnx"),
        (["--format", "onnx", "--verdict-images", "0"], "--verdict-images 0: at least 1 is needed"),
        (["--format", "onnx", "--allow-loss", "-1"], "--allow-loss -1: points, 0 or more"),
        (["--format", "onnx", "--allow-loss", "nan"], "--allow-loss nan: points, 0 or more"),
        (["--model", "camvid"], "roadseg export: give either a run folder or --model PRESET"),
        (["--format", "onnx", "--records", "/nowhere"], "/nowhere: no such folder"),
    ],
)
def test_wrong_options_get_one_line(run, options, message, capsys, installed):
    assert cli.main(["export", str(run.path), *options]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not run.export_folder.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "give either a run folder or --model PRESET"),
        (["--model", "espnet/camvid", "--step", "3"], "--step 3: of a run; leave it out with"),
        (["--model", "espnet/street"], "no preset 'espnet/street'; did you mean "),
    ],
)
def test_a_preset_is_asked_for_in_the_right_words(options, message, capsys):
    assert cli.main(["export", *options]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("format_name", "module", "extra"),
    [("openvino", "nncf", "openvino-int8"), ("litert", "ai_edge_litert", "litert")],
)
def test_a_missing_package_is_named_with_its_extra(
    run, format_name, module, extra, tmp_path, monkeypatch
):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == module else find("os")
    )
    with pytest.raises(RoadsegError, match=rf"{module}.*pip install 'roadseg\[{extra}\]'"):
        export_run(run.path, format_name, to=tmp_path / "x", precision=Precision("int8"))
    assert not (tmp_path / "x").exists()


def test_records_of_other_classes_are_no_judge(run, tmp_path):
    tf = pytest.importorskip("tensorflow")
    folder = tmp_path / "records"
    write_records(tf, folder, [np.zeros((4, 6, 3), np.uint8)], split="val")
    (folder / "label_table.json").write_text(
        run.label_table.to_json().replace('"pole"', '"lamp"'), encoding="utf-8"
    )
    with pytest.raises(RoadsegError, match="labels of 'test', and the network has the classes"):
        open_evaluation(folder, "val", run.label_table)


def test_ranges_are_measured_on_records_of_the_run_or_else_on_those_to_judge_by(tmp_path):
    tf = pytest.importorskip("tensorflow")
    folders = {name: tmp_path / name for name in ("trained_on", "judged_by", "gone", "no_train")}
    for name, split in (("trained_on", "train"), ("judged_by", "train"), ("no_train", "val")):
        write_records(tf, folders[name], [np.zeros((4, 6, 3), np.uint8)], split=split)
    own, other = folders["trained_on"], folders["judged_by"]
    assert judged.measured_on(own, other) == own
    assert judged.measured_on(folders["gone"], other) == judged.measured_on(None, other) == other
    assert judged.measured_on(folders["no_train"], None) is None


def test_a_file_that_lost_too_much_leaves_nothing(tmp_path, monkeypatch, capsys):
    """Nothing is converted here: the file that is judged gives one class alone."""

    def one_class(images):
        return {"labels": np.full(images.shape[:3], 2, np.int32)}

    monkeypatch.setattr(judged, "write_float16", lambda *given: None)
    monkeypatch.setattr("roadseg.export.onnx.run_onnx", lambda path: one_class)
    monkeypatch.setattr(judged, "has_static_shapes", lambda path, target: True)
    model, table = colour_network(), label_tables.get("camvid")
    card = partial(preset_card, "espnet/camvid", find_preset("espnet/camvid"), model, table)
    subject = Subject(model, table, card)
    folder = tmp_path / "streets"
    folder.mkdir()
    for number, image in enumerate(streets(2)):
        keras.utils.save_img(str(folder / f"{number}.png"), image)
    options, target = {"name": "float16", "calibration": folder}, tmp_path / "x"
    kind = FORMATS["onnx"]
    with pytest.raises(RoadsegError, match="x: not exported: .* % of the labels are other"):
        _export(subject, kind, None, Precision(**options), LABELS_OF_RGB, target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["streets"]
    lenient = Precision(**options, allow_loss=100)
    _export(subject, kind, None, lenient, LABELS_OF_RGB, target)
    text = (target / "model_card.md").read_text()
    assert "float16: weights in half precision" in text and "from the published weights" in text
    assert "% of labels equal on 2 images" in capsys.readouterr().out


@dataclass
class InEightBits:
    """A file in 8 bits of one class, until `enough` times more of its layers are in float."""

    enough: int
    most: int
    asked: int = 0

    @property
    def card(self) -> dict:
        floats = [str(number) for number in range(self.asked)]
        other = {"other_labels_all_in_8_bits": 0.5, "other_labels": 0.25, "ranges": "usual"}
        return {"weight_bits": 7, "layers": 9, "layers_in_float": floats, **other}

    def further(self) -> bool:
        more = self.asked < self.most
        self.asked += more
        return more

    def run(self, reference: Keras, path: Path):
        right = self.asked >= self.enough

        def labels(images):
            found = reference.labels(images[0])[None]
            return {"labels": found if right else np.full_like(found, 2)}

        return labels


@pytest.mark.parametrize(("enough", "most"), [(0, 3), (1, 3), (3, 3), (4, 3)])
def test_a_file_that_lost_too_much_gets_more_layers_in_float(
    enough, most, tmp_path, monkeypatch, capsys
):
    model, table = colour_network(), label_tables.get("camvid")
    file, reference = InEightBits(enough, most), Keras(model, (64, 96))
    monkeypatch.setattr(judged, "write_int8", lambda *given: file)
    monkeypatch.setattr("roadseg.export.onnx.run_onnx", partial(file.run, reference))
    monkeypatch.setattr(judged, "has_static_shapes", lambda path, target: True)
    card = partial(preset_card, "espnet/camvid", find_preset("espnet/camvid"), model, table)
    folder = tmp_path / "streets"
    folder.mkdir()
    for number, image in enumerate(streets(2)):
        keras.utils.save_img(str(folder / f"{number}.png"), image)
    options, target = Precision(name="int8", calibration=folder), tmp_path / "x"
    export = partial(
        _export, Subject(model, table, card), FORMATS["onnx"], (64, 96), options, LABELS_OF_RGB
    )
    if enough > most:
        with pytest.raises(RoadsegError, match="x: not exported: .* % of the labels are other"):
            export(target)
        assert not target.exists()
    else:
        export(target)
        text = (target / "model_card.md").read_text()
        assert "100.00 % of labels equal" in text
        assert ("3 of 9" in text) == (enough == 3)
    said = capsys.readouterr().out
    assert said.count("too much lost") == min(enough, most)
    assert file.asked == min(enough, most)


def test_a_backbone_is_no_network_to_export(tmp_path):
    with pytest.raises(RoadsegError, match="a backbone to start a training from"):
        export_preset("deeplabv3_mobilenet_v2/pascal-backbone", to=tmp_path / "x")
