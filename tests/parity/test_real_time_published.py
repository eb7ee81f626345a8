"""ESPNetv2 and DABNet with their published weights on pieces of real frames: logits and labels."""

from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest

import roadseg
from roadseg.layers.normalisation import normalise
from roadseg.weights.read import original_of, read_weights
from tests.parity.real_time_cases import CASES
from tests.parity.test_networks import check
from tests.parity.torch_networks import arguments_of, constructor, network_of, outputs_of
from tests.support import Fixture, parity_fixtures, shared_folder

# The fixtures give every weight.
pytestmark = pytest.mark.usefixtures("kernels_of_zeros")

FIXTURES = [*parity_fixtures("espnetv2-published*.npz"), *parity_fixtures("dabnet-published*.npz")]
every_fixture = pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)


@cache
def run(path: Path) -> dict[str, np.ndarray]:
    """Return the logits of the stored pixels, NHWC, by a network that normalises them itself."""
    fixture = Fixture.load(path)
    case = CASES[constructor(fixture)[0]]
    arguments = arguments_of(fixture, case)
    name, classes = network_of(fixture, case), arguments.pop(case.arguments[0])
    model = roadseg.create(name, classes, **case.options(arguments))
    weights = shared_folder("weights", Path(fixture.meta["weights"]).name)
    assigned = read_weights(model, str(weights), original_of(name))
    assert not assigned.kept
    pixels = fixture.arrays["input/pixels"][None].astype("float32")
    return outputs_of(keras.Model(model.input, {"logits": model.output}), pixels)


@every_fixture
def test_our_normalisation_gives_the_image_that_the_original_was_fed(path):
    fixture = Fixture.load(path)
    kind = "dabnet_cityscapes" if path.stem.startswith("dabnet") else "rgb"
    ours = np.asarray(normalise(fixture.arrays["input/pixels"][None], kind))[0]
    theirs = fixture.meta["input_check"]
    np.testing.assert_allclose(ours.mean(dtype="float64"), theirs["mean"], rtol=1e-5)
    np.testing.assert_allclose(ours.std(dtype="float64"), theirs["std"], rtol=1e-5)
    np.testing.assert_allclose(ours[0, 0], theirs["first_pixel"], rtol=1e-5)
    height, width = ours.shape[:2]
    np.testing.assert_allclose(ours[height // 2, width // 2], theirs["centre_pixel"], rtol=1e-5)


@every_fixture
def test_published_weights_give_the_published_logits(path):
    fixture = Fixture.load(path)
    (logits,) = (output for output in fixture.meta["outputs"] if output["name"] == "logits")
    check(fixture, logits, run(path)["logits"])


@every_fixture
def test_published_weights_give_the_published_labels(path):
    labels = Fixture.load(path).arrays["output/labels"]
    ours = run(path)["logits"][0].argmax(axis=-1)
    assert ours.shape == labels.shape
    assert (ours != labels).mean() <= 1e-5
