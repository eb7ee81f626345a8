"""`roadseg predict` in tiles, scaled and mirrored; outputs that are no class; SavedModels."""

from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

import roadseg.label_tables as datasets
from roadseg.drawing.pictures import to_label_ids
from roadseg.errors import RoadsegError
from roadseg.eval.predict import command
from roadseg.inference.averaging import averaged_logits
from roadseg.inference.class_logits import ModelLogits, SavedModelLogits
from roadseg.inference.saved_model import read_saved_model
from roadseg.models.registry import MODELS, ModelSpec
from roadseg.recipe.protocol import Protocol
from roadseg.runs.checkpoint import write_checkpoint
from roadseg.runs.load import inference_of_run, load_inference
from roadseg.runs.run_folder import RunFolder, build_network, variable_arrays
from tests.eval.small_runs import RECIPE, TABLE
from tests.inference import published_averaging as published

MODE = Protocol(tile=16, flip=True)
OPTIONS = ("--tile", "16", "--flip")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """Return a run of a network that takes multiples of 4, with a void output."""

    def strided(num_classes: int, normalisation: str = "rgb") -> keras.Model:
        assert normalisation == "rgb"
        return published.network(num_classes)

    multiple = published.MULTIPLE
    monkeypatch.setitem(MODELS, "strided", ModelSpec(strided, parameters=0, size_multiple=multiple))
    changes = {"model": "strided", "network.options": {}, "network.evaluation_options": {}}
    run = RunFolder(tmp_path / "run")
    run.begin(
        RECIPE.replace(sampling={"kind": "none"}, network={"void_class": True}, **changes), TABLE
    )
    keras.utils.set_random_seed(0)
    weights = variable_arrays(build_network(run.recipe, run.num_outputs))
    write_checkpoint(run.checkpoint_folder, 1, {"weights": weights}, {})
    return run


def noise(size: tuple[int, int], seed: int = 0) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 10, 3), np.uint8)
    return cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_NEAREST)


def best_of(run: RunFolder, image: np.ndarray, mode: Protocol) -> np.ndarray:
    logits = averaged_logits(image, ModelLogits(run.load_segmenter(1)), mode)
    labels = logits.argmax(-1)
    return np.where(labels == TABLE.num_classes, TABLE.ignore, labels)


def predict(run: RunFolder, tmp_path: Path, image: np.ndarray, *options: str) -> np.ndarray:
    """Write what the command makes of `image` and return the label map."""
    cv2.imwrite(str(tmp_path / "a.png"), image[..., ::-1])
    argv = [str(run.path), "--images", str(tmp_path / "a.png"), "--to", str(tmp_path / "out")]
    assert command.main([*argv, "--write", "labels", *options]) == 0
    return cv2.imread(str(tmp_path / "out/a_labels.png"), cv2.IMREAD_UNCHANGED)


def test_tiles_and_mirror_reach_the_label_map(run: RunFolder, tmp_path: Path) -> None:
    image = noise((32, 44))
    labels = predict(run, tmp_path, image, *OPTIONS)
    np.testing.assert_array_equal(labels, best_of(run, image, MODE))
    assert (labels != best_of(run, image, Protocol())).any()


def test_a_void_output_is_ignored_ground_in_every_mode(run: RunFolder, tmp_path: Path) -> None:
    image = noise((32, 44))
    for options in ((), OPTIONS):
        labels = predict(run, tmp_path, image, *options)
        assert set(np.unique(labels)) <= {0, 1, 2, 255} and (labels == 255).any()


def test_a_size_factor_labels_images_of_any_size(run: RunFolder, tmp_path: Path) -> None:
    image = noise((35, 50))
    labels = predict(run, tmp_path, image, "--input-scale", "0.7")
    assert labels.shape == (35, 50) and len(np.unique(labels)) > 1


def test_label_ids_are_the_published_ones() -> None:
    published_ids = "7 8 11 12 13 17 19 20 21 22 23 24 25 26 27 28 31 32 33"
    table = datasets.get("cityscapes")
    assert to_label_ids(np.arange(19), table).tolist() == list(map(int, published_ids.split()))
    assert to_label_ids(np.array([10, 255]), datasets.get("camvid")).tolist() == [10, 11]


def test_tiles_are_labelled_without_sampling_points(run: RunFolder) -> None:
    images = np.stack([noise((32, 44), seed) for seed in (0, 1)])
    inference = inference_of_run(run, protocol=MODE)
    found = inference(images)
    labels = found.labels
    assert labels.dtype == np.int32 and labels.shape == (2, 32, 44) and found.locations is None
    assert inference.title == "run, step 1, tile16, flip"


@pytest.fixture
def exported(run: RunFolder, tmp_path: Path) -> Path:
    from roadseg.export import command as export

    assert not export.main([str(run.path), "--to", str(tmp_path / "model")])
    return tmp_path / "model"


@pytest.mark.parametrize(
    "mode", [MODE, Protocol(tile=16, scales=(0.5, 1.0)), Protocol(input_scale=0.5)]
)
def test_an_exported_model_labels_as_its_run_does(
    run: RunFolder, exported: Path, mode: Protocol
) -> None:
    image = noise((32, 44))[None]
    ours = inference_of_run(run, 1, protocol=mode).predict_labels(image)
    theirs = load_inference(exported, protocol=mode).predict_labels(image)
    # Bytes and a second enlargement: only pixels between two classes may differ.
    assert (ours == theirs).mean() > 0.95 and len(np.unique(ours)) > 1


def test_an_exported_model_pads_tiles_as_its_run_does(run: RunFolder, exported: Path) -> None:
    ours = ModelLogits(run.load_segmenter(1))
    theirs = SavedModelLogits(read_saved_model(exported))
    assert ours.padding == theirs.padding == pytest.approx((123.675, 116.28, 103.53))
    image = noise((9, 44))
    found = [averaged_logits(image, logits_of, MODE).argmax(-1) for logits_of in (ours, theirs)]
    assert (found[0] == found[1]).mean() > 0.95


def test_an_exported_model_takes_the_tiles_of_its_network(exported: Path) -> None:
    with pytest.raises(RoadsegError, match="--tile 18: strided takes multiples of 4"):
        load_inference(exported, protocol=Protocol(tile=18))


def test_an_export_without_logits_is_refused_and_told_why(tmp_path: Path, exported: Path) -> None:
    import tensorflow as tf

    module = tf.Module()
    signature = [tf.TensorSpec((None, None, None, 3), tf.uint8, name="image")]
    module.label = tf.function(
        lambda image: {"labels": image[..., 0]}, input_signature=signature, autograph=False
    )
    (tmp_path / "bare").mkdir()
    tf.saved_model.save(module, str(tmp_path / "bare"), signatures=module.label)
    card = next(exported.rglob("model_card.json"))
    (tmp_path / "bare/model_card.json").write_bytes(card.read_bytes())
    assert load_inference(tmp_path / "bare").label_table == TABLE
    with pytest.raises(RoadsegError, match="no signature 'logits'.*export the run again"):
        load_inference(tmp_path / "bare", protocol=MODE)
