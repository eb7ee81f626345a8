"""What is asked of every network that has fixtures: their logits, their size, their parameters."""

import json
from collections.abc import Callable, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import keras
import pytest

from roadseg.layers.introspection import count_parameters
from roadseg.models.registry import MODELS
from tests.parity.test_networks import check
from tests.parity.torch_networks import (
    LOGITS,
    Case,
    Values,
    build,
    constructor,
    network_of,
    run,
)
from tests.support import Fixture


class Original(NamedTuple):
    """A fixture, our network with its weights, and what that gave."""

    fixture: Fixture
    case: Case
    model: keras.Model
    values: Values


def originals(
    paths: Sequence[Path],
    cases: Mapping[str, Case],
    constructor_of: Callable[[Fixture], str] | None = None,
) -> Any:
    """Return a pytest fixture that builds the network of each of `paths` once.

    constructor_of: gives the call that built the original, where `meta` has it in another form.
    """

    @pytest.fixture(scope="module", params=paths, ids=lambda path: path.stem)
    def original(request: pytest.FixtureRequest) -> Original:
        fixture = Fixture.load(request.param)
        if constructor_of:
            fixture.meta["constructor"] = constructor_of(fixture)
        name = constructor(fixture)[0]
        assert name in cases, f"{fixture.path}: no network answers to {name}"
        model = build(fixture, cases[name])
        return Original(fixture, cases[name], model, run(fixture, cases[name], model))

    return original


class AgreesWithOriginals:
    """Tests of the fixture `original` of a module."""

    def test_the_network_agrees_with_the_original(self, original: Original) -> None:
        for output in original.fixture.meta["outputs"]:
            check(original.fixture, output, original.values[output["name"]])

    def test_logits_are_the_main_map_enlarged_to_the_image(self, original: Original) -> None:
        size = tuple(original.fixture.meta["input_shape"][2:])
        assert original.values[LOGITS].shape[1:3] == size


class CountsAsPublished:
    """The same, where the fixture counts parameters that no output depends on too."""

    def test_the_published_count_of_parameters_is_ours_and_what_nothing_depends_on(
        self, original: Original
    ) -> None:
        fixture = original.fixture
        names = dict(json.loads(str(fixture.arrays["names"])))
        unused = MODELS[network_of(fixture, original.case)].original.unused_in_original
        left_out = sum(prod(shape) for name, shape in names.items() if name.startswith(unused))
        assert count_parameters(original.model) + left_out == fixture.meta["parameters"]
