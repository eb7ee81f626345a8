"""Our networks give what the originals gave, to the tolerance of each fixture."""

import keras
import numpy as np
import pytest

from roadseg.models import slim_names
from roadseg.models.deeplabv3_mobilenet_v2 import deeplabv3_mobilenet_v2
from roadseg.models.nus_sampler import nus_sampler
from tests.parity.weights import set_parameters
from tests.support import Fixture, load_rule, parity_fixtures

# The fixtures give every weight.
pytestmark = pytest.mark.usefixtures("kernels_of_zeros")

DEEPLAB = parity_fixtures("nus-deeplab-mnv2*.npz")
AUXILIARY = parity_fixtures("nus-aux*.npz")


@pytest.mark.parametrize("path", DEEPLAB, ids=lambda path: path.stem)
def test_deeplabv3_mobilenet_v2_agrees_with_the_original(path):
    fixture = Fixture.load(path)
    multiplier = fixture.meta["constructor"]["depth_multiplier"]
    cases = {}
    for output in fixture.meta["outputs"]:
        cases.setdefault(output["name"].split("/")[0], []).append(output)
    for outputs in cases.values():
        model = deeplabv3_mobilenet_v2(
            fixture.meta["constructor"]["num_classes"],
            output_stride=outputs[0]["output_stride"],
            depth_multiplier=multiplier,
            include_preprocessing=False,
        )
        set_parameters(model, fixture, slim_names.reference_name)
        layers = {
            "upsampled": "output.logits",
            "logits": "logits",
            "head": "head",
            "backbone": "backbone",
        }
        image = image_of(fixture, outputs[0])
        values = run_layers(model, image, layers)
        for output in outputs:
            kind = output["name"].split("/")[1]
            if kind == "labels":
                check_labels(fixture, output, values["upsampled"])
            else:
                check(fixture, output, values[kind])


@pytest.mark.parametrize("path", AUXILIARY, ids=lambda path: path.stem)
def test_auxiliary_network_agrees_with_the_original(path):
    fixture = Fixture.load(path)
    constructor = fixture.meta["constructor"]
    model = nus_sampler(
        input_size=tuple(fixture.meta["input_shape"][2:]),
        output_stride=constructor["output_stride"],
        depth_multiplier=constructor["depth_multiplier"],
        include_preprocessing=False,
    )
    set_parameters(model, fixture, slim_names.sampler_reference_name)
    image = image_of(fixture, fixture.meta["outputs"][0])
    layers = {"sampling": "mean_locations", "shifts": "shifts", "backbone": "backbone"}
    values = run_layers(model, image, layers)
    for output in fixture.meta["outputs"]:
        if output["name"] in values:
            check(fixture, output, values[output["name"]])


@pytest.mark.parametrize("path", DEEPLAB + AUXILIARY, ids=lambda path: path.stem)
def test_variables_have_the_shapes_and_names_of_the_checkpoint(path):
    fixture = Fixture.load(path)
    constructor = fixture.meta["constructor"]
    if path in DEEPLAB:
        model = deeplabv3_mobilenet_v2(
            constructor["num_classes"], depth_multiplier=constructor["depth_multiplier"]
        )
        reference_name = slim_names.reference_name
    else:
        size = tuple(fixture.meta["input_shape"][2:])
        stride = constructor["output_stride"]
        model = nus_sampler(size, stride, constructor["depth_multiplier"])
        reference_name = slim_names.sampler_reference_name
    ours = {
        reference_name(variable.path): list(variable.shape)
        for variable in model.weights
        if "seed_generator" not in variable.path
    }
    assert ours == dict(fixture.meta["tf_names"])
    trainable = [reference_name(variable.path) for variable in model.trainable_weights]
    assert sorted(trainable) == sorted(fixture.meta["trainable"])
    count = sum(int(np.prod(variable.shape)) for variable in model.trainable_weights)
    assert count == fixture.meta["parameters"]


def run_layers(model: keras.Model, image: np.ndarray, layers: dict[str, str]) -> dict:
    """Return the outputs of the named layers, NHWC, for an NCHW image."""
    outputs = {key: model.get_layer(name).output for key, name in layers.items()}
    run = keras.Model(model.input, outputs)
    values = run(image.transpose(0, 2, 3, 1), training=False)
    return {key: keras.ops.convert_to_numpy(value) for key, value in values.items()}


def image_of(fixture: Fixture, output: dict) -> np.ndarray:
    """Return the NCHW input of one output: stored, or made by the rule at the size it names."""
    if "input" in fixture.arrays:
        return fixture.arrays["input"]
    height, width = fixture.meta["input_shape"][2:]
    made = {"height": height, "width": width, "salt": fixture.meta["salt"]} | output.get(
        "input", {}
    )
    return load_rule().image(made["height"], made["width"], 3, made["salt"])


def stored(fixture: Fixture, output: dict, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return NHWC `value` as the fixture stores it, NCHW and thinned out, and the stored array."""
    ours = value.transpose(0, 3, 1, 2)
    assert ours.shape[2:] == tuple(output["shape"][2:])
    return ours[:, :, :: output["stride"], :: output["stride"]], fixture.arrays[
        f"output/{output['name']}"
    ]


def check(fixture: Fixture, output: dict, value: np.ndarray) -> None:
    """Compare relative to the largest magnitude of the whole output."""
    ours, theirs = stored(fixture, output, value)
    assert ours.shape == theirs.shape
    error = np.abs(ours - theirs).max() / output.get("max", np.abs(theirs).max())
    assert error <= fixture.meta.get("tolerance", 1e-4), f"{output['name']}: {error:.2e}"


def check_labels(fixture: Fixture, output: dict, logits: np.ndarray) -> None:
    """Compare the best classes, wherever the two best logits are apart by what is tolerated."""
    ours, theirs = stored(fixture, output, logits)
    second, first = np.sort(ours, axis=1)[:, -2:].swapaxes(0, 1)
    close = first - second <= 2 * fixture.meta.get("tolerance", 1e-4) * np.abs(ours).max()
    wrong = ours.argmax(axis=1) != theirs[:, 0]
    assert close.mean() < 0.01
    assert not (wrong & ~close).any()
