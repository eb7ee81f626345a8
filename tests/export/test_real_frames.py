"""What is exported labels real frames as the Keras model does, semantic flow included."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("export is TensorFlow's", allow_module_level=True)

import roadseg
from roadseg.export import litert, onnx, openvino
from roadseg.export.converters import labels_function, sampled_differences
from roadseg.export.per_pixel import LABEL_TOLERANCE
from roadseg.export.saved_model import write_saved_model
from roadseg.sampling import SampledSegmenter
from roadseg.weights.read import original_of, read_weights
from tests.export.support import small_density
from tests.models.every_network import settle
from tests.support import shared_folder

Labels = Callable[[np.ndarray], np.ndarray]
SEMANTIC_FLOW = [name for name in roadseg.list_models() if name.startswith(("sfnet", "fpn"))]


def load_saved_model(model: keras.Model, folder: Path) -> Labels:
    import tensorflow as tf

    write_saved_model(model, folder)
    # The module itself: its signatures alone would not keep the weights alive.
    loaded = tf.saved_model.load(str(folder))
    return lambda image: loaded.signatures["serving_default"](image=image)["labels"].numpy()


def load_onnx(model: keras.Model, folder: Path) -> Labels:
    for module in ("tf2onnx", "onnx", "onnxruntime"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} not installed (an extra)")
    folder.mkdir()
    onnx.write_onnx(model, folder)
    run = onnx.run_onnx(folder / onnx.FILE)
    return lambda image: run(image)["labels"]


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    """Return a whole frame of 1024x2048, and one cut to sides that no stride divides."""
    found = sorted(shared_folder("data", "cityscapes_frames").rglob("*_leftImg8bit.*"))[:2]
    first, second = (cv2.imread(str(path))[None, ..., ::-1] for path in found)
    return [first, second[:, 200:701, 300:1203]]


@pytest.mark.slow
@pytest.mark.parametrize("load", [load_saved_model, load_onnx])
@pytest.mark.parametrize("name", SEMANTIC_FLOW)
def test_an_exported_network_labels_real_frames_as_the_keras_model(
    name: str, load: Callable[[keras.Model, Path], Labels], frames: list, tmp_path: Path
) -> None:
    keras.utils.set_random_seed(0)
    model = roadseg.create(name, 19)
    settle(model, frames[0][:, ::4, ::4])  # as first drawn, one class is ahead everywhere
    labels, reference = load(model, tmp_path / "export"), labels_function(model)
    for frame in frames:
        expected = reference(frame)["labels"].numpy()
        assert len(np.unique(expected)) > 1
        found = labels(frame)
        assert found.shape == frame.shape[:3]
        assert np.mean(found != expected) <= LABEL_TOLERANCE


FORMATS = {"onnx": onnx, "litert": litert, "openvino": openvino}
EXTRAS = {
    "onnx": ("tf2onnx", "onnx", "onnxruntime"),
    "litert": ("ai_edge_litert",),
    "openvino": ("openvino", "onnx"),
}


@pytest.fixture(scope="module")
def trained_segmenter() -> SampledSegmenter:
    """Return ESPNet with its authors' CamVid weights, behind a sampler that bends its grid."""
    file = shared_folder("weights", "espnet_p2_q8_camvid.npz")
    network = roadseg.create("espnet", 12, q=8, normalisation="espnet_camvid")
    read_weights(network, str(file), original_of("espnet"))
    return SampledSegmenter(network, small_density(), (128, 160))


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_a_sampled_network_with_trained_weights_labels_real_frames_in_every_format(
    name: str, trained_segmenter: SampledSegmenter, tmp_path: Path
) -> None:
    for module in EXTRAS[name]:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} not installed (an extra)")
    paths = sorted(shared_folder("data", "camvid", "val").glob("*"))[::40]
    getattr(FORMATS[name], f"write_{name}")(trained_segmenter, tmp_path)
    run = getattr(FORMATS[name], f"run_{name}")(tmp_path / FORMATS[name].FILE)
    reference = labels_function(trained_segmenter)
    assert paths
    for path in paths:
        image = cv2.imread(str(path))[None, ..., ::-1].copy()
        expected = reference(image)["labels"].numpy()
        assert len(np.unique(expected)) > 5
        # Each by its own locations: a few may fall on the pixel beside.
        assert np.mean(run(image)["labels"] != expected) <= 0.005
        for output, (found, allowed) in sampled_differences(
            trained_segmenter, run(image), image
        ).items():
            assert found <= min(allowed, 1e-3), output
