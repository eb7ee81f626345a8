"""Who the workers of a group are, and that signals still reach them."""

import ctypes
import os
import signal
from types import SimpleNamespace
from typing import Any

import pytest

from roadseg.runs.workers import is_chief, own_number, take_sigterm_back, workers


def strategy(jobs: dict[str, list[str]], kind: str, number: int) -> Any:
    spec = SimpleNamespace(as_dict=lambda: jobs)
    resolver = SimpleNamespace(cluster_spec=lambda: spec, task_type=kind, task_id=number)
    return SimpleNamespace(cluster_resolver=resolver)


@pytest.mark.parametrize(
    ("kind", "number", "own", "chief"),
    [("chief", 0, 0, True), ("worker", 0, 1, False), ("worker", 1, 2, False)],
)
def test_a_chief_is_the_first_worker(kind: str, number: int, own: int, chief: bool) -> None:
    one = strategy({"worker": ["b:1", "c:1"], "chief": ["a:1"]}, kind, number)
    assert (own_number(one), is_chief(one)) == (own, chief)
    assert workers(one)[own] == f"{'abc'[own]}:1"


@pytest.mark.parametrize("number", [0, 1])
def test_without_a_chief_the_first_worker_is_it(number: int) -> None:
    one = strategy({"worker": ["a:1", "b:1"]}, "worker", number)
    assert (own_number(one), is_chief(one)) == (number, number == 0)
    alone = SimpleNamespace(cluster_resolver=None)
    assert (workers(alone), own_number(alone), is_chief(alone)) == ([], 0, True)


def test_sigterm_comes_back_from_native_code_that_took_it() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        # As TensorFlow does it: Python still believes that its handler is there.
        ignore = ctypes.c_void_p(1)
        ctypes.CDLL(None).signal(signal.SIGTERM, ignore)
        os.kill(os.getpid(), signal.SIGTERM)
        assert not heard
        take_sigterm_back()
        os.kill(os.getpid(), signal.SIGTERM)
        assert heard == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)
