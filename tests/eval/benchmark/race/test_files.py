"""Files of each format in their own runtime, and what is said of those that cannot run."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.eval.benchmark.race.contestants import Setting
from roadseg.eval.benchmark.race.labellers import labeller_of_file, output_number
from roadseg.eval.benchmark.race.pixels import InputOptions
from roadseg.inference import runtime_files as files
from roadseg.inference.runtime_files import FileModel, Quantised, open_file, runtime_of

IMAGE = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
# Each class prefers one colour: labels are then known without any runtime.
KERNEL = np.eye(3, dtype=np.float32)[:, :, None, None]
EXPECTED = IMAGE.argmax(-1)


def write_onnx(path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    make, kind = onnx.helper, onnx.TensorProto.FLOAT
    outputs = [make.make_tensor_value_info(name, kind, None) for name in ("zero", "logits")]
    graph = make.make_graph(
        [make.make_node("Conv", ["x", "k"], ["logits"]), make.make_node("Neg", ["x"], ["zero"])],
        "colours",
        [make.make_tensor_value_info("x", kind, [1, 3, None, None])],
        outputs,
        [onnx.numpy_helper.from_array(KERNEL, "k")],
    )
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, str(path))


def setting(output: str | None = "logits") -> Setting:
    return Setting(1, 1, InputOptions(values="unit"), output)


def test_an_onnx_file_labels_an_image(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    write_onnx(tmp_path / "model.onnx")
    model = open_file(tmp_path / "model.onnx", 1)
    assert (model.shape, model.dtype) == ((1, 3, None, None), np.float32)
    assert model.outputs == ("zero", "logits")
    for output in ("logits", "1", None):  # without a number that of this name is taken
        labeller = labeller_of_file(tmp_path / "model.onnx", setting(output))
        np.testing.assert_array_equal(labeller.label(IMAGE), EXPECTED)
    other = labeller_of_file(tmp_path / "model.onnx", setting("zero"))
    np.testing.assert_array_equal(other.label(IMAGE), IMAGE.argmin(-1))


def test_an_openvino_file_labels_an_image(tmp_path: Path) -> None:
    openvino = pytest.importorskip("openvino")
    write_onnx(tmp_path / "model.onnx")
    openvino.save_model(openvino.convert_model(tmp_path / "model.onnx"), tmp_path / "model.xml")
    labeller = labeller_of_file(tmp_path / "model.xml", setting("1"))
    np.testing.assert_array_equal(labeller.label(IMAGE), EXPECTED)


def test_a_litert_file_labels_images_of_two_sizes(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((1, None, None, 3), tf.uint8)], autograph=False)
    def labels(image: Any) -> Any:
        return tf.argmax(image, -1, tf.int32)

    converter = tf.lite.TFLiteConverter.from_concrete_functions([labels.get_concrete_function()])
    (tmp_path / "model.tflite").write_bytes(converter.convert())
    labeller = labeller_of_file(tmp_path / "model.tflite", setting(None))
    for image in (IMAGE, IMAGE[:8]):
        np.testing.assert_array_equal(labeller.label(image), image.argmax(-1))


@pytest.mark.parametrize("kind", ["pt", "pt2"])
def test_files_of_pytorch_label_an_image(tmp_path: Path, kind: str) -> None:
    torch = pytest.importorskip("torch")
    module, given = torch.nn.Conv2d(3, 3, 1, bias=False), torch.zeros(1, 3, *IMAGE.shape[:2])
    module.weight.data = torch.from_numpy(KERNEL)
    path = tmp_path / f"model.{kind}"
    if kind == "pt":
        torch.jit.save(torch.jit.trace(module.eval(), given), path)
    else:
        torch.export.save(torch.export.export(module.eval(), (given,)), path)
        assert open_file(path, 1).shape == (1, 3, *IMAGE.shape[:2])
    np.testing.assert_array_equal(labeller_of_file(path, setting(None)).label(IMAGE), EXPECTED)


class Torch(ModuleType):
    """As much of PyTorch as these files need, for machines without it."""

    def __init__(self) -> None:
        super().__init__("torch")
        self.jit = SimpleNamespace(load=self.refuse)
        self.set_num_threads = lambda threads: None

    @staticmethod
    def refuse(path: str, map_location: str) -> None:
        raise RuntimeError("failed finding\ncentral directory")


def test_a_file_that_is_no_program_of_torch_script_is_refused_in_one_line(tmp_path, monkeypatch):
    (tmp_path / "weights.pt").write_bytes(b"weights")
    monkeypatch.setitem(sys.modules, "torch", Torch())
    monkeypatch.setattr(files, "is_installed", lambda package: True)
    with pytest.raises(
        RoadsegError, match=r"weights\.pt: no TorchScript program.*central"
    ) as found:
        open_file(tmp_path / "weights.pt", 1)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model.pdf", r"no file that can be timed; give \.onnx"),
        ("absent.onnx", "no such file; check the path"),
        ("alone.xml", r"no alone\.bin beside it; copy both files"),
        ("there.onnx", "onnxruntime is not installed; pip install 'roadseg\\[onnx\\]'"),
    ],
)
def test_files_that_cannot_be_timed_are_refused_before_anything_is_loaded(
    name, message, tmp_path, monkeypatch
):
    for there in ("model.pdf", "alone.xml", "there.onnx"):
        (tmp_path / there).touch()
    monkeypatch.setattr(files, "is_installed", lambda package: False)
    with pytest.raises(RoadsegError, match=f"{name}: {message}"):
        runtime_of(tmp_path / name)


def fake(monkeypatch: pytest.MonkeyPatch, folder: Path, model: FileModel | Exception) -> Path:
    """Let `.onnx` files be `model`, whatever is installed."""

    def load(path: Path, threads: int) -> FileModel:
        if isinstance(model, Exception):
            raise model
        return model

    monkeypatch.setattr(files, "is_installed", lambda package: True)
    runtime = files.Runtime("ONNX Runtime", "onnxruntime", "''", "nchw", load)
    monkeypatch.setitem(files.RUNTIMES, ".onnx", runtime)
    (folder / "model.onnx").touch()
    return folder / "model.onnx"


def planes(x: np.ndarray, output: int | None = None) -> list[np.ndarray]:
    return [x.astype(np.float32)][output:] if output else [x.astype(np.float32)]


def test_a_file_that_its_runtime_refuses_is_named_in_one_line(tmp_path, monkeypatch):
    path = fake(monkeypatch, tmp_path, ValueError("bad\nmagic"))
    with pytest.raises(RoadsegError, match=r"ONNX Runtime cannot load it \(bad magic\); export"):
        open_file(path, 1)


def test_a_file_of_fixed_size_sees_the_image_at_that_size_and_labels_every_pixel(
    tmp_path, monkeypatch
):
    seen = []

    def run(x: np.ndarray, output: int | None = None) -> list[np.ndarray]:
        seen.append(x.shape)
        return planes(x, output)

    path = fake(monkeypatch, tmp_path, FileModel((1, 3, 8, 12), np.dtype(np.float32), (), run))
    found = labeller_of_file(path, setting(None)).label(IMAGE)
    assert seen == [(1, 3, 8, 12)] and found.shape == IMAGE.shape[:2]


def test_a_quantised_file_of_bytes_gets_the_bytes(tmp_path, monkeypatch):
    given = []

    def run(x: np.ndarray, output: int | None = None) -> list[np.ndarray]:
        given.append(x)
        return [x[..., 0]]

    scaled = Quantised(1 / 255, 0)
    model = FileModel((1, None, None, 3), np.dtype(np.uint8), ("labels",), run, scaled)
    found = labeller_of_file(fake(monkeypatch, tmp_path, model), setting(None)).label(IMAGE)
    np.testing.assert_array_equal(given[0][0], IMAGE)
    np.testing.assert_array_equal(found, IMAGE[..., 0])


def test_outputs_are_named_or_counted() -> None:
    names = ("aux", "labels", "logits")
    path = Path("model.onnx")
    assert [output_number(path, names, one) for one in (None, "logits", "0")] == [1, 2, 0]
    assert output_number(path, ("a", "b"), None) == 0 and output_number(path, (), "3") == 3
    with pytest.raises(RoadsegError, match="no output 'depth'; .* one of aux, labels, logits"):
        output_number(path, names, "depth")


def test_outputs_that_are_absent_or_no_labels_are_refused(tmp_path, monkeypatch):
    model = FileModel(None, np.dtype(np.float32), (), planes)
    path = fake(monkeypatch, tmp_path, model)
    with pytest.raises(RoadsegError, match="it has no output 2; --file-output counts them from 0"):
        labeller_of_file(path, setting("2")).label(IMAGE)

    def flat(x: np.ndarray, output: int | None = None) -> list[np.ndarray]:
        return [np.zeros(5)]

    path = fake(monkeypatch, tmp_path, FileModel(None, np.dtype(np.float32), (), flat))
    with pytest.raises(RoadsegError, match=r"shape \(5,\) is neither .*; name another with"):
        labeller_of_file(path, setting(None)).label(IMAGE)


def test_an_input_of_other_axes_is_refused(tmp_path, monkeypatch):
    model = FileModel((1, 3), np.dtype(np.float32), (), planes)
    with pytest.raises(RoadsegError, match=r"shape \(1, 3\); an image of four axes"):
        labeller_of_file(fake(monkeypatch, tmp_path, model), setting(None))
