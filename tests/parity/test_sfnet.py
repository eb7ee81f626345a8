"""Networks of SFSegNets give what the originals gave, to the tolerance of each fixture."""

import keras
import pytest

from roadseg.layers.introspection import count_parameters
from roadseg.models.registry import MODELS
from tests.parity.originals import AgreesWithOriginals, originals
from tests.parity.sfnet_cases import CASES, NO_NETWORK, constructor_of
from tests.parity.test_networks import check
from tests.parity.torch_networks import build, network_of, run
from tests.support import on_tensorflow, parity_fixtures

FIXTURES = [path for path in parity_fixtures("sfnet-*.npz") if not path.stem.startswith(NO_NETWORK)]

original = originals(FIXTURES, CASES, constructor_of)


class TestSFNet(AgreesWithOriginals):
    """Each network agrees."""


def test_the_count_of_parameters_is_the_originals_without_what_it_never_runs(original):
    meta = original.fixture.meta
    assert count_parameters(original.model) == meta["parameters"]
    never_run = sum(part["parameters"] for part in meta["dropped"])
    assert meta["reference_parameters"] - never_run == meta["parameters"]


def test_what_the_original_never_runs_is_left_out_of_its_checkpoints(original):
    unused = MODELS[network_of(original.fixture, original.case)].original.unused_in_original
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
