"""`roadseg.load` and `roadseg predict` of exports that ONNX Runtime, OpenVINO or LiteRT run."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import roadseg
from roadseg.cli import main
from roadseg.errors import RoadsegError
from roadseg.export.command import export_run
from roadseg.export.formats import FORMATS
from roadseg.inference import runtime_files
from roadseg.inference.runtime_files import FILES, FileModel
from roadseg.models.registry import MODELS, ModelSpec
from roadseg.ops.nv12 import rgb_of
from tests.eval.small_runs import TABLE, small_run, tiny
from tests.support import on_tensorflow

CARD = f'{{"label_table": {TABLE.to_json()}}}'
IMAGE = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)


def channels(images: np.ndarray) -> np.ndarray:
    """Return the images themselves as scores: the class of a pixel is its strongest colour."""
    return images.astype(np.float32)


def export(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    outputs: dict[str, Any],
    shape: tuple[int | None, ...] = (None, None, None, 3),
) -> Path:
    """Write what looks like an export; its runtime gives `outputs` of the images, by name."""
    folder.mkdir()
    (folder / "model.onnx").write_text("of a runtime that is none")
    (folder / "model_card.json").write_text(CARD)
    monkeypatch.setattr(runtime_files, "is_installed", lambda package: True)

    def opened(path: Path, threads: int) -> FileModel:
        def run(images: np.ndarray, output: int | None = None) -> list[np.ndarray]:
            assert images.dtype == np.uint8 and threads >= 1
            assert shape[0] is None or len(images) == shape[0]
            return [way(images) for way in outputs.values()]

        return FileModel(shape, np.dtype(np.uint8), tuple(outputs), run)

    runtime = runtime_files.Runtime("ONNX Runtime", "onnxruntime", "''", "nhwc", opened)
    monkeypatch.setitem(runtime_files.RUNTIMES, ".onnx", runtime)
    return folder


def labels(images: np.ndarray) -> np.ndarray:
    return channels(images).argmax(-1).astype(np.int32)


def test_a_file_of_labels_labels_images_of_any_size_and_batch(tmp_path, monkeypatch):
    folder = export(tmp_path / "x", monkeypatch, {"labels": labels})
    inference = roadseg.load(folder)
    assert (inference.title, inference.label_table) == ("x", TABLE)
    assert inference.trace_count == 0 and not inference.has_logits
    np.testing.assert_array_equal(inference(IMAGE).labels, labels(IMAGE))
    two = np.stack([IMAGE, IMAGE[::-1]])
    np.testing.assert_array_equal(inference.predict_labels(two), labels(two))
    with pytest.raises(RoadsegError, match="x: gives labels alone, no confidence; export the run"):
        inference.predict_confidence(IMAGE)
    with pytest.raises(RoadsegError, match=r"x/model\.onnx: labels whole images; for tiles, scal"):
        roadseg.load(folder, protocol=roadseg.Protocol(flip=True))


def test_values_between_bytes_are_rounded(tmp_path, monkeypatch):
    folder = export(tmp_path / "x", monkeypatch, {"logits": channels})
    found = roadseg.load(folder).predict_logits(IMAGE.astype(np.float32) * 0.99 + 0.4)
    np.testing.assert_array_equal(found, np.rint(IMAGE * np.float32(0.99) + np.float32(0.4)))


def test_scores_say_labels_and_how_sure_they_are(tmp_path, monkeypatch):
    def shares(images: np.ndarray) -> np.ndarray:
        powers = np.exp(channels(images) - images.max(-1, keepdims=True))
        return powers / powers.sum(-1, keepdims=True)

    logits = roadseg.load(export(tmp_path / "a", monkeypatch, {"logits": channels}))
    expected = shares(IMAGE).max(-1)
    np.testing.assert_array_equal(logits.predict_labels(IMAGE), labels(IMAGE))
    np.testing.assert_allclose(logits.predict_confidence(IMAGE), expected, rtol=1e-5)
    given = {"probabilities": shares}
    probabilities = roadseg.load(export(tmp_path / "b", monkeypatch, given))
    np.testing.assert_array_equal(probabilities.predict_labels(IMAGE), labels(IMAGE))
    np.testing.assert_allclose(probabilities.predict_confidence(IMAGE), expected, rtol=1e-5)
    with pytest.raises(RoadsegError, match="b: gives confidence, labels alone, no logits"):
        probabilities.predict_logits(IMAGE)


def test_logits_that_are_no_numbers_are_refused(tmp_path, monkeypatch):
    def broken(images: np.ndarray) -> np.ndarray:
        return np.where(images == images.max(), np.nan, images).astype(np.float32)

    folder = export(tmp_path / "x", monkeypatch, {"logits": broken})
    with pytest.raises(RoadsegError, match="x: gives logits that are no numbers"):
        roadseg.load(folder)(IMAGE)


def test_a_file_of_one_size_takes_each_image_of_a_batch_in_turn_and_no_other_size(
    tmp_path, monkeypatch
):
    folder = export(tmp_path / "x", monkeypatch, {"labels": labels}, (1, 16, 24, 3))
    inference = roadseg.load(folder)
    two = np.stack([IMAGE, IMAGE[::-1]])
    np.testing.assert_array_equal(inference.predict_labels(two), labels(two))
    with pytest.raises(
        RoadsegError,
        match="x: takes images of 16x24 alone, got 32x48; add --input-height 16, or export the run "
        "again with --size 32x48",
    ):
        inference(np.zeros((32, 48, 3), np.uint8))
    with pytest.raises(RoadsegError, match="got 32x40; give such an image, or export"):
        inference(np.zeros((32, 40, 3), np.uint8))
    shown = roadseg.load(folder, protocol={"input_height": 16})
    assert shown(np.zeros((32, 48, 3), np.uint8)).labels.shape == (32, 48)


def test_a_file_of_nv12_is_given_frames(tmp_path, monkeypatch):
    def of_frames(frames: np.ndarray) -> np.ndarray:
        assert frames.shape[1:] == (24, 24)
        return np.asarray(rgb_of(frames)).argmax(-1).astype(np.int32)

    folder = export(tmp_path / "x", monkeypatch, {"labels": of_frames}, (1, 24, 24))
    inference = roadseg.load(folder)
    image = np.zeros((16, 24, 3), np.uint8)
    image[:, 12:] = 255, 0, 0
    image[:, :12] = 0, 255, 0
    np.testing.assert_array_equal(inference(image).labels, labels(image))
    with pytest.raises(RoadsegError, match="x: image of 15x24: NV12 has even sides"):
        inference(image[:15])


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (("confidence",), "gives confidence and no labels; export the run again with --outputs"),
        (("wide_labels", "narrow_labels"), "takes the images of two cameras; give the run"),
    ],
)
def test_a_file_without_a_way_to_labels_is_refused(tmp_path, monkeypatch, outputs, message):
    folder = export(tmp_path / "x", monkeypatch, dict.fromkeys(outputs, labels))
    with pytest.raises(RoadsegError, match=rf"x/model\.onnx: {message}"):
        roadseg.load(folder)


def test_without_its_card_runtime_or_content_it_is_refused(tmp_path, monkeypatch):
    folder = export(tmp_path / "x", monkeypatch, {"labels": labels})
    (folder / "model_card.json").unlink()
    with pytest.raises(RoadsegError, match=r"model_card\.json: no model card, so no class names"):
        roadseg.load(folder)
    (folder / "model_card.json").write_text(CARD)
    monkeypatch.setattr(runtime_files, "is_installed", lambda package: False)
    with pytest.raises(RoadsegError, match="onnxruntime is not installed; pip install ''"):
        roadseg.load(folder)
    with pytest.raises(RoadsegError, match="x: holds no steps; leave step 3 out"):
        roadseg.load(folder, step=3)


def test_every_format_of_one_file_is_known_as_an_export():
    assert set(FILES) == {kind.file for kind in FORMATS.values() if kind.file}


def test_pictures_are_labelled_by_an_export_from_the_command_line(tmp_path, monkeypatch, capsys):
    from PIL import Image

    folder = export(tmp_path / "x", monkeypatch, {"labels": labels}, (1, 16, 24, 3))
    for name in "ab":
        Image.fromarray(IMAGE).save(tmp_path / f"{name}.png")
    pictures = [str(tmp_path / "a.png"), str(tmp_path / "b.png")]
    to = tmp_path / "labelled"
    for option in ("--model", "--saved-model"):
        assert main(["predict", option, str(folder), *pictures, "--to", str(to)]) == 0
        assert "x: 2 of 2 labelled" in capsys.readouterr().out
    np.testing.assert_array_equal(np.asarray(Image.open(to / "b_labels.png")), labels(IMAGE))
    large = np.repeat(np.repeat(IMAGE, 2, axis=0), 2, axis=1)
    Image.fromarray(large).save(tmp_path / "large.png")
    words = ["predict", "--model", str(folder), str(tmp_path / "large.png"), "--to", str(to)]
    assert main(words) == 2
    assert "got 32x48; add --input-height 16, or export" in capsys.readouterr().err
    assert main([*words, "--input-height", "16"]) == 0
    found = np.asarray(Image.open(to / "large_labels.png"))
    np.testing.assert_array_equal(found, np.repeat(np.repeat(labels(IMAGE), 2, 0), 2, 1))


@pytest.mark.parametrize("name", ["onnx", "openvino", "litert"])
@on_tensorflow
def test_each_format_gives_the_labels_of_its_run(tmp_path, monkeypatch, name):
    packages = FORMATS[name].packages
    if not all(importlib.util.find_spec(package) for package in packages):
        pytest.skip(f"the extra {name} is not installed")
    monkeypatch.setitem(MODELS, "tiny", ModelSpec(tiny, parameters=0))
    run = small_run(tmp_path / "run")
    folder = export_run(run.path, name, to=tmp_path / name, size=(16, 24))
    images = np.stack([IMAGE, IMAGE[::-1]])
    expected = roadseg.load(run.path).predict_labels(images)
    assert len(np.unique(expected)) > 1
    np.testing.assert_array_equal(roadseg.load(folder).predict_labels(images), expected)
