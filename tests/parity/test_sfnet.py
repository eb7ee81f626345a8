"""Networks of SFSegNets give what the originals gave, to the tolerance of each fixture."""

from typing import NamedTuple

import keras
import pytest

from roadseg.layers.introspection import count_parameters
from roadseg.models.registry import NETWORKS
from tests.parity.sfnet_cases import CASES, NO_NETWORK, constructor_of
from tests.parity.test_networks import check
from tests.parity.torch_networks import (
    SCORES,
    Case,
    Values,
    build,
    constructor,
    network_of,
    run,
)
from tests.support import Fixture, on_tensorflow, parity_fixtures

FIXTURES = [path for path in parity_fixtures("sfnet-*.npz") if not path.stem.startswith(NO_NETWORK)]


class Original(NamedTuple):
    """A fixture, our network with its weights, and what that gave."""

    fixture: Fixture
    case: Case
    model: keras.Model
    values: Values


@pytest.fixture(scope="module", params=FIXTURES, ids=lambda path: path.stem)
def original(request) -> Original:
    fixture = Fixture.load(request.param)
    fixture.meta["constructor"] = constructor_of(fixture)
    name = constructor(fixture)[0]
    assert name in CASES, f"{fixture.path}: no network answers to {name}"
    model = build(fixture, CASES[name])
    return Original(fixture, CASES[name], model, run(fixture, CASES[name], model))


def test_the_network_agrees_with_the_original(original):
    for output in original.fixture.meta["outputs"]:
        check(original.fixture, output, original.values[output["name"]])


def test_scores_come_at_the_size_of_the_image(original):
    size = tuple(original.fixture.meta["input_shape"][2:])
    assert original.values[SCORES].shape[1:3] == size


def test_the_count_of_parameters_is_the_originals_without_what_it_never_runs(original):
    meta = original.fixture.meta
    assert count_parameters(original.model) == meta["parameters"]
    never_run = sum(part["parameters"] for part in meta["dropped"])
    assert meta["reference_parameters"] - never_run == meta["parameters"]


def test_what_the_original_never_runs_is_left_out_of_its_checkpoints(original):
    unused = NETWORKS[network_of(original.fixture, original.case)].unused
    for part in original.fixture.meta["dropped"]:
        assert f"{part['prefix']}." in unused


@on_tensorflow
def test_in_float64_nothing_is_left_but_the_rounding_of_the_original(original):
    fixture, noise = original.fixture, original.fixture.meta["float32_noise"]
    if fixture.meta["tolerance"] <= 1e-4:
        pytest.skip("float32 tells faults of wiring from rounding")
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    try:
        values = run(fixture, original.case, build(fixture, original.case))
    finally:
        keras.config.set_dtype_policy(before)
    fixture.meta["tolerance"] = 1.5 * noise
    for output in fixture.meta["outputs"]:
        assert values[output["name"]].dtype == "float64"
        check(fixture, output, values[output["name"]])
