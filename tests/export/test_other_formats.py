"""ONNX, LiteRT and OpenVINO: each labels as the Keras model, or is refused in one line."""

import importlib.util

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("export is TensorFlow's", allow_module_level=True)

import roadseg
from roadseg.errors import RoadsegError
from roadseg.export import command, litert, onnx, openvino, other_formats, untrained
from roadseg.export.command import export_run
from tests.export.support import make_run

FORMATS = {
    "onnx": (onnx.run_onnx, onnx.FILE, ("tf2onnx", "onnx", "onnxruntime")),
    "litert": (litert.run_litert, litert.FILE, ("ai_edge_litert",)),
    "openvino": (openvino.run_openvino, openvino.FILE, ("openvino",)),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("runs") / "tiny", "none", steps=(3,))


def needs(modules: tuple[str, ...]) -> None:
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed (an extra)")


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_labels_images_of_several_sizes_as_the_keras_model(run, name, tmp_path):
    load, file, modules = FORMATS[name]
    needs(modules)
    folder = export_run(run.path, name, to=tmp_path / name)
    assert (folder / "model_card.json").is_file()
    labels = load(folder / file)
    reference = other_formats.labels_function(run.load_segmenter())
    for size in ((64, 96), (96, 64)):
        image = np.random.default_rng(1).integers(0, 256, (2, *size, 3), np.uint8)
        expected = reference(image)["labels"].numpy()
        assert np.mean(labels(image) != expected) <= other_formats.LABEL_TOLERANCE


@pytest.mark.parametrize("network", ["sfnet_dfnet_v1", "sfnet_lite_stdc1"])
def test_onnx_holds_semantic_flow_at_any_size(network, tmp_path):
    needs(FORMATS["onnx"][2])
    keras.utils.set_random_seed(4)
    model = roadseg.create(network, 5)
    onnx.write_onnx(model, tmp_path)  # refuses other labels
    image = np.random.default_rng(2).integers(0, 256, (2, 67, 93, 3), np.uint8)
    found = onnx.run_onnx(tmp_path / onnx.FILE)(image)
    expected = other_formats.labels_function(model)(image)["labels"].numpy()
    assert np.mean(found != expected) <= other_formats.LABEL_TOLERANCE


@pytest.mark.parametrize("name", FORMATS)
def test_a_missing_runtime_is_named_with_the_extra_that_brings_it(run, name, tmp_path, monkeypatch):
    find = importlib.util.find_spec
    module = FORMATS[name][2][0]
    monkeypatch.setattr(importlib.util, "find_spec", lambda n: None if n == module else find(n))
    with pytest.raises(RoadsegError, match=rf"{module}.*pip install 'roadseg\[{name}\]'"):
        export_run(run.path, name, to=tmp_path / name)
    assert not (tmp_path / name).exists()


def test_other_labels_are_not_let_through(run):
    model = run.load_segmenter()
    with pytest.raises(RoadsegError, match="of the labels differ"):
        other_formats.check_labels(model, lambda image: np.full(image.shape[:3], 254), run.path)


def test_a_converter_that_gives_up_is_one_line_that_names_the_folder(run, tmp_path, monkeypatch):
    def give_up(model, folder):
        with other_formats.refused("litert", folder):
            raise ValueError("first line\nloc: error: no such op\nmany more lines")

    monkeypatch.setitem(command.FORMATS, "litert", give_up)
    monkeypatch.setattr(other_formats, "missing", lambda name: [])
    with pytest.raises(RoadsegError, match=r"litert .ValueError: loc: error: no such op") as caught:
        export_run(run.path, "litert", to=tmp_path / "lite")
    assert "\n" not in str(caught.value)


def test_an_untrained_network_is_written_at_its_own_scale(tmp_path):
    options = ["--size", "64", "96", "--to", str(tmp_path)]
    assert untrained.main(["fast_scnn", *options]) == 0
    import tensorflow as tf

    loaded = tf.saved_model.load(str(tmp_path / "saved_model"))
    image = tf.zeros((1, 64, 96, 3))
    assert loaded.signatures["serving_default"](image=image)["scores"].shape == (1, 8, 12, 19)


def test_a_network_that_cannot_be_built_ends_the_process_with_one_line(tmp_path, capsys):
    options = ["--size", "65", "96", "--to", str(tmp_path / "formats")]
    assert untrained.main(["fast_scnn", *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and "32" in error and error.count("\n") == 1
    assert not (tmp_path / "formats").exists()
