"""On Keras's other backend one case of each test of sampling is enough for `make test-jax`."""

from pathlib import Path

import keras
import pytest


@pytest.hookimpl(tryfirst=True)  # before pytest leaves marked tests out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave all cases but the first of each test to `make test-all`, where JAX computes.

    Whether a backend computes another thing shows in any case; cases are there for our own
    arithmetic, which is the same, and compiling each shape takes most of the time.
    """
    if keras.backend.backend() == "tensorflow":
        return
    seen: set[str] = set()
    for item in items:
        if Path(__file__).parent in item.path.parents:
            test = item.nodeid.partition("[")[0]
            if test in seen:
                item.add_marker(pytest.mark.slow)
            seen.add(test)
