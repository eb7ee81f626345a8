"""Five steps of the originals through the project's own training step, in float64.

Keras keeps biased running variances, PyTorch unbiased ones: the fixtures' bounds leave room for it,
and one test corrects it, after which far less room is needed.
"""

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import roadseg
from roadseg.models.registry import MODELS
from roadseg.recipe.recipe import Recipe
from tests.parity.torch_networks import Case, arguments_of, constructor, network_of
from tests.parity.training_cases import (
    TRAINED,
    batch,
    constructor_of,
    has_heads,
    images,
    recipe_of,
)
from tests.parity.weights import layer_variables, listed_name, set_parameters
from tests.support import Fixture, on_tensorflow, parity_fixtures, weights_of_zeros
from tests.weights.originals import in_pytorch

PATHS = [p for system in TRAINED for p in parity_fixtures(f"train-{system}-*.npz")]
every_fixture = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
pytestmark = on_tensorflow


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

    from roadseg.train.devices import precision
    from roadseg.train.optim.schedule import rate_at

    fixture = Fixture.load(path)
    fixture.meta["constructor"] = constructor_of(fixture)
    case = TRAINED[fixture.meta["system"]][0][constructor(fixture)[0]]
    recipe = recipe_of(fixture)
    with precision(recipe.precision):
        model = start(fixture, case)
        step = training_step(recipe, model, fixture.meta.get("class_weights"))
        named = names_of(fixture, case, model)
        before = {name: variable.numpy() for name, (_, variable) in named.items()}
        losses, norms = [], {}
        for number in range(fixture.meta["steps"]):
            rate = tf.constant(rate_at(number, recipe), tf.float64)
            losses.append(float(step(batch(fixture, number), rate)))
            if number == 0:
                norms = gradient_norms(step, named, before)
        values = {
            name: in_pytorch(variable.numpy(), layer, variable.name)
            for name, (layer, variable) in named.items()
        }
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


def start(fixture: Fixture, case: Case) -> keras.Model:
    """Return the network as the original began, without heads that have no loss."""
    arguments = arguments_of(fixture, case)
    classes = arguments.pop(case.arguments[0])
    options = case.options(arguments) | {"include_preprocessing": False}
    if not has_heads(fixture):
        options.pop("auxiliary_heads", None)
    network = network_of(fixture, case)
    with weights_of_zeros():
        model = roadseg.create(network, classes, **options)
    entry = MODELS[network]
    listed = [name for name, _ in json.loads(str(fixture.arrays["names"]))]
    spare = [
        name for name in listed if entry.auxiliary_heads and name.startswith(entry.auxiliary_heads)
    ]
    set_parameters(
        model,
        fixture,
        entry.original.reference_name,
        allowed=[*entry.original.unused_in_original, *spare],
    )
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(np.zeros(layer.moving_mean.shape))
            layer.moving_variance.assign(np.ones(layer.moving_variance.shape))
        if isinstance(layer, keras.layers.Dropout | keras.layers.SpatialDropout2D):
            layer.rate = 0.0
    return model


def training_step(recipe: Recipe, model: keras.Model, class_weights: Any) -> Any:
    """Return the project's training step on one device."""
    import tensorflow as tf

    from roadseg.train.step import TrainingStep

    strategy = tf.distribute.get_strategy()
    return TrainingStep(recipe, model, None, strategy, class_weights=class_weights)


def names_of(fixture: Fixture, case: Case, model: keras.Model) -> dict[str, Any]:
    """Return layer and variable by the original's name."""
    reference_name = MODELS[network_of(fixture, case)].original.reference_name
    return {
        listed_name(reference_name(variable.path)): (layer, variable)
        for layer, variable in layer_variables(model)
    }


def gradient_norms(step: Any, named: dict[str, Any], before: dict[str, Any]) -> dict[str, float]:
    """Return norms of the first gradients: with decay added, what the optimiser keeps."""
    slots = step.optimizer.state()
    norms = {}
    for name, (_, variable) in named.items():
        if variable.path in slots:
            velocity = slots[variable.path].numpy()
            gradient = velocity - step.recipe.optimizer.weight_decay * before[name]
            norms[name] = float(np.linalg.norm(gradient))
    return norms


def logits_layer(fixture: Fixture, case: Case) -> str:
    """Return the name of the layer that the fixture's output is taken from."""
    name = fixture.meta["outputs"][0]["name"]
    return case.outputs.get(name) or next(iter(case.outputs.values()))
