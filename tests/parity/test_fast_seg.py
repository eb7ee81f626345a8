"""Networks of Fast_Seg give what the originals gave, to the tolerance of each fixture."""

import json
from math import prod

import pytest

from roadseg.layers.walk import count_parameters
from roadseg.models.registry import NETWORKS
from tests.parity.fast_seg_cases import CASES
from tests.parity.test_networks import check
from tests.parity.torch_networks import build, constructor, image, network_of, run
from tests.support import Fixture, parity_fixtures

NO_NETWORK = ("fastseg-losses",)
FIXTURES = [
    path for path in parity_fixtures("fastseg-*.npz") if not path.stem.startswith(NO_NETWORK)
]
every_fixture = pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)


def case_of(fixture: Fixture):
    name = constructor(fixture)[0]
    assert name in CASES, f"{fixture.path}: no network answers to {name}"
    return CASES[name]


@every_fixture
def test_the_network_agrees_with_the_original(path):
    fixture = Fixture.load(path)
    values = run(fixture, case_of(fixture))
    for output in fixture.meta["outputs"]:
        check(fixture, output, values[output["name"]])


@every_fixture
def test_scores_are_the_main_map_enlarged_to_the_image(path):
    fixture = Fixture.load(path)
    model = build(fixture, case_of(fixture))
    scores = model(image(fixture), training=False)
    scores = scores["scores"] if isinstance(scores, dict) else scores
    assert tuple(scores.shape[1:3]) == tuple(fixture.meta["input_shape"][2:])


@every_fixture
def test_the_published_count_of_parameters_is_ours_and_what_nothing_depends_on(path):
    fixture = Fixture.load(path)
    case = case_of(fixture)
    model = build(fixture, case)
    assert count_parameters(model) + unused_values(fixture, case) == fixture.meta["parameters"]


def unused_values(fixture: Fixture, case) -> int:
    names = dict(json.loads(str(fixture.arrays["names"])))
    unused = NETWORKS[network_of(fixture, case)].unused
    return sum(prod(names[name]) for name in unused if name in names)
