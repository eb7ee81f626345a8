"""Parameters and multiply-adds of Fast_Seg's networks are those counted on its originals."""

from typing import Any, NamedTuple

import pytest

import roadseg
from roadseg.models.operation_counts import count_operations
from tests.support import on_tensorflow

pytestmark = pytest.mark.usefixtures("kernels_of_zeros")

FULL, HALF = (1024, 2048), (512, 1024)


class Row(NamedTuple):
    """What was measured on an original: values, and multiply-adds in thousands of millions."""

    network: str
    options: dict[str, Any]
    parameters: int
    gmacs: dict[tuple[int, int], float]


# Counted on Fast_Seg 7895738 in PyTorch, 19 classes; parameters less those that no output depends
# on. MSFNet has no original: its row is computed from our reading of the paper.
ROWS = [
    Row("icnet", {"auxiliary_heads": True}, 47_489_184, {FULL: 129.143, HALF: 32.431}),
    Row("dfseg_v1", {}, 9_733_659 - 513_000, {FULL: 35.972, HALF: 9.003}),
    Row("dfseg_v2", {}, 19_187_739 - 513_000, {FULL: 92.269, HALF: 23.077}),
    Row("bisenet", {}, 13_042_643, {FULL: 163.584, HALF: 40.896}),
    Row(
        "dfanet",
        {"auxiliary_heads": True},
        2_696_089 - 193_000,
        {FULL: 62.292, HALF: 15.574},
    ),
    Row("dfanet", {}, 1_831_051, {FULL: 7.336, HALF: 1.835}),
    Row("espnet", {"p": 2, "q": 3}, 201_542, {FULL: 13.438, HALF: 3.360}),
    Row("espnet", {"p": 2, "q": 5}, 266_310, {FULL: 15.535, HALF: 3.884}),
    Row("espnet", {"p": 2, "q": 8}, 363_462, {FULL: 18.681, HALF: 4.670}),
    Row("espnet_c", {"p": 5, "q": 3}, 210_889, {FULL: 11.649, HALF: 2.912}),
    Row("swiftnet", {}, 11_803_241 - 595_475, {FULL: 76.659, HALF: 19.165}),
    # Counted without the class layer: normalisation and 1x1 convolution of 128 channels at 1/4.
    Row("swiftnet", {"features": 128}, 11_794_364 + 256 + 129 * 19, {FULL: 103.247 + 0.319}),
    Row("fast_scnn", {}, 1_138_051, {FULL: 6.708, HALF: 1.677}),
    Row("fast_scnn", {"auxiliary_heads": True}, 1_176_278, {FULL: 7.956, HALF: 1.989}),
    Row("pspnet_50", {}, 51_445_222 - 4_729_875, {FULL: 1489.247, HALF: 376.474}),
    Row("pspnet_101", {}, 70_437_350 - 4_729_875, {FULL: 2117.162, HALF: 535.285}),
    Row("msfnet", {"auxiliary_heads": True}, 14_764_071, {FULL: 95.761}),
]


def name_of(row: Row) -> str:
    return "-".join([row.network, *(f"{name}={value}" for name, value in row.options.items())])


@on_tensorflow  # counts are the same on every backend
@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_counts_are_those_of_the_original(row):
    check(row, FULL)


@pytest.mark.slow  # the same layers once more
@on_tensorflow
@pytest.mark.parametrize("row", [row for row in ROWS if HALF in row.gmacs], ids=name_of)
def test_counts_at_half_the_size_are_those_of_the_original(row):
    check(row, HALF)


def check(row: Row, size: tuple[int, int]) -> None:
    counted = count_operations(roadseg.create(row.network, 19, **row.options), size)
    assert counted.macs / 1e9 == pytest.approx(row.gmacs[size], rel=1e-3)
    assert counted.parameters == row.parameters
    assert not counted.uncounted
