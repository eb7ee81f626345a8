"""Networks of each system behind learned and uniform sampling, through the commands users type."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from roadseg import cli
from roadseg.export.per_pixel import LABEL_TOLERANCE
from roadseg.runs.run_folder import RunFolder
from tests.train import tiny

# (network, sampling): each network once; each kind of sampling with a deep and a shallow one, of
# which the deep one takes longest.
CASES = [
    pytest.param("fast_scnn", "nus", marks=pytest.mark.slow),  # a minute
    pytest.param("bisenet", "uniform", marks=pytest.mark.slow),
    pytest.param("espnet", "uniform", marks=pytest.mark.slow),
    pytest.param("dabnet", "nus", marks=pytest.mark.slow),
    pytest.param("espnetv2", "uniform", marks=pytest.mark.slow),
    pytest.param("pidnet_s", "nus", marks=pytest.mark.slow),
    pytest.param("ddrnet_23_slim", "uniform", marks=pytest.mark.slow),
    pytest.param("sfnet_resnet18", "nus", marks=pytest.mark.slow),
]
COMMON = (
    "--batch-size 2 --steps 2 --data.shuffle-buffer 4 --log.pictures-every-steps 0 "
    "--augment.crop-size 64 64"
)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return records of three classes out of five, which ESPNet wants at least."""
    folder = tmp_path_factory.mktemp("records")
    tiny.write_records(folder, count=4, size=(64, 80), shards=1)
    names, colours = (
        (*tiny.TABLE.names, "person", "pole"),
        (*tiny.TABLE.colours, (1, 0, 0), (2, 0, 0)),
    )
    table = dataclasses.replace(tiny.TABLE, names=names, colours=colours)
    (folder / "label_table.json").write_text(table.to_json())
    return folder


def roadseg(*words: str) -> None:
    assert cli.main(list(words)) == 0


@pytest.fixture(scope="module")
def auxiliary(records: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("auxiliary") / "run"
    options = [*COMMON.split(), "--sampler.classes", "--records", str(records)]
    roadseg("train", "--recipe", "nus/sampler", "--run", str(run), *options)
    return run


@pytest.mark.parametrize(("network", "sampling"), CASES)
def test_a_network_behind_sampling_trains_evaluates_and_exports(
    network: str, sampling: str, records: Path, auxiliary: Path, tmp_path: Path
):
    import tensorflow as tf

    run = tmp_path / "run"
    options = [*COMMON.split(), "--records", str(records), "--sampler", sampling]
    if sampling == "nus":
        options += ["--sampler-run", str(auxiliary)]
    recipe = ["--recipe", "camvid/fast_scnn", "--model", network, "--network.options"]
    # At 32 samples PIDNet's deepest maps are one pixel: their variance over two images is near 0,
    # so that the first step can blow weights up.
    size = "128" if network == "pidnet_s" else "32"
    roadseg("train", "--run", str(run), *recipe, "--sampling-size", size, size, *options)
    assert [step for step, _ in RunFolder(run).checkpoints()] == [2]
    event = next(e for e in RunFolder(run).read_metrics() if e["event"] == "train")
    assert np.isfinite(event["loss"])
    roadseg("eval", str(run), "--split", "train", "--max-images", "2")
    written = next((run / "evaluation").rglob("step-00000002.json"))
    assert 0 <= json.loads(written.read_text())["miou"] <= 1
    roadseg("export", str(run), "--format", "saved_model")
    loaded = tf.saved_model.load(str(run / "export" / "saved_model"))
    image = np.random.default_rng(0).integers(0, 256, (1, 64, 80, 3), np.uint8)
    labels = loaded.signatures["serving_default"](image=tf.constant(image))["labels"]
    assert labels.shape == (1, 64, 80) and 0 <= labels.numpy().min() <= labels.numpy().max() < 5
    ours = RunFolder(run).load_segmenter().labels(image).numpy()
    assert (ours != labels.numpy()).mean() <= LABEL_TOLERANCE


def test_images_that_the_network_does_not_take_are_evaluated_and_exported_behind_padding(
    records: Path, tmp_path: Path
):
    import tensorflow as tf

    run = tmp_path / "run"
    options = [*COMMON.split(), "--records", str(records)]
    roadseg("train", "--recipe", "camvid/fast_scnn", "--run", str(run), *options)
    roadseg("eval", str(run), "--split", "train", "--max-images", "2")
    roadseg("export", str(run), "--format", "saved_model")
    loaded = tf.saved_model.load(str(run / "export" / "saved_model"))
    image = np.zeros((1, 51, 77, 3), np.uint8)
    labels = loaded.signatures["serving_default"](image=tf.constant(image))["labels"]
    assert labels.shape == (1, 51, 77)


def test_a_sampling_size_that_the_network_does_not_take_is_one_line(
    records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    words = ["--recipe", "camvid/fast_scnn", "--run", str(tmp_path / "run"), *COMMON.split()]
    words += ["--records", str(records), "--sampler", "uniform", "--sampling-size", "40", "40"]
    assert cli.main(["train", *words]) == 2
    error = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error: ")]
    assert "--sampling-size (40, 40): wanted multiples of 32" in error[0]
    assert "nearest: (32, 32) or (64, 64)" in error[0]
