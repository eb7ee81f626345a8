"""Parameters and multiply-adds of SGCPNet are those of its original."""

from functools import cache
from math import prod

import keras
import pytest

import roadseg
from roadseg.layers.introspection import count_parameters, weights
from roadseg.models.operation_counts import count_operations
from tests.support import on_tensorflow

pytestmark = pytest.mark.usefixtures("kernels_of_zeros")

# Layers, by how their names begin: values in training, 19 classes.
PARTS = {
    "l1.": 464,
    "l2.": 920,
    "l3.": 9_280,
    "l4.": 100_980,
    "l5.": 319_536,
    "conv3/": 1_000,
    "conv4/": 5_488,
    "conv5/": 31_040,
    "sgcp.td_bu.": 118_419,
    "sgcp.td.": 19_464,
    "classifier/": 1_235,
}
TOTALS = {19: 607_826, 11: 607_306}
# Classes, (height, width), multiply-adds of convolutions in thousands of millions.
COSTS = [
    (19, (1024, 2048), 3.275),
    (19, (768, 1536), 1.842),
    (11, (720, 960), 1.080),
    (11, (360, 480), 0.275),
]


@cache
def network(classes: int) -> keras.Model:
    return roadseg.create("sgcpnet", classes)


def test_each_part_has_as_many_values_as_the_originals():
    found = dict.fromkeys(PARTS, 0)
    for path, (_, variable) in weights(network(19)).items():
        if "moving" not in path:
            part = next(part for part in PARTS if path.startswith(part))
            found[part] += prod(variable.shape)
    assert found == PARTS


@pytest.mark.parametrize("classes", TOTALS)
def test_all_parts_together_have_the_published_count(classes):
    assert count_parameters(network(classes)) == TOTALS[classes]


@on_tensorflow  # counts are the same on every backend
@pytest.mark.parametrize(("classes", "size", "gmacs"), COSTS)
def test_multiply_adds_are_those_of_the_original(classes, size, gmacs):
    counted = count_operations(network(classes), size)
    assert counted.macs / 1e9 == pytest.approx(gmacs, abs=6e-4)
    assert not counted.uncounted
