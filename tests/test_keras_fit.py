"""A network and records of this package in Keras's own loop: compile, fit, save, load elsewhere."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.front_door import compiled, counted, fit, write_splits
from tests.support import REPOSITORY, on_tensorflow

LOAD = """import sys, numpy, roadseg, keras
network = keras.models.load_model(sys.argv[1])
assert type(network.loss).__name__ == "OhemCrossentropy" and network.loss.min_kept == 100
images = numpy.load(sys.argv[2])
numpy.save(sys.argv[3], network.predict(images, verbose=0))
"""
pytestmark = on_tensorflow


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_splits(tmp_path_factory.mktemp("front") / "records")


@pytest.fixture(scope="module")
def fitted(records, tmp_path_factory):
    file = tmp_path_factory.mktemp("fit") / "street.keras"
    keras.utils.set_random_seed(0)
    network = compiled()
    history = fit(network, records)
    network.save(file)
    return network, history, file


def test_fit_trains_and_measures(fitted, records):
    network, history, _ = fitted
    assert set(history) == {"loss", "mean_iou", "val_loss", "val_mean_iou"}
    assert np.isfinite(list(history.values())).all() and history["loss"][0] > 0
    assert history["val_mean_iou"][0] == counted(network, records)


def test_the_file_loads_in_a_process_of_its_own(fitted, tmp_path):
    network, _, file = fitted
    images = np.random.default_rng(0).uniform(0, 255, (1, 24, 32, 3)).astype("float32")
    np.save(tmp_path / "images.npy", images)
    places = [file, tmp_path / "images.npy", tmp_path / "logits.npy"]
    subprocess.run([sys.executable, "-c", LOAD, *map(str, places)], check=True)
    np.testing.assert_allclose(
        np.load(tmp_path / "logits.npy"), network.predict(images, verbose=0), rtol=1e-5, atol=1e-5
    )


@pytest.mark.slow
def test_two_devices_fit_and_count_together(records):
    """The mean IoU is that of all pixels, which the devices see half of each."""
    command = [sys.executable, "-m", "tests.front_door", str(records), "2"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    before, alone, history, moved, kernels = json.loads(done.stdout.splitlines()[-1])
    assert before == alone
    assert np.isfinite(list(history.values())).all()
    assert moved and len(kernels) == 2 and kernels[0] == kernels[1]
