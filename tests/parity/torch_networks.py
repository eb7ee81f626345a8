"""Runs our networks as fixtures of PyTorch originals say: arguments, weights, outputs."""

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

import roadseg
from roadseg.models.registry import MODELS
from tests.parity.weights import set_parameters
from tests.support import Fixture, load_rule, weights_of_zeros

Values = dict[str, np.ndarray]
LOGITS = "logits at input size"


@dataclass(frozen=True)
class Case:
    """How an original's constructor becomes a network of ours, and its outputs layers of it."""

    network: str | Callable[[dict[str, Any]], str]
    """Name in the registry, or what gives it from the original's arguments."""
    arguments: tuple[str, ...]
    """Names of the original's arguments, in order."""
    outputs: dict[str, str]
    """Layer of ours by the fixture's name of an output."""
    options: Callable[[dict[str, Any]], dict[str, Any]] = lambda arguments: {}
    """Our options, from the original's arguments (that of classes excepted)."""
    finish: dict[str, Callable[[np.ndarray], np.ndarray]] = field(default_factory=dict)
    """What is still done to an output (NHWC) before it is compared."""


def constructor(fixture: Fixture) -> tuple[str, list[Any], dict[str, Any]]:
    """Return name, positional and keyword arguments of the original's constructor."""
    call = ast.parse(fixture.meta["constructor"], mode="eval").body
    assert isinstance(call, ast.Call)
    keywords = {word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg}
    return ast.unparse(call.func), [ast.literal_eval(value) for value in call.args], keywords


def arguments_of(fixture: Fixture, case: Case) -> dict[str, Any]:
    """Return the arguments of the original's constructor by name."""
    _, positional, keywords = constructor(fixture)
    return dict(zip(case.arguments, positional, strict=False)) | keywords


def network_of(fixture: Fixture, case: Case) -> str:
    """Return the name in the registry."""
    if isinstance(case.network, str):
        return case.network
    return case.network(arguments_of(fixture, case))


def build(fixture: Fixture, case: Case) -> keras.Model:
    """Return our network with the fixture's weights, every one of which is accounted for."""
    arguments = arguments_of(fixture, case)
    network = network_of(fixture, case)
    classes = arguments.pop(case.arguments[0])
    options = {"include_preprocessing": False} | case.options(arguments)
    with weights_of_zeros():
        model = roadseg.create(network, classes, **options)
    entry = MODELS[network]
    set_parameters(
        model, fixture, entry.original.reference_name, allowed=entry.original.unused_in_original
    )
    return model


def run(fixture: Fixture, case: Case, model: keras.Model) -> Values:
    """Return our outputs, NHWC, by the fixture's names; LOGITS is the main one at input size."""
    main = model.output["logits"] if isinstance(model.output, dict) else model.output
    names = [output["name"] for output in fixture.meta["outputs"]]
    layers = {name: model.get_layer(case.outputs[name]).output for name in names}
    values = outputs_of(keras.Model(model.input, {**layers, LOGITS: main}), image(fixture))
    return {name: case.finish.get(name, lambda x: x)(value) for name, value in values.items()}


def outputs_of(model: keras.Model, images: np.ndarray) -> Values:
    """Return the outputs of a model that gives a dict, in inference."""
    if keras.backend.backend() == "jax":
        return model.predict_on_batch(images)  # compiled once, not layer by layer
    found = model(images, training=False)
    return {name: keras.ops.convert_to_numpy(value) for name, value in found.items()}


def image(fixture: Fixture) -> np.ndarray:
    """Return the fixture's input, NHWC: stored, or made by the rule."""
    if "input" in fixture.arrays:
        return fixture.arrays["input"].transpose(0, 2, 3, 1)
    _, channels, height, width = fixture.meta["input_shape"]
    made = load_rule().image(height, width, channels, fixture.meta["salt"])
    return np.asarray(made).reshape(1, channels, height, width).transpose(0, 2, 3, 1)
