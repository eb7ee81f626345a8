"""Five steps of the originals through the project's own training step, in float64.

Keras keeps biased running variances, PyTorch unbiased ones: the fixtures' bounds leave room for it,
and one test corrects it, after which far less room is needed.
"""

import json
import math
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import roadseg
from roadseg.models.registry import NETWORKS
from roadseg.recipe import Recipe
from roadseg.weights.layouts import pytorch_shape
from tests.parity.torch_networks import Case, arguments_of, constructor, network_of
from tests.parity.training_cases import TRAINED, constructor_of
from tests.parity.weights import layer_variables, listed_name, set_parameters
from tests.support import Fixture, load_rule, on_tensorflow, parity_fixtures

PATHS = [p for system in TRAINED for p in parity_fixtures(f"train-{system}-*.npz")]
every_fixture = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
pytestmark = on_tensorflow

DATA = (
    "step t, image i: rule.image(h, w, 3, f'{salt}step{t}image{i}'); "
    "label of an image x (3, h, w): "
    "clip(floor((x[0] + 2) / 4 * CLASSES), 0, LAST), 255 where x[2] > 1.5"
)
OPTIMISER = re.compile(
    r"SGD, momentum (?P<momentum>\S+) \(velocity = \S+ velocity \+ gradient; weight -= rate "
    r"\* velocity\), weight decay (?P<weight_decay>\S+) added to the gradient of every parameter, "
    r"rate (?P<learning_rate>\S+) \* \(1 - t / (?P<steps>\d+)\) \*\* (?P<power>[\d.]+), "
)


@dataclass
class Trained:
    """What came of the fixture's steps here, by the original's names."""

    fixture: Fixture
    losses: list[float]
    gradient_norms: dict[str, float]
    values: dict[str, np.ndarray]
    """Weights and statistics after the last step, in the original's layout."""
    logits: np.ndarray
    corrected_logits: np.ndarray
    """With running variances as PyTorch keeps them."""


@every_fixture
def test_losses_of_every_step_are_those_of_the_original(path: Path) -> None:
    ours = trained(path)
    meta = ours.fixture.meta
    np.testing.assert_allclose(
        ours.losses, meta["losses"], rtol=0, atol=meta["tolerance"]["losses"]
    )


@every_fixture
def test_first_gradients_have_the_norms_of_the_original(path: Path) -> None:
    ours = trained(path)
    theirs = ours.fixture.meta["gradient_norms"]
    assert set(ours.gradient_norms) == set(theirs)
    tolerance = ours.fixture.meta["tolerance"]["after"]
    # Biases before a normalisation have none but rounding, 1e-18; hence the largest.
    floor = 1e-6 * max(theirs.values())
    for name, norm in theirs.items():
        assert abs(ours.gradient_norms[name] - norm) <= tolerance * norm + floor, name


@every_fixture
def test_weights_and_statistics_after_training_are_those_of_the_original(path: Path) -> None:
    ours = trained(path)
    after = [key for key in ours.fixture.arrays if key.startswith("after/")]
    assert after
    for key in after:
        values = ours.values[key.removeprefix("after/")]
        theirs = ours.fixture.arrays[key]
        error = np.abs(values - theirs).max() / np.abs(theirs).max()
        assert error <= ours.fixture.meta["tolerance"]["after"], f"{key}: {error:.2e}"


@every_fixture
def test_logits_after_training_are_those_of_the_original(path: Path) -> None:
    ours = trained(path)
    tolerance = ours.fixture.meta["tolerance"]["logits"]
    assert logits_error(ours.fixture, ours.logits) <= tolerance


@every_fixture
def test_unbiased_variances_leave_nothing_between_our_logits_and_the_original(path: Path) -> None:
    ours = trained(path)
    assert logits_error(ours.fixture, ours.corrected_logits) <= 1e-6


def logits_error(fixture: Fixture, logits: np.ndarray) -> float:
    """Return the largest difference from the stored logits, relative to the largest of those."""
    (output,) = fixture.meta["outputs"]
    found = logits.transpose(0, 3, 1, 2)
    assert found.shape == tuple(output["shape"])
    found = found[:, :, :: output["stride"], :: output["stride"]]
    theirs = fixture.arrays[f"output/{output['name']}"]
    return float(np.abs(found - theirs).max() / output.get("max", np.abs(theirs).max()))


@cache
def trained(path: Path) -> Trained:
    """Return the network after the fixture's steps through `TrainingStep`."""
    import tensorflow as tf

    from roadseg.train.loop import precision
    from roadseg.train.schedule import rate_at

    fixture = Fixture.load(path)
    fixture.meta["constructor"] = constructor_of(fixture)
    case = TRAINED[fixture.meta["system"]][0][constructor(fixture)[0]]
    recipe = recipe_of(fixture)
    with precision(recipe.precision):
        model = start(fixture, case)
        step = training_step(recipe, model)
        named = names_of(fixture, case, model)
        before = {name: variable.numpy() for name, (_, variable) in named.items()}
        losses, norms = [], {}
        for number in range(fixture.meta["steps"]):
            rate = tf.constant(rate_at(number, recipe), tf.float64)
            losses.append(float(step(batch(fixture, number), rate)))
            if number == 0:
                norms = gradient_norms(step, named, before)
        values = {name: to_pytorch(variable, layer) for name, (layer, variable) in named.items()}
        logits = infer(fixture, case, model)
        unbias(model, batch(fixture, 0)["image"], fixture.meta["steps"])
        corrected = infer(fixture, case, model)
    return Trained(fixture, losses, norms, values, logits, corrected)


def infer(fixture: Fixture, case: Case, model: keras.Model) -> np.ndarray:
    """Return the logits, NHWC, in inference mode, on the fixture's image."""
    output = model.get_layer(logits_layer(fixture, case)).output
    image = keras.ops.convert_to_tensor(images(fixture, [fixture.meta["salt"]]), "float64")
    logits = keras.Model(model.input, output)(image, training=False)
    assert logits.dtype == fixture.meta["compare_in"] == "float64"
    return keras.ops.convert_to_numpy(logits)


def unbias(model: keras.Model, batch: Any, steps: int) -> None:
    """Turn running variances, 1 at the start, into those of unbiased batch variances.

    A batch of n values a channel has n / (n - 1) times its biased variance.
    """
    norms = [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    maps = keras.Model(model.input, [layer.output for layer in norms])(batch)
    for layer, found in zip(norms, maps, strict=True):
        count = math.prod(found.shape[:-1])
        start = layer.momentum**steps
        learned = layer.moving_variance.numpy() - start
        layer.moving_variance.assign(start + learned * count / (count - 1))


def recipe_of(fixture: Fixture) -> Recipe:
    """Return the recipe that `meta` describes; fail where it describes another kind of training."""
    meta = fixture.meta
    found = OPTIMISER.match(meta["optimiser"])
    assert found, f"{fixture.path}: another optimiser: {meta['optimiser']}"
    numbers: dict[str, Any] = {name: float(value) for name, value in found.groupdict().items()}
    assert meta["loss"].startswith("mean cross entropy over pixels that are not 255, main logits")
    return Recipe(
        name="parity",
        task="segmentation",
        source=meta["source"],
        crop_size=tuple(meta["input_shape"][2:]),
        batch_size=meta["input_shape"][0],
        precision="float64",
        loss="cross_entropy",
        weight_decay_on="all",
        **{**numbers, "steps": int(numbers["steps"])},
    )


def start(fixture: Fixture, case: Case) -> keras.Model:
    """Return the network as the original began, without the heads that have no loss."""
    arguments = arguments_of(fixture, case)
    classes = arguments.pop(case.arguments[0])
    options = case.options(arguments) | {"include_preprocessing": False}
    options.pop("auxiliary_heads", None)
    network = network_of(fixture, case)
    model = roadseg.create(network, classes, **options)
    entry = NETWORKS[network]
    listed = [name for name, _ in json.loads(str(fixture.arrays["names"]))]
    spare = [name for name in listed if entry.auxiliary and name.startswith(entry.auxiliary)]
    set_parameters(model, fixture, entry.reference_name, allowed=[*entry.unused, *spare])
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(np.zeros(layer.moving_mean.shape))
            layer.moving_variance.assign(np.ones(layer.moving_variance.shape))
        if isinstance(layer, keras.layers.Dropout | keras.layers.SpatialDropout2D):
            layer.rate = 0.0
    return model


def training_step(recipe: Recipe, model: keras.Model) -> Any:
    """Return the project's training step on one device."""
    import tensorflow as tf

    from roadseg.train.step import TrainingStep

    return TrainingStep(recipe, model, None, tf.distribute.get_strategy())


def names_of(fixture: Fixture, case: Case, model: keras.Model) -> dict[str, Any]:
    """Return layer and variable by the original's name."""
    reference_name = NETWORKS[network_of(fixture, case)].reference_name
    return {
        listed_name(reference_name(variable.path)): (layer, variable)
        for layer, variable in layer_variables(model)
    }


def to_pytorch(variable: keras.Variable, layer: keras.layers.Layer) -> np.ndarray:
    """Return the values of `variable` in PyTorch's layout: the inverse of `from_pytorch`."""
    values, shape = variable.numpy(), pytorch_shape(variable, layer)
    if len(shape) == 4:
        depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
        values = values.transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1))
    return (values.T if len(shape) == 2 else values).reshape(shape)


def gradient_norms(step: Any, named: dict[str, Any], before: dict[str, Any]) -> dict[str, float]:
    """Return norms of the first gradients: with decay added, what the optimiser keeps."""
    slots = step.optimizer.state()
    norms = {}
    for name, (_, variable) in named.items():
        if variable.path in slots:
            velocity = slots[variable.path].numpy()
            gradient = velocity - step.recipe.weight_decay * before[name]
            norms[name] = float(np.linalg.norm(gradient))
    return norms


def batch(fixture: Fixture, step: int) -> dict[str, Any]:
    """Return images and labels of one step as the fixture's `data` says."""
    import tensorflow as tf

    meta = fixture.meta
    form = DATA.replace("CLASSES", str(meta["classes"])).replace("LAST", str(meta["classes"] - 1))
    assert meta["data"] == form, f"{fixture.path}: other data"
    salts = [f"{meta['salt']}step{step}image{i}" for i in range(meta["input_shape"][0])]
    made = images(fixture, salts)
    # In float32, as the original's: in float64 a pixel in a million gets another class.
    labels = np.clip(np.floor((made[..., 0] + 2) / 4 * meta["classes"]), 0, meta["classes"] - 1)
    labels = np.where(made[..., 2] > 1.5, 255, labels)
    return {"image": tf.constant(made, tf.float64), "label": tf.constant(labels.astype(np.uint8))}


def images(fixture: Fixture, salts: list[str]) -> np.ndarray:
    """Return the rule's images of these salts, NHWC."""
    _, channels, height, width = fixture.meta["input_shape"]
    made = [load_rule().image(height, width, channels, salt) for salt in salts]
    return np.concatenate(made).transpose(0, 2, 3, 1)


def logits_layer(fixture: Fixture, case: Case) -> str:
    """Return the name of the layer that the fixture's output is taken from."""
    name = fixture.meta["outputs"][0]["name"]
    return case.outputs.get(name) or next(iter(case.outputs.values()))
