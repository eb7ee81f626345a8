"""Every test of this folder can build the network 'tiny' by its name, and solves grids roughly."""

from collections.abc import Iterator

import pytest

from roadseg.models.registry import NETWORKS, Network
from tests.eval.small_runs import tiny
from tests.support import rough_grids


@pytest.fixture(autouse=True, scope="package")
def tiny_network() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, rough_grids():
        patch.setitem(NETWORKS, "tiny", Network(tiny, str, parameters=0))
        yield
