"""Semantics Sharing's coupled networks give what the originals gave: two images, two maps."""

import json
from math import prod
from pathlib import Path
from typing import NamedTuple

import keras
import pytest

import roadseg
from roadseg.layers.introspection import count_parameters
from roadseg.models.registry import MODELS
from tests.parity.semshare_cases import (
    check,
    computed_in,
    fixtures,
    give_weights,
    kind_of,
    run,
    two_images,
)
from tests.parity.torch_networks import Values
from tests.support import Fixture

# The fixtures give every weight. JAX compiles each of the two for half a minute, and their parts,
# which `test_semshare_networks` compares, are tested on JAX as well.
pytestmark = [pytest.mark.usefixtures("kernels_of_zeros")]
if keras.backend.backend() != "tensorflow":
    pytestmark.append(pytest.mark.slow)

FIXTURES = fixtures("loosely", "tightly")
NETWORK = {"loosely": "semshare_loose", "tightly": "semshare_tight"}
# The flow as the flow network itself gives it.
FLOW = {"loosely": "flow_Network.enlarged", "tightly": "flow_Network.flow"}
LAYERS = {
    "scores_120_16": "head.project",
    "fused_60": "fused_narrow",
    "fused_120": "fused_wide",
    "logits_60": "output.narrow",
    "logits_120": "output.wide",
}
# Names of fusion modules in the original -> the option here.
FUSIONS = {
    "FFM_res": "res",
    "FFM_res131": "res131",
    "FFM_res131_120": "res131",
    "FFM_res_120": "res",
}


class Coupled(NamedTuple):
    """A fixture, our network with its weights, and what that gave."""

    fixture: Fixture
    model: keras.Model
    values: Values


def coupled(path: Path, precision: str = "float32") -> Coupled:
    fixture, kind = Fixture.load(path), kind_of(path)
    arguments = fixture.meta["arguments"]
    with computed_in(precision):
        model = roadseg.create(
            NETWORK[kind],
            arguments["nclass"],
            scale=arguments["scale"],
            narrow_fusion=FUSIONS[arguments["FFM_60"]],
            wide_fusion=FUSIONS[arguments["FFM_120"]],
            include_preprocessing=False,
        )
        give_weights(model, fixture, NETWORK[kind])
        layers = {**LAYERS, "flow": FLOW[kind]}
        names = [output["name"] for output in fixture.meta["outputs"]]
        outputs = {name: model.get_layer(layers[name]).output for name in names}
        values = run(model, two_images(fixture, ("wide", "narrow")), outputs)
    return Coupled(fixture, model, values)


@pytest.fixture(scope="module", params=FIXTURES, ids=lambda path: path.stem)
def original(request) -> Coupled:
    return coupled(request.param)


def test_the_network_agrees_with_the_original(original):
    for output in original.fixture.meta["outputs"]:
        check(original.fixture, output, original.values[output["name"]])


def test_the_published_count_of_parameters_is_ours_and_what_is_never_run(original):
    names = dict(json.loads(str(original.fixture.arrays["names"])))
    unused = MODELS[original.model.name].original.unused_in_original
    left_out = sum(prod(shape) for name, shape in names.items() if name.startswith(unused))
    assert count_parameters(original.model) + left_out == original.fixture.meta["parameters"]


@pytest.mark.slow
@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_the_network_agrees_with_the_original_in_float64_too(path):
    found = coupled(path, "float64")
    for output in found.fixture.meta["outputs"]:
        check(found.fixture, output, found.values[output["name"]], "float64")
