"""Networks of Fast_Seg give what the originals gave, to the tolerance of each fixture."""

import json
from math import prod
from typing import NamedTuple

import keras
import pytest

from roadseg.layers.introspection import count_parameters
from roadseg.models.registry import NETWORKS
from tests.parity.fast_seg_cases import CASES
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
from tests.support import Fixture, parity_fixtures

NO_NETWORK = ("fastseg-losses",)
FIXTURES = [
    path for path in parity_fixtures("fastseg-*.npz") if not path.stem.startswith(NO_NETWORK)
]


class Original(NamedTuple):
    """A fixture, our network with its weights, and what that gave."""

    fixture: Fixture
    case: Case
    model: keras.Model
    values: Values


@pytest.fixture(scope="module", params=FIXTURES, ids=lambda path: path.stem)
def original(request) -> Original:
    fixture = Fixture.load(request.param)
    name = constructor(fixture)[0]
    assert name in CASES, f"{fixture.path}: no network answers to {name}"
    model = build(fixture, CASES[name])
    return Original(fixture, CASES[name], model, run(fixture, CASES[name], model))


def test_the_network_agrees_with_the_original(original):
    for output in original.fixture.meta["outputs"]:
        check(original.fixture, output, original.values[output["name"]])


def test_scores_are_the_main_map_enlarged_to_the_image(original):
    size = tuple(original.fixture.meta["input_shape"][2:])
    assert original.values[SCORES].shape[1:3] == size


def test_the_published_count_of_parameters_is_ours_and_what_nothing_depends_on(original):
    fixture = original.fixture
    names = dict(json.loads(str(fixture.arrays["names"])))
    unused = NETWORKS[network_of(fixture, original.case)].unused
    left_out = sum(prod(names[name]) for name in unused if name in names)
    assert count_parameters(original.model) + left_out == fixture.meta["parameters"]
