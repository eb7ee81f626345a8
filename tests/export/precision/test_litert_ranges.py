"""Ranges of LiteRT files in 8 bits: as the values are, and each map's own until maps are joined."""

from pathlib import Path

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("export is TensorFlow's", allow_module_level=True)

from roadseg.export.precision import litert
from roadseg.export.verdict import Keras
from tests.export.precision.support import SIZE, needs, streets


@pytest.fixture(autouse=True)
def installed():
    needs("litert")


def pyramid() -> keras.Model:
    """Return a network that uses features alone, and joined with pixels a hundred times larger."""
    keras.utils.set_random_seed(2)
    image = keras.Input((*SIZE, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1)(image)
    x = keras.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="features")(x)
    x = keras.layers.AveragePooling2D(1, name="pooled")(x)
    small = keras.layers.AveragePooling2D(2, name="bright")(image)
    joined = keras.layers.Concatenate(name="joined")([x, small])
    weak = keras.initializers.RandomNormal(0, 1e-4, seed=4)
    x = keras.layers.Add()(
        [keras.layers.Conv2D(4, 1)(x), keras.layers.Conv2D(4, 1, kernel_initializer=weak)(joined)]
    )
    x = keras.layers.UpSampling2D(2, interpolation="bilinear")(x)
    return keras.Model(image, x)


def shared_labels(model: keras.Model, images, path: Path) -> float:
    """Return the share of labels that a file all in 8 bits has in common with Keras."""
    reference = Keras(model, SIZE)
    quantiser = litert.LiteRTQuantiser(model, SIZE, images)
    quantiser.write(path)
    run = quantiser.run(path)
    pairs = [(run(image[None])["labels"][0], reference.labels(image)) for image in images]
    assert all(len(np.unique(expected)) > 1 for _, expected in pairs)
    return float(np.mean([np.mean(found == expected) for found, expected in pairs]))


def test_a_value_that_is_written_over_keeps_its_own_range():
    # The sum takes the memory of the features, whose range has nothing to do with it.
    keras.utils.set_random_seed(3)
    image = keras.Input((*SIZE, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1)(image)
    features = keras.layers.Conv2D(8, 3, padding="same", name="features")(x)
    scale = np.full((8,), 100.0, np.float32)
    x = keras.layers.BatchNormalization(name="norm")(keras.layers.ReLU()(features))
    x = keras.layers.Conv2D(4, 1)(x)
    model = keras.Model(image, x)
    model.get_layer("norm").set_weights([scale, scale, np.zeros(8), np.ones(8)])
    images = streets(3)
    quantiser = litert.LiteRTQuantiser(model, SIZE, images)
    from tensorflow.lite.tools import flatbuffer_utils

    content = flatbuffer_utils.read_model_from_bytearray(bytearray(quantiser._calibrated))
    tensors = content.subgraphs[0].tensors
    part = keras.Model(image, keras.layers.ReLU()(features))
    largest = max(float(np.max(part(image[None].astype("float32")))) for image in images)
    found = [
        float(tensor.quantization.max[0])
        for tensor in tensors
        if b"features" in tensor.name
        and tensor.quantization
        and tensor.quantization.max is not None
    ]
    assert found and max(found) == pytest.approx(largest, rel=1e-3)


def test_maps_of_unlike_values_keep_their_scales_until_they_are_joined(tmp_path, monkeypatch):
    model, images = pyramid(), streets(4)
    assert shared_labels(model, images, tmp_path / "apart.tflite") > 0.9
    monkeypatch.setattr(litert, "LESS_THAN", float("inf"))
    # Otherwise the features have a step of one.
    assert shared_labels(model, images, tmp_path / "as_it_was.tflite") < 0.8


def test_in_float_nothing_is_rounded_on_the_way(tmp_path):
    model, images = pyramid(), streets(2)
    quantiser = litert.LiteRTQuantiser(model, SIZE, images)
    quantiser.write(tmp_path / "x.tflite", quantiser.layers)
    reference, run = Keras(model, SIZE), quantiser.run(tmp_path / "x.tflite")
    for image in images:
        np.testing.assert_array_equal(run(image[None])["labels"][0], reference.labels(image))
