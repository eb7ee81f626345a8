"""Parameters in use and multiply-adds of Semantics Sharing's networks are the originals'."""

from functools import cache
from math import prod
from typing import NamedTuple

import keras
import pytest

import roadseg
from roadseg.models.both_cameras import both_cameras
from roadseg.models.operation_counts import count_operations
from roadseg.models.pwcnet import pwcnet_mobilenet_v3
from tests.support import on_tensorflow

pytestmark = pytest.mark.usefixtures("kernels_of_zeros")

PAIR = (1216, 1920)
CLASSES = 6


class Row(NamedTuple):
    """What was measured on an original: values in use, multiply-adds in thousands of millions."""

    network: str
    parameters: int
    gmacs: float


# SemanticsSharing 9fc1fde in PyTorch; the loosely coupled one with the narrow view's backbone
# stopped where nothing of it is used any more.
ROWS = [
    Row("mobilenet_v3_large", 2_811_998, 16.11),
    Row("mobilenet_v3_small", 1_067_294, 5.69),
    Row("semshare_loose", 6_614_372, 55.03),
    Row("semshare_tight", 4_536_320, 37.25),
]
# Of one part alone: how its layers' names begin, by the network.
MODULES = {
    "mobilenet_v3_large": {
        "pretrained.conv1.": 464,
        "pretrained.layer1.": 8_632,
        "pretrained.layer2.": 50_088,
        "pretrained.layer3.": 1_125_960,
        "pretrained.layer4.": 1_224_544,
        "pretrained.layer5.": 155_520,
        "head.": 246_790,
    },
    "mobilenet_v3_small": {
        "pretrained.conv1.": 464,
        "pretrained.layer1.": 880,
        "pretrained.layer2.": 9_280,
        "pretrained.layer3.": 173_496,
        "pretrained.layer4.": 678_240,
        "pretrained.layer5.": 56_448,
        "head.": 148_486,
    },
    "semshare_loose": {"flow_Network.": 3_754_074, "FFM_60.": 38_554, "FFM_120.": 9_746},
    "semshare_tight": {"flow_Network.": 1_676_022, "FFM_60.": 38_554, "FFM_120.": 9_746},
}


@cache
def network(name: str) -> keras.Model:
    return roadseg.create(name, CLASSES)


def parameters(model: keras.Model, begins: str = "") -> int:
    """Return the trainable values of the layers whose names begin so."""
    own = (v for v in model.trainable_variables if v.path.startswith(begins))
    return sum(prod(variable.shape) for variable in own)


@on_tensorflow  # counts are the same on every backend
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.network)
def test_counts_are_those_of_the_original(row):
    counted = count_operations(network(row.network), PAIR)
    assert counted.parameters == row.parameters
    assert counted.macs / 1e9 == pytest.approx(row.gmacs, abs=0.006)
    assert not counted.uncounted


@on_tensorflow
@pytest.mark.parametrize("name", MODULES)
def test_every_module_has_the_parameters_of_the_original(name):
    found = {begins: parameters(network(name), begins) for begins in MODULES[name]}
    assert found == MODULES[name]


@on_tensorflow
def test_a_network_of_one_view_costs_both_cameras_twice_as_much_and_weighs_the_same():
    counted = count_operations(both_cameras(network("mobilenet_v3_small")), PAIR)
    assert counted.parameters == 1_067_294
    assert counted.macs / 1e9 == pytest.approx(11.38, abs=0.006)


@on_tensorflow
def test_flow_networks_cost_what_the_originals_do_and_their_cost_volumes_are_counted():
    counted = count_operations(roadseg.create("pwcnet"), (486, 768))
    assert counted.parameters == 3_754_074
    assert counted.macs / 1e9 == pytest.approx(17.43 + 0.11, abs=0.01)
    assert parameters(pwcnet_mobilenet_v3()) == 1_676_022
