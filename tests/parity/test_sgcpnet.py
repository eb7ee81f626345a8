"""SGCPNet gives what its original gave, whose fixtures have no licence to be in the project."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import keras
import numpy as np
import pytest

from roadseg.layers.introspection import count_parameters
from tests.parity.test_networks import check
from tests.parity.torch_networks import LOGITS, Case, Values, build, run
from tests.support import Fixture, on_tensorflow, parity_fixtures

CASES = {"SGCPNet": Case("sgcpnet", ("num_classes",), {"logits": "classifier"})}
ABSENT = pytest.param(
    None,
    marks=pytest.mark.skip(
        reason="no sgcpnet*.npz in the parity folders (its original has no licence, so they are "
        "not part of the project)"
    ),
)
FIXTURES = parity_fixtures("sgcpnet*.npz") or [ABSENT]


class Original(NamedTuple):
    """A fixture, our network with its weights, and what that gave."""

    fixture: Fixture
    model: keras.Model
    values: Values


def original_in(precision: str, fixture: Fixture) -> Original:
    network, arguments = fixture.meta["network"], fixture.meta["arguments"]
    assert network in CASES, f"{fixture.path}: no network answers to {network}"
    words = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    fixture.meta["constructor"] = f"{network}({words})"
    with policy(precision):
        model = build(fixture, CASES[network])
        return Original(fixture, model, run(fixture, CASES[network], model))


@contextmanager
def policy(precision: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@pytest.fixture(scope="module", params=FIXTURES, ids=lambda path: path and path.stem)
def original(request) -> Original:
    return original_in("float32", Fixture.load(request.param))


def test_the_network_agrees_with_the_original(original):
    for output in original.fixture.meta["outputs"]:
        check(original.fixture, output, original.values[output["name"]])


def test_logits_come_at_the_size_of_the_image(original):
    size = tuple(original.fixture.meta["input_shape"][2:])
    assert original.values[LOGITS].shape[1:3] == size


def test_the_count_of_parameters_is_the_originals(original):
    assert count_parameters(original.model) == original.fixture.meta["parameters"]


@on_tensorflow  # JAX has float64 only where it is told so before it starts
@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path and path.stem)
def test_in_float64_the_difference_is_what_the_original_lost_in_float32(path):
    fixture, _, values = original_in("float64", Fixture.load(path))
    for output in fixture.meta["outputs"]:
        name = output["name"]
        assert values[name].dtype == np.float64
        lost = fixture.meta.get("float32_deviation", {}).get(name)
        if lost is not None:
            fixture.meta["tolerance"] = 5 * lost
        check(fixture, output, values[name])
