"""ESPNet with the authors' weights on real frames: their logits and their label maps."""

import ast
from functools import lru_cache
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

import roadseg
from roadseg.errors import RoadsegError
from roadseg.layers.normalisation import normalise
from roadseg.weights.read import original_of, read_weights
from tests.parity.test_networks import check
from tests.parity.torch_networks import outputs_of
from tests.support import Fixture, parity_fixtures, shared_folder

# The fixtures give every weight.
pytestmark = pytest.mark.usefixtures("kernels_of_zeros")

FIXTURES = parity_fixtures("espnet-published-*.npz")
every_fixture = pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
LABEL_MAPS = {"labels": True, "labels_align_corners": True, "labels_half_pixel": "half_pixel"}
"""How the logits behind a label map were enlarged, which matters to the encoder alone."""


def image(fixture: Fixture) -> np.ndarray:
    """Return the frame as the authors' script prepares it: normalised first, then resized."""
    frame = shared_folder("data", "cityscapes_frames", fixture.meta["frame"])
    rgb = cv2.cvtColor(cv2.imread(str(frame)), cv2.COLOR_BGR2RGB)
    normalised = keras.ops.convert_to_numpy(normalise(rgb[None], "espnet_cityscapes"))
    height, width = fixture.meta["input_shape"][2:]
    return cv2.resize(normalised[0], (width, height), interpolation=cv2.INTER_LINEAR)[None]


def network(fixture: Fixture, align_corners: bool | str = True, **options) -> keras.Model:
    """Return our network with the published weights, wired as their shapes say."""
    weights = shared_folder("weights", Path(fixture.meta["weights"]).name)
    call = ast.parse(f"espnet({fixture.meta['constructor']})", mode="eval").body
    arguments = {word.arg: ast.literal_eval(word.value) for word in call.keywords}
    classes = arguments.pop("classes")
    with np.load(weights) as arrays:
        if "conv.conv.weight" in arrays:
            name = "espnet"
            joined = arrays["conv.conv.weight"].shape[1] - classes
            options = {"fusion": {16: "stem", 19: "stem+image"}[joined]} | options
        else:
            name = "espnet_c"
            options = {"align_corners": align_corners} | options
    model = roadseg.create(name, classes, include_preprocessing=False, **arguments, **options)
    assigned = read_weights(model, str(weights), original_of(name))
    assert not assigned.kept and not assigned.left
    return model


@lru_cache
def run(path: Path, align_corners: bool | str = True) -> dict[str, np.ndarray]:
    """Return the classifier's map and the logits at input size, NHWC."""
    fixture = Fixture.load(path)
    model = network(fixture, align_corners)
    last = "classifier" if model.name == "espnet" else "classifier.conv"
    outputs = {"logits": model.get_layer(last).output, "upsampled": model.output}
    return outputs_of(keras.Model(model.input, outputs), image(fixture))


@every_fixture
def test_our_normalisation_gives_the_image_that_the_authors_feed(path):
    fixture = Fixture.load(path)
    ours, theirs = image(fixture)[0], fixture.meta["input_check"]
    height, width = ours.shape[:2]
    np.testing.assert_allclose(ours.mean(dtype="float64"), theirs["mean"], rtol=1e-5)
    np.testing.assert_allclose(ours.std(dtype="float64"), theirs["std"], rtol=1e-5)
    np.testing.assert_allclose(ours[0, 0], theirs["first_pixel"], rtol=1e-5)
    np.testing.assert_allclose(ours[height // 2, width // 2], theirs["centre_pixel"], rtol=1e-5)


@every_fixture
def test_published_weights_give_the_published_logits(path):
    fixture = Fixture.load(path)
    logits = next(output for output in fixture.meta["outputs"] if output["name"] == "logits")
    check(fixture, logits, run(path)["logits"])


@every_fixture
def test_published_weights_give_the_published_label_maps(path):
    fixture = Fixture.load(path)
    maps = [output for output in fixture.meta["outputs"] if output["name"] in LABEL_MAPS]
    assert maps
    for output in maps:
        ours = run(path, LABEL_MAPS[output["name"]])["upsampled"][0].argmax(axis=-1)
        theirs = fixture.arrays[f"output/{output['name']}"]
        assert ours.shape == theirs.shape
        assert (ours != theirs).mean() <= 1e-5, output["name"]


def test_weights_of_the_other_wiring_are_refused_naming_the_layer():
    path = next((path for path in FIXTURES if path.stem == "espnet-published-p2q3"), None)
    if path is None:
        pytest.skip("no espnet-published-p2q3 among the fixtures")
    with pytest.raises(RoadsegError, match=r"espnet_p2_q3_cityscapes.npz: conv.conv.weight"):
        network(Fixture.load(path), fusion="stem+image")
