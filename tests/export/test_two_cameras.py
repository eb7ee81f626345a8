"""Exports of networks of two cameras: two images of any size in, labels of both out, one file."""

import json

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("export is TensorFlow's", allow_module_level=True)

import tensorflow as tf

import roadseg
from roadseg.errors import RoadsegError
from roadseg.eval.benchmark.race.contestants import Setting
from roadseg.eval.benchmark.race.labellers import labeller_of_file
from roadseg.export import converters, per_pixel
from roadseg.export.command import export_run
from roadseg.export.formats import FORMATS
from roadseg.export.interface import OUTPUTS, Interface
from roadseg.export.results import network_of
from roadseg.export.saved_model import compare, write_saved_model
from roadseg.export.trial_images import trial_frames, trial_images
from roadseg.export.verdict import Keras
from roadseg.label_tables.label_table import LabelTable
from roadseg.models.both_cameras import both_cameras
from roadseg.ops.nv12 import frames_of
from roadseg.recipe import groups
from roadseg.runs.run_folder import RunFolder
from tests.export.precision.support import EXTRAS, needs, streets
from tests.export.support import CLASSES, COLOURS, make_run_of_pairs, normalised_network
from tests.models.test_two_cameras import network
from tests.support import deeper_copies_slow

CAMERAS = ("wide", "narrow")
LABELS = Interface(views=CAMERAS)
TWO_VIEWS = roadseg.list_models("two_cameras")
SIZE = (48, 64)


@pytest.fixture(scope="module")
def small():
    """Return a network of a few layers on both cameras; its labels hang on the colours it sees."""
    return both_cameras(normalised_network())


def pair(size: tuple[int, int], batch: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(size[0])
    return {view: rng.integers(0, 256, (batch, *size, 3), np.uint8) for view in CAMERAS}


# Half a minute each, and made of layers of the same kinds.
@pytest.fixture(scope="module", params=deeper_copies_slow(TWO_VIEWS, ["semshare_loose"]))
def exported(request, tmp_path_factory):
    model = network(request.param)
    folder = tmp_path_factory.mktemp("export") / "model"
    write_saved_model(model, folder, interface=LABELS)
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
    model, _, folder = exported
    turned = {view: -logits for view, logits in model.output.items()}
    other = keras.Model(model.input, turned)
    frames = trial_frames(model, ((96, 128),), interface=LABELS)
    with pytest.raises(RoadsegError, match="wide_labels differ.* by .* .allowed: 0.001"):
        compare(other, folder, frames, LABELS)


def test_trial_images_have_the_sizes_that_a_model_takes():
    large = roadseg.create("mobilenet_v3_small", 3)
    assert [x.shape for x in trial_images(large, ((80, 99), (79, 78)))] == [
        (1, 771, 790, 3),
        (1, 770, 769, 3),
    ]
    fixed = roadseg.create("semshare_tight", 3, fixed_sizes=True)
    assert [x.shape for x in trial_images(fixed, ((80, 99),))] == [(1, 1203, 1843, 3)]


def test_the_second_camera_is_tried_with_another_image_than_the_first():
    (frames,) = trial_frames(normalised_network(), ((32, 48),), interface=LABELS)
    assert frames["wide"].shape == frames["narrow"].shape == (1, 32, 48, 3)
    assert np.mean(frames["wide"] != frames["narrow"]) > 0.5
    (alone,) = trial_frames(normalised_network(), ((32, 48),))
    assert np.array_equal(alone, frames["wide"])


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_of_any_format_has_all_outputs_of_both_cameras(small, name, tmp_path, capsys):
    if name in EXTRAS:
        needs(name)
    everything = Interface(OUTPUTS, views=CAMERAS)
    # Refuses other outputs than those of Keras.
    FORMATS[name].write(small, tmp_path, None, everything)
    assert "whose graphs are larger" not in capsys.readouterr().out
    run, reference = FORMATS[name].run(tmp_path), Keras(small, None, LABELS)
    # Cameras of unlike sizes.
    shown = {"wide": streets(1, (48, 64))[0], "narrow": streets(1, (72, 56))[0]}
    found, expected = run({view: x[None] for view, x in shown.items()}), reference.labels(shown)
    assert set(found) == {f"{view}_{kind}" for view in CAMERAS for kind in OUTPUTS}
    for view in CAMERAS:
        assert len(np.unique(expected[view])) > 1
        assert np.mean(found[f"{view}_labels"][0] != expected[view]) <= 0.001
        assert np.array_equal(found[f"{view}_logits"].argmax(-1), found[f"{view}_labels"])


def test_a_file_that_takes_one_camera_for_the_other_is_refused(small, tmp_path):
    reference = converters.labels_function(small, interface=LABELS)

    def swapped(frames):
        return {k: v.numpy() for k, v in reference(frames["narrow"], frames["wide"]).items()}

    with pytest.raises(RoadsegError, match="wide_labels differ from the Keras model's by"):
        converters.check_outputs(small, swapped, tmp_path, interface=LABELS)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> RunFolder:
    return make_run_of_pairs(
        tmp_path_factory.mktemp("runs") / "both",
        "mobilenet_v3_small",
        LabelTable("test", CLASSES, COLOURS),
        network=groups.Network(options={"pooling": "whole"}),
        augment=groups.Augment(crop_size=(64, 96)),
    )


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


@pytest.mark.parametrize(
    "name", ["onnx", *(pytest.param(x, marks=pytest.mark.slow) for x in ("openvino", "litert"))]
)
def test_the_call_on_the_card_labels_both_views(run, name, tmp_path, monkeypatch):
    needs(name)
    folder = export_run(run.path, name, to=tmp_path / "x")
    card = json.loads((folder / "model_card.json").read_text())
    assert [output["name"] for output in card["outputs"]] == ["wide_labels", "narrow_labels"]
    images = pair((64, 96))
    names = {f"{view}_images": image for view, image in images.items()}
    monkeypatch.chdir(folder)
    exec(card["call"], names)
    expected = Keras(run.load_network(1), None, LABELS).labels({v: x[0] for v, x in images.items()})
    for view in CAMERAS:
        away = np.mean(names[view][0] != expected[view])
        assert away <= per_pixel.LABEL_TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("name", EXTRAS)
@pytest.mark.parametrize("coupled", TWO_VIEWS)
def test_every_format_holds_the_coupled_networks(coupled, name, tmp_path, capsys):
    needs(name)
    # Refuses other labels and other logits than those of Keras.
    FORMATS[name].write(
        network(coupled), tmp_path, None, Interface(("labels", "logits"), views=CAMERAS)
    )
    assert "whose graphs are larger" not in capsys.readouterr().out
    found = FORMATS[name].run(tmp_path)(pair((101, 75), batch=2))
    assert found["narrow_labels"].shape == (2, 101, 75)


def test_a_file_of_two_cameras_does_not_race(small, tmp_path):
    needs("onnx")
    FORMATS["onnx"].write(small, tmp_path, SIZE, LABELS)
    with pytest.raises(RoadsegError, match="takes the images of two cameras; give a file of one"):
        labeller_of_file(tmp_path / "model.onnx", Setting(threads=1, warm_up=0))


def test_the_page_of_exports_has_no_row_of_two_cameras(run, tmp_path):
    with pytest.raises(RoadsegError, match="two=.*: of two cameras, which have scores each"):
        network_of(f"two={run.path}", tmp_path)
