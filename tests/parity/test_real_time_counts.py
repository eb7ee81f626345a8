"""Parameters, statistics and multiply-adds of PIDNet, DDRNet, ESPNetv2 and DABNet."""

from typing import Any, NamedTuple

import pytest

import roadseg
from roadseg.models.operation_counts import count_operations
from tests.support import DEEPER_COPIES, on_tensorflow

pytestmark = pytest.mark.usefixtures("kernels_of_zeros")

FULL, HALF, CAMVID = (1024, 2048), (512, 1024), (720, 960)
HEADS = {"auxiliary_heads": True}


class Row(NamedTuple):
    """What was counted on an original: values, and multiply-adds in thousands of millions."""

    network: str
    classes: int
    options: dict[str, Any]
    parameters: int
    gmacs: dict[tuple[int, int], float]
    statistics: int | None = None


# Counted on Reagan1311/DABNet b8d62fe, ydhongHIT/DDRNet de0db31, sacmehta/EdgeNets 2b232d3 and
# XuJiacong/PIDNet 4c158cf in PyTorch.
ROWS = [
    Row("dabnet", 19, {}, 756_643, {FULL: 40.882, HALF: 10.220}, 9_106),
    Row("ddrnet_23_slim", 19, {}, 5_695_987, {FULL: 36.281}, 19_840),
    Row("ddrnet_23_slim", 19, HEADS, 5_734_342, {FULL: 37.529}),
    Row("ddrnet_23_slim", 11, {}, 5_695_467, {CAMVID: 12.009}),
    Row("ddrnet_23", 19, {}, 20_148_947, {FULL: 143.061}, 37_376),
    Row("ddrnet_23", 19, HEADS, 20_299_366, {FULL: 147.972}),
    Row("ddrnet_23", 11, {}, 20_147_915, {CAMVID: 47.341}),
    # Parameters less the slopes that no output depends on.
    Row("espnetv2", 20, {"s": 0.5}, 80_342 - 112, {FULL: 2.385, HALF: 0.596}, 7_322),
    Row("espnetv2", 20, {"s": 1.0}, 234_010 - 224, {FULL: 4.341, HALF: 1.085}, 13_202),
    Row("espnetv2", 20, {"s": 1.25}, 343_106 - 288, {FULL: 5.636, HALF: 1.409}, 16_162),
    Row("espnetv2", 20, {"s": 1.5}, 468_362 - 352, {FULL: 6.853, HALF: 1.713}, 19_122),
    Row("espnetv2", 20, {"s": 2.0}, 789_242 - 480, {FULL: 10.791, HALF: 2.698}, 25_042),
    Row("pidnet_s", 19, {}, 7_625_715, {FULL: 47.194}, 24_256),
    Row("pidnet_s", 19, HEADS, 7_720_935, {FULL: 50.295}),
    Row("pidnet_s", 11, {}, 7_624_683, {CAMVID: 15.622}),
    Row("pidnet_m", 19, {}, 28_538_515, {FULL: 177.329}, 46_528),
    Row("pidnet_m", 19, HEADS, 28_763_111, {FULL: 184.658}),
    Row("pidnet_m", 11, {}, 28_537_483, {CAMVID: 58.732}),
    Row("pidnet_l", 19, {}, 36_939_571, {FULL: 274.934}, 51_424),
    Row("pidnet_l", 19, HEADS, 37_314_311, {FULL: 287.175}),
    Row("pidnet_l", 11, {}, 36_937_515, {CAMVID: 90.963}),
]


# Between the widths that were published with weights: as they are, and each takes ten seconds.
# The larger ones with other classes: as with 19, but for one convolution.
SELDOM = [
    row
    for row in ROWS
    if row.options.get("s") in (1.0, 1.25, 1.5)
    or (row.classes == 11 and row.network in DEEPER_COPIES)
]


def name_of(row: Row) -> str:
    options = [f"{name}={value}" for name, value in row.options.items()]
    return "-".join([row.network, str(row.classes), *options])


@on_tensorflow  # counts are the same on every backend
@pytest.mark.parametrize(
    "row",
    [pytest.param(row, marks=pytest.mark.slow if row in SELDOM else ()) for row in ROWS],
    ids=map(name_of, ROWS),
)
def test_counts_are_those_of_the_original(row):
    model = roadseg.create(row.network, row.classes, **row.options)
    for size, gmacs in row.gmacs.items():
        counted = count_operations(model, size)
        assert counted.macs / 1e9 == pytest.approx(gmacs, rel=1e-3)
        assert counted.parameters == row.parameters
        assert not counted.uncounted
    if row.statistics is not None:
        moving = [v for v in model.non_trainable_variables if "moving" in v.path]
        assert sum(v.shape[0] for v in moving) == row.statistics
