"""The SavedModel: signatures, sizes, agreement with Keras, and life without this package."""

import subprocess
import sys
import textwrap
from pathlib import Path

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("export is TensorFlow's", allow_module_level=True)

import tensorflow as tf

from roadseg.errors import RoadsegError
from roadseg.export import saved_model
from roadseg.export.saved_model import compare, export_saved_model, write_saved_model
from tests.export.support import small_network, small_segmenter
from tests.support import shared_folder


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[keras.Model, Path]:
    model = small_segmenter(window=(48, 64))
    folder = tmp_path_factory.mktemp("export") / "model"
    export_saved_model(model, folder)
    return model, folder


def image_of(height: int, width: int, batch: int = 1) -> np.ndarray:
    return np.random.default_rng(height).integers(0, 256, (batch, height, width, 3), np.uint8)


@pytest.mark.parametrize("size", [(48, 64), (61, 203), (120, 50), (7, 5)])
def test_labels_come_out_at_the_size_of_any_image(exported, size):
    labels = tf.saved_model.load(str(exported[1])).signatures["serving_default"]
    found = labels(image=tf.constant(image_of(*size, batch=2)))["labels"]
    assert found.shape == (2, *size) and found.dtype == tf.int32


def test_labels_are_the_best_of_the_logits(exported):
    signatures = tf.saved_model.load(str(exported[1])).signatures
    image = tf.constant(image_of(61, 203))
    logits = signatures["logits"](image=image)["logits"]
    labels = signatures["serving_default"](image=image)["labels"]
    assert logits.shape == (1, 61, 203, 3) and logits.dtype == tf.float32
    assert np.array_equal(np.argmax(logits, axis=-1), labels)


def test_locations_cover_every_view_of_the_image(exported):
    signatures = tf.saved_model.load(str(exported[1])).signatures
    image = tf.constant(image_of(60, 200))
    found = signatures["locations"](image=image)
    assert found["locations"].shape == (1, 3, 24, 32, 2)
    assert found["grid"].shape == (3, 24, 32, 2)
    columns = found["locations"].numpy()[..., 1]
    assert columns.min() == 0 and columns.max() == 1
    both = signatures["serving_default"](image=image)["locations"]
    assert np.array_equal(both, found["locations"])


def test_outputs_agree_with_keras_on_real_frames(exported):
    frames = sorted(shared_folder("data", "camvid", "test").glob("*.jpg"))[:2]
    assert frames
    images = [
        tf.io.decode_image(tf.io.read_file(str(path)), channels=3)[None].numpy() for path in frames
    ]
    differences = compare(*exported, images)
    assert differences["locations"] <= 1e-6 and differences["labels"] == 0


def test_network_without_sampling_exports_too(tmp_path):
    inputs = keras.Input((None, None, 3))
    logits = keras.layers.Conv2D(4, 3, padding="same")(inputs)
    model = keras.Model(inputs, {"logits": logits, "auxiliary": logits * 2})
    export_saved_model(model, tmp_path / "plain")
    signatures = tf.saved_model.load(str(tmp_path / "plain")).signatures
    assert sorted(signatures) == ["logits", "serving_default"]
    image = image_of(31, 45)
    expected = np.argmax(model(image.astype(np.float32))["logits"], axis=-1)
    assert np.array_equal(signatures["serving_default"](image=image)["labels"], expected)


def test_uniform_sampling_exports_too(tmp_path):
    export_saved_model(small_segmenter(sampler="uniform"), tmp_path / "uniform")
    signatures = tf.saved_model.load(str(tmp_path / "uniform")).signatures
    assert "locations" in signatures


def test_half_precision_network_exports_full_precision_locations(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = small_segmenter()
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.network.layers[1].compute_dtype == "bfloat16"
    export_saved_model(model, tmp_path / "half")
    found = tf.saved_model.load(str(tmp_path / "half")).signatures["locations"](
        image=tf.constant(image_of(40, 50))
    )
    assert found["locations"].dtype == tf.float32


def test_plain_tensorflow_runs_it_without_roadseg(exported, tmp_path):
    image = image_of(61, 203)
    np.save(tmp_path / "image.npy", image)
    script = f"""
        import sys

        class Refuse:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] == "roadseg":
                    raise ImportError(name + " is not to be imported here")

        sys.meta_path.insert(0, Refuse())
        import numpy as np
        import tensorflow as tf
        model = tf.saved_model.load({str(exported[1])!r})
        image = tf.constant(np.load({str(tmp_path / "image.npy")!r}))
        labels = model.signatures["serving_default"](image=image)["labels"]
        np.save({str(tmp_path / "labels.npy")!r}, labels.numpy())
        assert not any(name.split(".")[0] == "roadseg" for name in sys.modules)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    loaded = tf.saved_model.load(str(exported[1]))
    expected = loaded.signatures["serving_default"](image=tf.constant(image))["labels"]
    assert np.array_equal(np.load(tmp_path / "labels.npy"), expected)


def test_export_that_disagrees_with_its_model_is_refused(tmp_path, monkeypatch):
    def wrong(model, image, interface, grid=None):
        answer = saved_model.class_logits(model, image)
        return {"labels": tf.cast(tf.argmin(answer, axis=-1), tf.int32)}

    model = small_network()
    write_saved_model(model, tmp_path / "right")
    monkeypatch.setattr(saved_model, "outputs_and_locations", wrong)
    with pytest.raises(RoadsegError, match="labels differ"):
        compare(model, tmp_path / "right", [image_of(30, 40)])
