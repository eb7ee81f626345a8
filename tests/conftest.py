"""Settings of all tests."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# Hooks of pytest, which finds them here by their names.
from tests.raised import (  # noqa: F401
    pytest_addoption,
    pytest_configure,
    pytest_sessionfinish,
    pytest_testnodedown,
)
from tests.support import weights_of_zeros

if "PYTEST_XDIST_WORKER" in os.environ:
    # A core each: threads of one worker only take time from the others, and spin while they wait.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")


LEFT_OUT = Path(__file__).parent / "left_to_test_all.txt"


def left_to_test_all(backend: str) -> re.Pattern[str]:
    """Return what matches the ids of tests that are too slow for `make test` on a backend."""
    patterns = []
    for line in LEFT_OUT.read_text(encoding="utf-8").splitlines():
        on, _, rest = line.rpartition(": ")
        if not line.startswith("#") and on in ("", backend):
            patterns.append(".*".join(map(re.escape, rest.split("*"))))
    return re.compile("|".join(patterns))


@pytest.hookimpl(tryfirst=True)  # before pytest leaves marked tests out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the list as slow; those of fixtures of another folder always run."""
    left_out = left_to_test_all(os.environ.get("KERAS_BACKEND", "tensorflow"))
    others_fixtures = "ROADSEG_PARITY_DIR" in os.environ
    for item in items:
        if others_fixtures and item.nodeid.startswith("tests/parity/"):
            continue
        if left_out.fullmatch(item.nodeid):
            item.add_marker(pytest.mark.slow)


def _uniform(rng: np.random.Generator, shape: Any, minval: float = 0.0, maxval: float = 1.0) -> Any:
    return rng.uniform(minval, maxval, shape)


def _truncated_normal(rng: np.random.Generator, shape: Any, lower: float, upper: float) -> Any:
    from scipy.special import ndtr, ndtri

    return ndtri(rng.uniform(ndtr(lower), ndtr(upper), shape))


DRAWS = {
    "normal": np.random.Generator.standard_normal,
    "uniform": _uniform,
    "truncated_normal": _truncated_normal,
}


@pytest.fixture(scope="session", autouse=True)
def first_weights_drawn_by_numpy() -> Iterator[None]:
    """Let NumPy draw the first weights where JAX would: it compiles a program for each shape.

    That was nine tenths of building a network. Draws inside compiled functions stay JAX's.
    """
    if os.environ.get("KERAS_BACKEND") != "jax":
        yield
        return
    import jax

    def with_numpy(original: Callable[..., Any], draw: Callable[..., Any]) -> Callable[..., Any]:
        def drawn(key: Any, shape: Any = (), dtype: Any = float, **bounds: Any) -> Any:
            if isinstance(key, jax.core.Tracer):
                return original(key, shape=shape, dtype=dtype, **bounds)
            values = draw(np.random.default_rng(np.asarray(key)), shape, **bounds)
            return jax.numpy.asarray(np.asarray(values), dtype)

        return drawn

    with pytest.MonkeyPatch.context() as patch:
        for name, draw in DRAWS.items():
            patch.setattr(jax.random, name, with_numpy(getattr(jax.random, name), draw))
        yield


@pytest.fixture(scope="module")
def kernels_of_zeros() -> Iterator[None]:
    """Build the networks of a module of tests without drawing weights: of counts, names, shapes."""
    with weights_of_zeros():
        yield
