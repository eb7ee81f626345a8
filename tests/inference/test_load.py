"""`roadseg.load`: from a preset, a run, an export or a `.keras` file to what labels images."""

import hashlib
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

import roadseg
from roadseg.errors import RoadsegError
from roadseg.files import write_arrays
from roadseg.models.registry import MODELS, ModelSpec
from roadseg.runs.run_folder import variable_arrays
from roadseg.sampling import SampledSegmenter
from roadseg.weights import fetch, presets
from tests.eval.small_runs import RECIPE, TABLE, small_run, tiny
from tests.inference.test_inference import colours, noise
from tests.support import on_tensorflow, shared_folder


@pytest.fixture(autouse=True)
def tiny_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs be of the network 'tiny'."""
    monkeypatch.setitem(MODELS, "tiny", ModelSpec(tiny, parameters=0))


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> keras.Model:
    """Return a network of which a half as precise copy comes with the package, as 'camvid'."""
    keras.utils.set_random_seed(5)
    network = roadseg.create("espnet_c", 11, p=1, q=1)
    monkeypatch.setattr(fetch, "SHIPPED", tmp_path / "shipped")
    monkeypatch.delenv(fetch.MIRROR, raising=False)
    path = tmp_path / "shipped" / "tiny.npz"
    arrays = variable_arrays(network)
    write_arrays(path, {name: array.astype(np.float16) for name, array in arrays.items()})
    row = replace(
        presets.PRESETS["espnet_c_p2_q3/cityscapes"],
        options={"p": 1, "q": 1},
        num_classes=11,
        label_table="camvid",
        address="",
        resize="",
        shipped=path.name,
        size=path.stat().st_size,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )
    monkeypatch.setitem(presets.PRESETS, "camvid", row)
    return network


def test_without_a_name_the_network_of_the_package_is_taken(shipped, tmp_path):
    from PIL import Image

    inference = roadseg.load()
    assert inference.title == "camvid" and inference.label_table.name == "camvid"
    image = noise((48, 64))[0]
    Image.fromarray(image).save(tmp_path / "street.png")
    logits = np.asarray(shipped(image[None].astype(np.float32), training=False))[0]
    found = inference.predict_logits(tmp_path / "street.png")
    assert np.abs(found - logits).max() < 0.02 * np.abs(logits).max()  # halves have 11 bits
    assert np.abs(found - logits).max() > 0
    made = roadseg.create("espnet_c", weights="camvid")
    np.testing.assert_allclose(made(image[None].astype(np.float32))[0], found, rtol=1e-3, atol=1e-3)


def test_predict_without_a_model_uses_it_on_plain_words(shipped, tmp_path, monkeypatch, capsys):
    import cv2

    from roadseg import cli

    monkeypatch.chdir(tmp_path)
    image = noise((40, 56), seed=3)[0]
    cv2.imwrite("street.png", image[..., ::-1])
    assert cli.main(["predict", "street.png", "--to", "out"]) == 0
    assert "camvid: 1 of 1 labelled" in capsys.readouterr().out
    written = cv2.imread("out/street_labels.png", cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(written, roadseg.load().predict_labels(image))
    assert sorted(path.name for path in Path("out").iterdir()) == [
        f"street_{kind}.png" for kind in ("colour", "labels", "overlay")
    ]


def test_a_damaged_file_of_the_package_is_refused(shipped, tmp_path):
    path = tmp_path / "shipped" / "tiny.npz"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(RoadsegError, match=r"tiny\.npz: another checksum .* install roadseg again"):
        roadseg.load()
    path.unlink()
    with pytest.raises(RoadsegError, match=r"tiny\.npz: the weights camvid are not there"):
        roadseg.load("camvid")


def test_without_such_a_network_the_line_says_what_to_name(monkeypatch):
    monkeypatch.delitem(presets.PRESETS, "camvid", raising=False)
    with pytest.raises(RoadsegError, match="no network comes with this version; name one, dabnet"):
        roadseg.load()


def test_a_preset_is_shown_images_as_its_score_was_counted(monkeypatch):
    monkeypatch.setenv(fetch.MIRROR, str(shared_folder("weights")))
    inference = roadseg.load("espnet_c_p2_q3/cityscapes")
    assert (inference.protocol.input_height, inference.protocol.input_resize) == (512, "opencv")
    assert inference.protocol.name == "cityscapes"
    image = noise((37, 21))[0]
    assert inference.predict_labels(image).shape == (37, 21)
    assert inference.predict_logits(image).shape == (37, 21, 20)


def test_a_folder_of_weights_is_looked_at_first(tmp_path, monkeypatch):
    monkeypatch.delenv(fetch.MIRROR, raising=False)
    with pytest.raises(RoadsegError, match="absent: no such folder"):
        roadseg.load("dabnet/cityscapes", weights_folder=tmp_path / "absent")


def test_a_backbone_says_which_command_takes_it():
    with pytest.raises(RoadsegError, match="ade20k-backbone: a backbone .* `roadseg train`"):
        roadseg.load("deeplabv3_mobilenet_v2/ade20k-backbone")


def test_a_preset_of_another_task_says_which_command_takes_it(monkeypatch):
    row = replace(presets.PRESETS["dabnet/cityscapes"], network="semshare_tight")
    monkeypatch.setitem(presets.PRESETS, "semshare_tight/dual_camera", row)
    with pytest.raises(RoadsegError, match=r"of the task 'two_cameras'.* `roadseg predict`"):
        roadseg.load("semshare_tight/dual_camera")


def test_a_misspelt_name_names_the_nearest():
    with pytest.raises(RoadsegError, match="no preset 'dabnet/cityscape'; did you mean dabnet/c"):
        roadseg.load("dabnet/cityscape")


def test_a_run_is_loaded_at_a_step(tmp_path):
    run = small_run(tmp_path / "run", RECIPE.replace(sampling={"kind": "none"}))
    inference = roadseg.load(run.path, step=20)
    assert inference.title == "run, step 20" and inference.label_table == TABLE
    image = noise((32, 44))
    wanted = np.asarray(run.load_segmenter()(image.astype(np.float32)))
    np.testing.assert_allclose(inference.predict_logits(image), wanted, rtol=1e-5, atol=1e-5)
    with pytest.raises(RoadsegError, match="no step 3"):
        roadseg.load(run.path, step=3)


@on_tensorflow
def test_an_export_labels_as_its_run_does(tmp_path):
    from roadseg.export import command as export

    run = small_run(tmp_path / "run")
    assert not export.main([str(run.path), "--to", str(tmp_path / "model")])
    ours, theirs = roadseg.load(run.path), roadseg.load(tmp_path / "model")
    for seed, size in enumerate([(50, 70), (64, 33)]):
        image = noise(size, seed=seed)
        found, wanted = theirs(image), ours(image)
        assert (found.labels == wanted.labels).mean() > 0.99
        np.testing.assert_allclose(found.locations, wanted.locations, atol=1e-5)
        wanted_logits = ours.predict_logits(image)
        np.testing.assert_allclose(theirs.predict_logits(image), wanted_logits, atol=1e-3)
    assert theirs.trace_count == 1


def test_a_keras_file_has_the_classes_it_is_given(tmp_path):
    colours(extra=1).save(tmp_path / "street.keras")
    numbered = roadseg.load(tmp_path / "street.keras")
    assert numbered.label_table.names == ("class 0", "class 1", "class 2", "class 3")
    assert len(set(numbered.label_table.colours)) == 4
    given = roadseg.load(tmp_path / "street.keras", label_table=TABLE)
    image = noise((6, 8))
    np.testing.assert_array_equal(given.predict_labels(image), image.argmax(-1))
    with pytest.raises(RoadsegError, match="gives 4 outputs, and 'cityscapes' has 19 classes"):
        roadseg.load(tmp_path / "street.keras", label_table="cityscapes")


def test_a_keras_file_of_sampling_and_of_a_multiple_takes_any_size(tmp_path):
    sampled = SampledSegmenter(colours(), "uniform", size=(6, 8))
    sampled.save(tmp_path / "sampled.keras")
    assert roadseg.load(tmp_path / "sampled.keras")(noise((20, 31))).locations.shape == (1, 48, 2)
    keras.utils.set_random_seed(0)
    roadseg.create("espnet_c", 3, p=1, q=1).save(tmp_path / "multiple.keras")
    assert roadseg.load(tmp_path / "multiple.keras").predict_labels(noise((21, 31))).shape[1] == 21


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("dabnet/cityscapes", {"step": 3}, "holds no steps; leave step 3 out"),
        ("dabnet/cityscapes", {"label_table": "camvid"}, "knows its classes"),
        ("/absent/run", {}, "no such run or export"),
        ("absent.keras", {}, "no such file"),
        ("words.txt", {}, "neither a run, an export nor a .keras file"),
        ("words.keras", {}, "not a .keras file of a network"),
        ("empty", {}, "empty: no run here"),
        ("empty", {"weights_folder": "."}, "its weights are in it"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(tmp_path, monkeypatch, name, options, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    for file in ("words.txt", "words.keras"):
        (tmp_path / file).write_text("no network")
    with pytest.raises(RoadsegError, match=message) as refused:
        roadseg.load(name, **options)
    assert "\n" not in str(refused.value)
