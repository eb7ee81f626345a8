"""Every test of this folder can build the network 'tiny' by its name, and solves grids roughly."""

from collections.abc import Iterator

import pytest

from roadseg.models.registry import MODELS, ModelSpec
from tests.eval.small_runs import tiny
from tests.support import rough_grids


@pytest.fixture(autouse=True, scope="package")
def tiny_network() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, rough_grids():
        patch.setitem(MODELS, "tiny", ModelSpec(tiny, parameters=0))
        yield
