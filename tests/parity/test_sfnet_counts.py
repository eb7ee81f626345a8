"""Parameters and multiply-adds of SFSegNets' networks are those counted on its originals."""

from typing import Any, NamedTuple

import keras
import pytest

import roadseg
from roadseg.layers.introspection import count_parameters
from roadseg.models.operation_counts import count_operations
from roadseg.models.sfnet_backbones import BACKBONES
from tests.support import on_tensorflow

SIZES = ((512, 1024), (1024, 2048))
# Counts are the same on every backend.
pytestmark = [on_tensorflow, pytest.mark.usefixtures("kernels_of_zeros")]


class Row(NamedTuple):
    """What was measured on an original, 19 classes; multiply-adds in thousands of millions."""

    network: str
    parameters: int
    """Without those that it never runs."""
    gmacs: tuple[float, ...] = ()
    """At each of `SIZES`, rounded to tenths."""
    options: dict[str, Any] = {}


ROWS = [
    Row("sfnet_resnet18", 12_869_715, (60.7, 243.0)),
    Row("sfnet_resnet18", 13_320_588, options={"auxiliary_heads": True}),
    Row("sfnet_resnet50", 31_325_139, (165.8, 663.3)),
    Row("sfnet_resnet101", 50_317_267, (204.6, 818.5)),
    Row("sfnet_dfnet_v1", 8_422_387, (8.2, 32.7)),
    Row("sfnet_dfnet_v1", 8_498_969, options={"auxiliary_heads": True}),
    Row("sfnet_dfnet_v2", 17_876_467, (20.0, 80.0)),
    Row("sfnet_dfnet_v2", 17_953_049, options={"auxiliary_heads": True}),
    Row("sfnet_stdc1", 5_992_371, (14.9, 59.4)),
    Row("sfnet_stdc2", 10_022_835, (21.5, 85.8)),
    Row("sfnet_lite_resnet18", 12_079_863, (44.5, 177.9)),
    Row("sfnet_lite_stdc1", 6_433_623, (18.5, 74.1)),
    Row("sfnet_lite_stdc2", 10_464_087, (25.1, 100.5)),
    Row("sfnet_lite_stdc2", 10_465_203, options={"gate": "convolution"}),
    Row("fpn_stdc1", 5_976_627),
    Row("fpn_stdc2", 10_007_091),
]
# Backbone: its values, and multiply-adds at 1024x2048.
ALONE = {
    "resnet18": (11_324_992, 135.7),
    "resnet50": (23_631_808, 227.5),
    "resnet101": (42_623_936, 382.6),
    "dfnet_v1": (8_020_128, 31.2),
    "dfnet_v2": (17_474_208, 74.1),
    "stdc1": (5_318_304, 31.5),
    "stdc2": (9_348_768, 57.8),
}


def name_of(row: Row) -> str:
    return "-".join([row.network, *(f"{name}={value}" for name, value in row.options.items())])


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_counts_are_those_of_the_original(row: Row) -> None:
    model = roadseg.create(row.network, 19, **row.options)
    assert count_parameters(model) == row.parameters
    if row.gmacs:
        check(row, model, 1)


@pytest.mark.slow  # the same layers once more
@pytest.mark.parametrize("row", [row for row in ROWS if row.gmacs], ids=name_of)
def test_counts_at_half_the_size_are_those_of_the_original(row: Row) -> None:
    check(row, roadseg.create(row.network, 19, **row.options), 0)


def check(row: Row, model: keras.Model, size: int) -> None:
    counted = count_operations(model, SIZES[size])
    assert counted.macs / 1e9 == pytest.approx(row.gmacs[size], abs=0.0501)
    assert not counted.uncounted


@pytest.mark.parametrize("backbone", ALONE)
def test_a_backbone_alone_has_its_share_of_both(backbone: str) -> None:
    parameters, gmacs = ALONE[backbone]
    images = keras.Input((1024, 2048, 3))
    counted = count_operations(keras.Model(images, BACKBONES[backbone](images)))
    assert counted.parameters == parameters
    assert counted.macs / 1e9 == pytest.approx(gmacs, abs=0.0501)
