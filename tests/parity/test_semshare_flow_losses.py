"""Semantics Sharing's losses of flow networks, on whatever images and flows are stored."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from keras import ops

from roadseg.losses import flow as losses
from roadseg.losses.criteria import Term, mean
from roadseg.ops.flow import warp_by_flow
from tests.support import Fixture, parity_fixtures

Tensor = Any
FIXTURES = [Fixture.load(path) for path in parity_fixtures("semshare-flow-losses*.npz")]
if not FIXTURES:
    pytest.skip(
        "no semshare-flow-losses*.npz: its licence allows research alone, so it lies beside the "
        "project",
        allow_module_level=True,
    )
OUTPUTS = [(fixture, output) for fixture in FIXTURES for output in fixture.meta["outputs"]]


class Case:
    """What one fixture stores, in our layout, and what we make of it."""

    def __init__(self, fixture: Fixture) -> None:
        inputs = {
            key.removeprefix("input/"): ops.convert_to_tensor(array.transpose(0, 2, 3, 1))
            for key, array in fixture.arrays.items()
            if key.startswith("input/")
        }
        self.first, self.second = inputs["images"][..., :3], inputs["images"][..., 3:]
        self.target = inputs["flow_gt"]
        self.flows = [inputs[f"flow{number}"] for number in range(len(inputs) - 2)]
        arguments = fixture.meta["arguments"]
        finest = arguments["levels"] - 1
        self.factors = [2 ** (finest - level) for level in range(arguments["output_level"])] + [1]
        self.weights = arguments["weights"]

    def multi_scale(self) -> list[Term]:
        weights, factors = self.weights, self.factors
        return losses.multi_scale_terms(self.flows, self.target, weights, factors)

    def self_supervised(self) -> list[Term]:
        return losses.self_supervised_terms(self.first, self.second, self.flows[-1])


def unweighted(term: Term) -> Tensor:
    return term.total / term.count


FOUND: dict[str, Callable[[Case], Tensor]] = {
    "self_total": lambda case: mean(case.self_supervised()),
    "self_l1": lambda case: unweighted(case.self_supervised()[0]),
    "self_ssim": lambda case: unweighted(case.self_supervised()[1]),
    "self_smooth": lambda case: mean(losses.smoothness_terms(case.flows[-1], case.first)),
    "epe": lambda case: np.divide(*losses.end_point_error(case.flows[-1], case.target)),
    "l2": lambda case: np.divide(*losses.end_point_error(case.flows[-1], case.target)),
    "multiscale": lambda case: mean(case.multi_scale()),
    "multiscale_epe": lambda case: sum(unweighted(term) for term in case.multi_scale()),
    "multiscale_levels": lambda case: ops.stack([unweighted(term) for term in case.multi_scale()]),
    "ssim_map": lambda case: ops.transpose(
        losses.dissimilarity_map(case.first, case.second), (0, 3, 1, 2)
    ),
}


@pytest.mark.parametrize(
    ("fixture", "output"),
    OUTPUTS,
    ids=lambda value: value.path.stem if isinstance(value, Fixture) else value["name"],
)
def test_a_loss_of_flows_agrees_with_the_original(fixture: Fixture, output: dict) -> None:
    name, stride = output["name"], output["stride"]
    assert name in FOUND, f"{fixture.path}: nothing answers to {name}"
    found = ops.convert_to_numpy(FOUND[name](Case(fixture)))
    found = found[..., ::stride, ::stride] if found.ndim == 4 else found
    expected = fixture.arrays[f"output/{name}"]
    error = np.abs(found.reshape(expected.shape) - expected).max()
    largest = output.get("max") or np.abs(expected).max()
    assert error <= fixture.meta["tolerance"] * largest, f"{error / largest:.2e}"


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda fixture: fixture.path.stem)
def test_the_fixture_tells_the_sign_of_the_warp(fixture: Fixture) -> None:
    case = Case(fixture)
    other = losses.photometric(warp_by_flow(case.first, case.flows[-1]), case.second)
    expected = fixture.arrays["output/self_l1"][0]
    assert abs(float(other[0] / other[1]) - expected) > fixture.meta["tolerance"] * expected
