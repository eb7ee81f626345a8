"""SavedModels of networks of two cameras: two images of any size in, two label maps out."""

import json

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("export is TensorFlow's", allow_module_level=True)

import tensorflow as tf

import roadseg
from roadseg.errors import RoadsegError
from roadseg.export.command import export_run
from roadseg.export.interface import Interface
from roadseg.export.precision.options import Precision
from roadseg.export.trial_images import trial_images
from roadseg.export.two_cameras import compare, write_two_cameras
from roadseg.label_tables.label_table import LabelTable
from roadseg.ops.nv12 import frames_of
from roadseg.recipe import groups
from roadseg.recipe.recipe import Recipe
from roadseg.runs import checkpoint
from roadseg.runs.run_folder import RunFolder, build_network, variable_arrays
from tests.export.support import CLASSES, COLOURS
from tests.export.test_calibration import write_records
from tests.models.test_two_cameras import network
from tests.support import deeper_copies_slow

CAMERAS = ("wide", "narrow")
TWO_VIEWS = roadseg.list_models("two_cameras")


def pair(size: tuple[int, int], batch: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(size[0])
    return {view: rng.integers(0, 256, (batch, *size, 3), np.uint8) for view in CAMERAS}


# Half a minute each, and made of layers of the same kinds.
@pytest.fixture(scope="module", params=deeper_copies_slow(TWO_VIEWS, ["semshare_loose"]))
def exported(request, tmp_path_factory):
    model = network(request.param)
    folder = tmp_path_factory.mktemp("export") / "model"
    write_two_cameras(model, folder)
    return model, tf.saved_model.load(str(folder)).signatures, folder


@pytest.mark.parametrize("size", [(96, 128), (101, 75)])
def test_labels_of_both_cameras_come_out_at_the_images_size(exported, size):
    found = exported[1]["serving_default"](**pair(size, batch=2))
    for view in CAMERAS:
        labels = found[f"{view}_labels"]
        assert labels.shape == (2, *size) and labels.dtype == tf.int32


def test_labels_are_the_best_of_the_logits_and_those_the_networks_own(exported):
    model, signatures, _ = exported
    images = pair((96, 128))
    labels, logits = signatures["serving_default"](**images), signatures["logits"](**images)
    expected = model({view: image.astype("float32") for view, image in images.items()})
    for view in CAMERAS:
        found = logits[f"{view}_logits"].numpy()
        largest = np.abs(expected[view]).max()
        np.testing.assert_allclose(found, expected[view], atol=1e-4 * largest)
        assert np.array_equal(found.argmax(axis=-1), labels[f"{view}_labels"])


def test_an_export_of_other_labels_is_refused(exported):
    def other(wide, narrow):
        shape = wide.shape[:3]
        return {f"{view}_labels": tf.fill(shape, -1) for view in CAMERAS}

    with pytest.raises(RoadsegError, match="wide_labels differ.* by 1 .allowed: 0.001"):
        compare(other, exported[2], trial_images(exported[0], ((96, 128),)))


def test_trial_images_have_the_sizes_that_a_model_takes():
    large = roadseg.create("mobilenet_v3_small", 3)
    assert [x.shape for x in trial_images(large, ((80, 99), (79, 78)))] == [
        (1, 771, 790, 3),
        (1, 770, 769, 3),
    ]
    fixed = roadseg.create("semshare_tight", 3, fixed_sizes=True)
    assert [x.shape for x in trial_images(fixed, ((80, 99),))] == [(1, 1203, 1843, 3)]


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> RunFolder:
    recipe = Recipe(
        name="both",
        task="two_cameras",
        source="a test",
        model="mobilenet_v3_small",
        network=groups.Network(options={"pooling": "whole"}),
        augment=groups.Augment(crop_size=(64, 96)),
    )
    found = RunFolder(tmp_path_factory.mktemp("runs") / "both")
    found.begin(recipe, LabelTable("test", CLASSES, COLOURS))
    arrays = variable_arrays(build_network(recipe, len(CLASSES)))
    checkpoint.write_checkpoint(found.checkpoint_folder, 1, {"weights": arrays}, {})
    return found


def test_a_run_of_two_cameras_is_exported_with_a_card_that_says_how_to_call_it(run):
    folder = export_run(run.path)
    signatures = tf.saved_model.load(str(folder)).signatures
    found = signatures["serving_default"](**pair((65, 70)))
    assert {name: tuple(labels.shape) for name, labels in found.items()} == {
        "wide_labels": (1, 65, 70),
        "narrow_labels": (1, 65, 70),
    }
    logits = signatures["logits"](**pair((65, 70)))
    for view in CAMERAS:
        best = logits[f"{view}_logits"].numpy().argmax(axis=-1)
        assert np.array_equal(best, found[f"{view}_labels"])
    card = json.loads((folder / "model_card.json").read_text())
    assert card["input"]["name"] == "wide, narrow"
    assert {output["name"] for output in card["outputs"]} == {
        f"{view}_{kind}" for view in CAMERAS for kind in ("labels", "logits")
    }
    assert "(wide=wide_images, narrow=narrow_images)" in (folder / "model_card.md").read_text()
    with pytest.raises(RoadsegError, match="takes the images of two cameras; give the run"):
        roadseg.load(folder)


@pytest.mark.slow
def test_two_cameras_take_nv12_and_give_what_is_asked_for(run, tmp_path):
    interface = Interface(("labels", "confidence"), "nv12")
    folder = export_run(run.path, to=tmp_path / "x", interface=interface)
    frames = {view: frames_of(images) for view, images in pair((66, 70)).items()}
    found = tf.saved_model.load(str(folder)).signatures["serving_default"](**frames)
    assert {name: tuple(value.shape) for name, value in found.items()} == {
        f"{view}_{kind}": (1, 66, 70) for view in CAMERAS for kind in ("labels", "confidence")
    }
    card = json.loads((folder / "model_card.json").read_text())
    assert card["input"]["shape"] == "(batch, 3 * height / 2, width) each"


def test_other_formats_of_two_cameras_are_refused(run, monkeypatch):
    monkeypatch.setattr("roadseg.export.extras.missing", lambda name: [])
    for precision in ("float32", "int8"):
        with pytest.raises(RoadsegError, match="float32 alone; leave out --format and --precision"):
            export_run(run.path, "onnx", precision=Precision(precision))


def test_records_do_not_judge_two_cameras(run, tmp_path):
    write_records(tf, tmp_path / "records", [np.zeros((4, 6, 3), np.uint8)], split="val")
    with pytest.raises(
        RoadsegError, match="two cameras are judged by .roadseg eval.; no --records"
    ):
        export_run(run.path, precision=Precision(records=tmp_path / "records"))
