"""Files of less than single precision of two cameras: measured on pairs, judged by each view."""

import json
from collections import Counter
from functools import partial

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("export is TensorFlow's", allow_module_level=True)

import tensorflow as tf

from roadseg.errors import RoadsegError
from roadseg.export.command import export_run
from roadseg.export.formats import FORMATS
from roadseg.export.interface import Interface
from roadseg.export.precision import write
from roadseg.export.precision.options import Precision
from roadseg.export.verdict import Keras, compare_alone, compare_with_labels, in_words, judge
from roadseg.label_tables.label_table import LabelTable
from roadseg.layers.flow import WarpByFlow
from roadseg.models.both_cameras import both_cameras
from roadseg.recipe import groups
from roadseg.runs.run_folder import RunFolder
from tests import pairs
from tests.export.precision.support import EXTRAS, SIZE, needs, streets
from tests.export.support import COLOURS, make_run_of_pairs, normalised_network
from tests.export.test_calibration import a_folder, write_records

CAMERAS = ("wide", "narrow")
LABELS = Interface(views=CAMERAS)


def scenes(count: int, size: tuple[int, int] = SIZE) -> list[dict[str, np.ndarray]]:
    """Return pairs of pictures of patches of colour, which the small networks tell apart."""
    found = streets(2 * count, size)
    both = zip(found[::2], found[1::2], strict=True)
    return [dict(zip(CAMERAS, images, strict=True)) for images in both]


@pytest.fixture(scope="module")
def small():
    """Return a network of a few layers on both cameras; its labels hang on the colours it sees."""
    return both_cameras(normalised_network())


@pytest.mark.parametrize("name", EXTRAS)
def test_a_pair_in_8_bits_and_in_half_precision_is_labelled_as_by_keras(small, name, tmp_path):
    needs(name)
    shown = scenes(6)
    facts = write.write_int8(small, FORMATS[name], shown[:4], SIZE, tmp_path, LABELS).card
    assert facts["other_labels"] <= facts["other_labels_all_in_8_bits"] <= 0.1
    reference = Keras(small, SIZE, LABELS)
    found = compare_alone(reference, FORMATS[name].run(tmp_path), shown[4:])
    for view in CAMERAS:
        assert 95 < found["views"][view]["labels_equal"] < 100
    half = tmp_path / "half"
    half.mkdir()
    write.write_float16(small, FORMATS[name], SIZE, half, LABELS)
    found = compare_alone(reference, FORMATS[name].run(half), shown[4:])
    assert min(one["labels_equal"] for one in found["views"].values()) > 99


def test_each_camera_is_judged_by_itself(small, tmp_path):
    reference, shown = Keras(small, SIZE, LABELS), scenes(2)
    frames = [(images, reference.labels(images)) for images in shown]

    def one_class(images):
        found = reference.labels({view: x[0] for view, x in images.items()})
        return {"wide_labels": found["wide"][None], "narrow_labels": 0 * found["narrow"][None]}

    table = LabelTable("four", ("a", "b", "c", "d"), (*COLOURS, (4, 4, 4)))
    found = compare_with_labels(reference, one_class, frames, table)
    assert found["views"]["wide"]["lost"] == {"miou": 0.0, "boundary_accuracy": 0.0}
    assert in_words(found).startswith("wide view: 2 images: mIoU 100.00 (Keras), 100.00 (file)")
    with pytest.raises(RoadsegError, match="points of mIoU of the narrow view lost on 2 images"):
        judge(found, tmp_path, None)
    alone = compare_alone(reference, one_class, shown)
    assert alone["views"]["wide"]["labels_equal"] == 100.0
    with pytest.raises(RoadsegError, match="% of the labels of the narrow view are other than"):
        judge(alone, tmp_path, None)


@pytest.fixture
def judged(tmp_path, monkeypatch) -> RunFolder:
    """Return a run of a tiny network with records of pairs to measure and to judge by."""
    pairs.register(monkeypatch)
    records = tmp_path / "records"
    for split in ("train", "val"):
        pairs.write_pairs(records, count=3, split=split, size=SIZE)
    values = {"records": str(records), "augment": groups.Augment(crop_size=SIZE)}
    return make_run_of_pairs(tmp_path / "run", "tiny_coupled", pairs.TABLE, **values)


def test_a_run_is_measured_and_judged_on_its_own_pairs(judged, tmp_path, capsys):
    needs("onnx")
    lenient = {"calibration_images": 2, "allow_loss": 100, "verdict_images": 2}
    folder = export_run(judged.path, "onnx", precision=Precision("int8", **lenient))
    card = json.loads((folder / "model_card.json").read_text())
    assert card["calibration"]["kind"] == "records, split train"
    assert (card["calibration"]["images"], card["calibration"]["of"]) == (2, 3)
    # What the recipe crops pairs to, at which they are evaluated as well.
    assert card["input"]["shape"] == "(1, 48, 64, 3) each"
    assert card["verdict"]["records"] == "records, split val"
    for view in CAMERAS:
        found = card["verdict"]["views"][view]
        assert found["images"] == 2 and found["labels_equal"] > 95
    out = capsys.readouterr().out
    assert "UpSampling2D: written by tf2onnx, whose graphs are larger" in out
    assert "wide view: 2 images: mIoU" in out and "narrow view: 2 images: mIoU" in out


def test_pairs_of_a_run_without_records_are_drawn(judged, tmp_path, monkeypatch):
    (tmp_path / "records").rename(tmp_path / "gone")
    monkeypatch.setattr("roadseg.export.calibration.DRAWN", 2)
    found = write.calibration_of(Precision("int8"), None, CAMERAS)
    assert found.source["kind"] == "drawn streets" and len(found.images) == 2
    wide, narrow = (found.images[0][view] for view in CAMERAS)
    assert wide.shape == narrow.shape == (360, 480, 3)
    # The narrow camera sees the middle of the wide one's image, and nothing black beside it.
    assert np.mean(narrow.max(axis=-1) == 0) < 0.01 and not np.array_equal(wide, narrow)


def test_what_holds_no_pairs_neither_measures_nor_judges(judged, tmp_path):
    needs("onnx")
    singles = tmp_path / "singles"
    for split in ("train", "val"):
        images = [np.zeros((4, 6, 3), np.uint8)]
        write_records(tf, tmp_path / split, images, split=split)
    singles.mkdir()
    for split in ("train", "val"):
        for file in (tmp_path / split).iterdir():
            file.rename(singles / file.name)
    (singles / "label_table.json").write_text(pairs.TABLE.to_json())
    export = partial(export_run, judged.path, "onnx", to=tmp_path / "x")
    with pytest.raises(RoadsegError, match="second/"):
        export(precision=Precision("float16", records=singles))
    for folder in (singles, a_folder(tmp_path / "streets", 2)):
        message = f"{folder.name}: single images, and this network takes pairs; give records"
        with pytest.raises(RoadsegError, match=message):
            export(precision=Precision("int8", calibration=folder))
    assert not (tmp_path / "x").exists()


def moved_by_a_flow() -> keras.Model:
    """Return a network of two cameras that shows each the other one's map along a flow."""
    keras.utils.set_random_seed(2)
    images = {view: keras.Input((None, None, 3), name=view) for view in CAMERAS}
    shared = keras.layers.Conv2D(8, 3, padding="same", activation="relu")
    wide, narrow = (shared(keras.layers.Rescaling(1 / 255)(images[view])) for view in CAMERAS)
    flow = keras.layers.Conv2D(2, 3, padding="same")(keras.layers.Concatenate()([wide, narrow]))
    flow = keras.layers.Add()([flow, keras.layers.Conv2D(2, 1)(wide)])
    logits = {"wide": WarpByFlow()([narrow, flow]), "narrow": WarpByFlow(-1)([wide, flow])}
    logits = {view: keras.layers.Conv2D(4, 1)(x) for view, x in logits.items()}
    return keras.Model(images, logits)


def test_places_to_look_up_are_single_precision_in_half_and_not_in_8_bits(tmp_path):
    needs("onnx")
    import onnx

    model = moved_by_a_flow()
    write.write_float16(model, FORMATS["onnx"], SIZE, tmp_path, LABELS)
    graph = onnx.shape_inference.infer_shapes(onnx.load(str(tmp_path / "model.onnx"))).graph
    types = {value.name: value.type.tensor_type.elem_type for value in graph.value_info}
    lookups = [node for node in graph.node if node.op_type == "GridSample"]
    assert [[types[name] for name in node.input] for node in lookups] == [
        [onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT]
    ] * 2
    quantiser = FORMATS["onnx"].quantiser_class(model, SIZE, scenes(2), LABELS)
    # Both cameras go through one layer.
    assert sorted(Counter(quantiser.kernels.values()).values()) == [1, 1, 1, 1, 2]
    assert len(quantiser.convolutions) == 6 and quantiser.layers == quantiser.convolutions
