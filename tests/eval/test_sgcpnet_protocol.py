"""The protocol of SGCPNet: its small map enlarged bicubically as by OpenCV, then the best class."""

from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from roadseg import cli
from roadseg.errors import RoadsegError
from roadseg.eval.evaluation import evaluate
from roadseg.eval.job import EvaluationOptions
from roadseg.eval.results.segmentation import SegmentationResult
from roadseg.inference.averaging import averaged_logits
from roadseg.inference.class_logits import ModelLogits
from roadseg.metrics.confusion import ConfusionMatrix
from roadseg.models.registry import MODELS, ModelSpec
from roadseg.recipe.protocol import Protocol
from roadseg.runs.checkpoint import write_checkpoint
from roadseg.runs.run_folder import RunFolder, build_network, variable_arrays
from tests.eval.runs import TABLE, recipe, street, write_records
from tests.inference import published_averaging as published

CUBIC = Protocol(upsampling="bicubic")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """Return a run without sampling of a network that enlarges its logits in its last step."""

    def strided(num_classes: int) -> keras.Model:
        return published.network(num_classes)

    monkeypatch.setitem(MODELS, "strided", ModelSpec(strided, parameters=0, size_multiple=4))
    changes = {"model": "strided", "network.options": {}, "network.evaluation_options": {}}
    run = RunFolder(tmp_path / "run")
    records = write_records(tmp_path / "records", count=2)
    run.begin(recipe(records, sampling={"kind": "none"}, **changes), TABLE)
    keras.utils.set_random_seed(0)
    weights = variable_arrays(build_network(run.recipe, run.num_outputs))
    write_checkpoint(run.checkpoint_folder, 1, {"weights": weights}, {})
    return run


def by_opencv(run: RunFolder, image: np.ndarray) -> np.ndarray:
    """Return the logits of an image (h, w, 3), enlarged by OpenCV."""
    small = published.raw_of(run.load_network(1))(published.normalised(image))
    size = image.shape[1], image.shape[0]
    return cv2.resize(small, size, interpolation=cv2.INTER_CUBIC)


def test_small_logits_are_enlarged_as_opencv_does(run: RunFolder) -> None:
    image = street(0)[0]
    expected = by_opencv(run, image)
    found = averaged_logits(image, ModelLogits(run.load_segmenter(1), "bicubic"), CUBIC)
    assert found.shape == (48, 64, 4) and np.ptp(expected) > 0.1
    np.testing.assert_allclose(found, expected, atol=2e-5 * np.abs(expected).max())


def test_the_map_of_sgcpnet_itself_is_enlarged_from_an_eighth() -> None:
    import roadseg
    from roadseg.layers.heads import own_scale

    keras.utils.set_random_seed(0)
    model = roadseg.create("sgcpnet", num_classes=11)
    image = street(0, (72, 104))[0]
    small = np.asarray(own_scale(model)(image[None].astype(np.float32)))[0]
    assert small.shape == (9, 13, 11) and np.ptp(small) > 0
    expected = cv2.resize(small, (104, 72), interpolation=cv2.INTER_CUBIC)
    found = averaged_logits(image, ModelLogits(model, "bicubic"), CUBIC)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_the_protocol_counts_the_labels_that_opencv_gives(run: RunFolder) -> None:
    result = evaluate(run, EvaluationOptions(protocol="sgcpnet"))
    assert isinstance(result, SegmentationResult) and result.protocol.upsampling == "bicubic"
    matrix, plain = ConfusionMatrix(4), ConfusionMatrix(4)
    for number in range(2):
        image, label = street(number)
        matrix.add(label, by_opencv(run, image).argmax(-1))
        plain.add(label, np.asarray(run.load_segmenter(1)(image[None]))[0].argmax(-1))
    assert np.abs(np.array(result.confusion) - matrix.matrix).sum() <= 4
    assert np.abs(plain.matrix - matrix.matrix).sum() > 20, "bilinear would have done as well"
    iou = [1.0 if np.isnan(value) else value for value in matrix.metrics().iou()]
    assert result.miou_absent_one == pytest.approx(np.mean(iou), abs=1e-3)


def test_bilinear_enlargement_is_an_option_of_the_protocol(run: RunFolder) -> None:
    changes = {"upsampling": "bilinear"}
    ours = evaluate(run, EvaluationOptions(protocol="sgcpnet", changes=changes))
    plain = evaluate(run, EvaluationOptions(protocol="cityscapes"))
    assert isinstance(ours, SegmentationResult) and isinstance(plain, SegmentationResult)
    assert ours.confusion == plain.confusion
    assert cli.main(["eval", str(run.path), "--upsampling", "bicubic", "--json"]) == 0


def test_cubic_enlargement_works_in_tiles_and_mirrored(run: RunFolder) -> None:
    mode = Protocol(tile=16, flip=True, upsampling="bicubic")
    logits = averaged_logits(street(0)[0], ModelLogits(run.load_segmenter(1), "bicubic"), mode)
    assert logits.shape == (48, 64, 4) and np.isfinite(logits).all()


def test_an_image_that_would_be_padded_is_refused(run: RunFolder) -> None:
    logits_of = ModelLogits(run.load_segmenter(1), "bicubic")
    with pytest.raises(RoadsegError, match="image of 50x64: .* takes multiples of 4"):
        averaged_logits(np.zeros((50, 64, 3)), logits_of, CUBIC)


def test_a_network_without_a_small_map_is_refused() -> None:
    images = keras.Input((None, None, 3))
    model = keras.Model(images, keras.layers.Conv2D(4, 1)(images), name="full")
    with pytest.raises(RoadsegError, match="full: gives no small logits .* bilinear"):
        ModelLogits(model, "bicubic")


def test_a_sampled_network_is_refused(run: RunFolder, tmp_path: Path) -> None:
    sampled = RunFolder(tmp_path / "sampled")
    sampled.begin(run.recipe.replace(sampling={"kind": "uniform"}), TABLE)
    with pytest.raises(RoadsegError, match="bicubic upsampling is of .* --upsampling bilinear"):
        evaluate(sampled, EvaluationOptions(protocol="sgcpnet"))
