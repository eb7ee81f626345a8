"""Settings of all tests."""

import functools
import gc
import os
import re
import sys
import typing
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


# A worker makes and drops thousands of graphs, each of many objects that point at each other.
# Looking through all of what it holds, again and again, took a tenth of its time.
gc.set_threshold(5_000, 10, 10)
if sys.version_info < (3, 12):  # TensorFlow asks for it all the time, and later ones remember it
    attributes = functools.cache(typing._get_protocol_attrs)  # type: ignore[attr-defined]
    typing._get_protocol_attrs = attributes  # type: ignore[attr-defined]


def pytest_collection_finish() -> None:
    """Look for garbage no more among what was imported and collected."""
    gc.collect()
    gc.freeze()


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


@pytest.fixture(scope="session", autouse=True)
def operations_without_stacks() -> None:
    """Spare a worker's TensorFlow the stack of calls behind each operation: over a hundred deep."""
    if on_tensorflow_worker():
        from tensorflow.python.util import tf_stack

        stack = tf_stack.extract_stack()
        tf_stack.extract_stack = lambda stacklevel=1: stack


@pytest.fixture(scope="module", autouse=True)
def graphs_as_written(request: pytest.FixtureRequest) -> Iterator[None]:
    """Spare TensorFlow the rewriting, for speed, of graphs that run once or twice.

    In the folders whose tests take values from networks. `make test-all` runs them on graphs as
    users have them, and so do the tests of all other folders in either.
    """
    folder = Path(request.node.nodeid).parts[1]
    quick = request.config.getoption("markexpr") == "not slow"
    if not (quick and folder in RUN_ONCE and on_tensorflow_worker()):
        yield
        return
    from tensorflow import config

    config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    yield
    config.optimizer.set_experimental_options({"disable_meta_optimizer": False})


RUN_ONCE = "backbones eval layers losses models ops parity sampling weights".split()


def on_tensorflow_worker() -> bool:
    """Whether this is one of several processes of tests, with Keras on TensorFlow."""
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    return backend == "tensorflow" and "PYTEST_XDIST_WORKER" in os.environ


@pytest.fixture(scope="module")
def kernels_of_zeros() -> Iterator[None]:
    """Build the networks of a module of tests without drawing weights: of counts, names, shapes."""
    with weights_of_zeros():
        yield
