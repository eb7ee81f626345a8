"""ONNX, LiteRT and OpenVINO: each labels as the Keras model, or is refused in one line."""

import importlib.util

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("export is TensorFlow's", allow_module_level=True)

import roadseg
from roadseg.errors import RoadsegError
from roadseg.export import converters, extras, litert, onnx, openvino, per_pixel, untrained
from roadseg.export.command import export_run
from tests.export.support import make_run, small_segmenter

FORMATS = {
    "onnx": (onnx.run_onnx, onnx.FILE, ("tf2onnx", "onnx", "onnxruntime")),
    "litert": (litert.run_litert, litert.FILE, ("ai_edge_litert",)),
    "openvino": (openvino.run_openvino, openvino.FILE, ("openvino", "onnx")),
}
WRITERS = {
    "onnx": onnx.write_onnx,
    "litert": litert.write_litert,
    "openvino": openvino.write_openvino,
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
    reference = converters.labels_function(run.load_segmenter())
    for size in ((64, 96), (96, 64), (72, 120), (61, 93)):  # also with sides of no power of two
        image = np.random.default_rng(1).integers(0, 256, (2, *size, 3), np.uint8)
        expected = reference(image)["labels"].numpy()
        assert np.mean(labels(image)["labels"] != expected) <= per_pixel.LABEL_TOLERANCE


@pytest.mark.parametrize(("sampler", "window"), [("density", None), ("nus", (48, 64))])
@pytest.mark.parametrize("name", FORMATS)
def test_a_format_holds_the_sampler_and_the_way_back(name, sampler, window, tmp_path):
    load, file, modules = FORMATS[name]
    needs(modules)
    model = small_segmenter(window, sampler)
    WRITERS[name](model, tmp_path)  # refuses another grid, other logits and other labels
    run, reference = load(tmp_path / file), converters.labels_function(model)
    # Of several sizes, two of which one window does not cover.
    for size in ((96, 128), (61, 203), (150, 70)):
        image = np.random.default_rng(1).integers(0, 256, (2, *size, 3), np.uint8)
        expected = {key: value.numpy() for key, value in reference(image).items()}
        found = run(image)
        assert list(found)[0] == "labels" and set(found) == set(expected)
        assert {key: found[key].shape for key in found} == {
            key: expected[key].shape for key in expected
        }
        away = np.abs(found["locations"] - expected["locations"]).max()
        assert away <= converters.LOCATION_TOLERANCE
        # A location that rounds to another pixel shows the small network noise of another colour.
        assert np.mean(found["labels"] != expected["labels"]) <= 0.005


@pytest.mark.parametrize("output", ["labels", "locations", "sample_logits"])
def test_a_small_fault_of_a_sampled_export_is_not_let_through(output, tmp_path):
    model = small_segmenter()
    function = converters.labels_function(model)

    def run(image):
        found = {key: value.numpy() for key, value in function(image).items()}
        if output == "labels":
            found[output][:, :2] = (found[output][:, :2] + 1) % 3
        else:
            found[output] = found[output] + np.float32(2e-4) * np.abs(found[output]).max()
        return found

    exact = {key: value.numpy() for key, value in function(np.zeros((1, 64, 64, 3), "u1")).items()}
    assert set(exact) == {"labels", "locations", "sample_logits"}
    converters.check_outputs(
        model, lambda image: {k: v.numpy() for k, v in function(image).items()}, tmp_path
    )
    with pytest.raises(RoadsegError, match=r"differ from the Keras model's by .*allowed"):
        converters.check_outputs(model, run, tmp_path)


@pytest.mark.parametrize("network", ["sfnet_dfnet_v1", "sfnet_lite_stdc1"])
def test_onnx_holds_semantic_flow_at_any_size(network, tmp_path):
    needs(FORMATS["onnx"][2])
    keras.utils.set_random_seed(4)
    model = roadseg.create(network, 5)
    onnx.write_onnx(model, tmp_path)  # refuses other labels
    image = np.random.default_rng(2).integers(0, 256, (2, 67, 93, 3), np.uint8)
    found = onnx.run_onnx(tmp_path / onnx.FILE)(image)["labels"]
    expected = converters.labels_function(model)(image)["labels"].numpy()
    assert np.mean(found != expected) <= per_pixel.LABEL_TOLERANCE


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
    with pytest.raises(RoadsegError, match="a share of the labels differ"):
        converters.check_outputs(
            model, lambda image: {"labels": np.full(image.shape[:3], 254)}, run.path
        )


def test_a_converter_that_gives_up_is_one_line_that_names_the_folder(run, tmp_path, monkeypatch):
    def give_up(model, folder, size, interface):
        with converters.refused("litert", folder):
            raise ValueError("first line\nloc: error: no such op\nmany more lines")

    monkeypatch.setattr(litert, "write_litert", give_up)
    monkeypatch.setattr(extras, "missing", lambda name: [])
    with pytest.raises(RoadsegError, match=r"litert .ValueError: loc: error: no such op") as caught:
        export_run(run.path, "litert", to=tmp_path / "lite")
    assert "\n" not in str(caught.value)


def test_an_untrained_network_is_written_at_its_own_scale(tmp_path):
    options = ["--size", "64", "96", "--to", str(tmp_path)]
    assert untrained.main(["fast_scnn", *options]) == 0
    import tensorflow as tf

    loaded = tf.saved_model.load(str(tmp_path / "saved_model"))
    image = tf.zeros((1, 64, 96, 3))
    assert loaded.signatures["serving_default"](image=image)["logits"].shape == (1, 8, 12, 19)


def test_an_untrained_network_is_written_from_its_layers_too(tmp_path):
    needs(("onnx", "onnxruntime"))
    model = untrained.untrained("fast_scnn", 5, (64, 96), {})
    untrained.writers()["onnx"](model, (64, 96), tmp_path)
    image = np.random.default_rng(0).normal(size=(1, 64, 96, 3)).astype(np.float32)
    found = onnx.run_onnx(tmp_path / onnx.FILE)(image)["logits"]
    np.testing.assert_allclose(found, model(image), atol=1e-4)


def test_a_network_that_cannot_be_built_ends_the_process_with_one_line(tmp_path, capsys):
    options = ["--size", "65", "96", "--to", str(tmp_path / "formats")]
    assert untrained.main(["fast_scnn", *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and "32" in error and error.count("\n") == 1
    assert not (tmp_path / "formats").exists()
