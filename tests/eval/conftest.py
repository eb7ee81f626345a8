"""Every test of this folder can build the network 'tiny' by its name."""

import pytest

from roadseg.models.registry import NETWORKS, Network
from tests.eval.small_runs import tiny


@pytest.fixture(autouse=True)
def tiny_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NETWORKS, "tiny", Network(tiny, str, parameters=0))
