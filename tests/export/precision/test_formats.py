"""A file of 8 bits or of half precision labels as the Keras model does, in its own runtime."""

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("export is TensorFlow's", allow_module_level=True)

from roadseg.export import converters
from roadseg.export.formats import FORMATS
from roadseg.export.precision import write
from roadseg.export.verdict import Keras
from tests.export.precision.support import EXTRAS, SIZE, colour_network, needs, streets
from tests.export.support import small_segmenter


@pytest.mark.parametrize("name", EXTRAS)
def test_a_network_in_8_bits_labels_as_the_keras_model(name, tmp_path):
    needs(name)
    model, images = colour_network(), streets(6)
    facts = write.write_int8(model, FORMATS[name], images[:4], SIZE, tmp_path).card
    assert facts["other_labels"] <= facts["other_labels_all_in_8_bits"]
    assert len(facts["layers_in_float"]) < facts["layers"]
    run, reference = FORMATS[name].run(tmp_path), Keras(model, SIZE)
    for image in images[4:]:
        expected = reference.labels(image)
        assert len(np.unique(expected)) > 1
        found = run(image[None])["labels"]
        assert found.shape == (1, *SIZE) and found.dtype in (np.int32, np.int64)
        assert np.mean(found[0] != expected) <= 0.05
        # Another order of colours is another picture, and no rounding.
        assert np.mean(run(image[None, ..., ::-1])["labels"][0] != expected) > 0.2


@pytest.mark.slow
@pytest.mark.parametrize("name", EXTRAS)
def test_the_sampler_of_a_network_in_8_bits_stays_exact(name, tmp_path):
    needs(name)
    model, images = small_segmenter(None, "density"), streets(3, (96, 128))
    write.write_int8(model, FORMATS[name], images, (96, 128), tmp_path)
    found = FORMATS[name].run(tmp_path)(images[0][None])
    expected = converters.labels_function(model, (96, 128))(images[0][None])
    away = np.abs(found["locations"] - expected["locations"].numpy()).max()
    assert away <= converters.LOCATION_TOLERANCE
    logits = expected["sample_logits"].numpy()
    error = np.abs(found["sample_logits"] - logits).max() / np.abs(logits).max()
    assert 1e-4 < error < 0.1  # in float it would be exact
    assert np.mean(found["labels"] != expected["labels"].numpy()) <= 0.1


@pytest.mark.parametrize("name", EXTRAS)
def test_half_precision_halves_the_file(name, tmp_path):
    needs(name)
    model, (image,) = colour_network(128), streets(1)
    write.write_float16(model, FORMATS[name], SIZE, tmp_path)
    parts = [path for path in tmp_path.iterdir() if path.suffix in (".onnx", ".tflite", ".bin")]
    assert sum(path.stat().st_size for path in parts) < 2.4 * model.count_params()
    found = FORMATS[name].run(tmp_path)(image[None])["labels"][0]
    assert np.mean(found != Keras(model, SIZE).labels(image)) <= 0.01


def test_half_precision_ends_where_a_model_samples(tmp_path):
    needs("onnx")
    import onnx

    from roadseg.export.onnx import run_onnx, write_graph

    model, (image,) = small_segmenter(None, "density"), streets(1, (96, 128))
    write_graph(model, tmp_path / "whole.onnx", (96, 128), keep_ranges=True)
    write.write_float16(model, FORMATS["onnx"], (96, 128), tmp_path)
    onnx.checker.check_model(str(tmp_path / "model.onnx"), full_check=True)
    found, expected = (
        run_onnx(tmp_path / name)(image[None]) for name in ("model.onnx", "whole.onnx")
    )
    assert np.array_equal(found["locations"], expected["locations"])
    logits = expected["sample_logits"]
    away = np.abs(found["sample_logits"] - logits).max() / np.abs(logits).max()
    assert 1e-6 < away < 1e-2
    assert np.mean(found["labels"] != expected["labels"]) <= 0.01


def test_litert_in_8_bits_is_of_integers_from_image_to_labels(tmp_path):
    needs("litert")
    from ai_edge_litert.interpreter import Interpreter

    quantiser = FORMATS["litert"].quantiser_class(colour_network(), SIZE, streets(2))
    quantiser.write(tmp_path / "model.tflite")
    interpreter = Interpreter(str(tmp_path / "model.tflite"))
    types = {detail["dtype"] for detail in interpreter.get_tensor_details()}
    assert types <= {np.uint8, np.int8, np.int32}
    assert interpreter.get_input_details()[0]["dtype"] == np.uint8


def test_onnx_in_8_bits_has_weights_of_7_and_a_known_shape_everywhere(tmp_path):
    needs("onnx")
    import onnx
    from onnx import numpy_helper

    quantiser = FORMATS["onnx"].quantiser_class(colour_network(), SIZE, streets(2))
    quantiser.write(tmp_path / "model.onnx")
    model = onnx.load(str(tmp_path / "model.onnx"))
    kernels = [
        numpy_helper.to_array(tensor)
        for tensor in model.graph.initializer
        if tensor.data_type == onnx.TensorProto.INT8 and len(tensor.dims) == 4
    ]
    assert len(kernels) == 3
    assert max(np.abs(kernel.astype(int)).max() for kernel in kernels) <= 64
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    known = {value.name: value for value in inferred.graph.value_info}
    for node in inferred.graph.node:
        for name in node.output:
            if name in known:
                shape = known[name].type.tensor_type.shape.dim
                assert all(side.HasField("dim_value") for side in shape), node
