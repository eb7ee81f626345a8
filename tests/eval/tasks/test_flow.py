"""Errors of flow over the pixels whose flow is known, whatever marks the others."""

import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from roadseg.eval.results.two_cameras import FlowResult
from roadseg.eval.tasks import flow
from roadseg.recipe.protocol import Protocol

ORIGIN = {"run": "r", "recipe": "flow", "step": 1, "split": "val"}
JOB: Any = SimpleNamespace(
    origin=lambda step: {**ORIGIN, "protocol": Protocol(), "limit": None},
    in_order=lambda measures, _: (measure() for measure in measures),
)


def evaluated(monkeypatch: pytest.MonkeyPatch, *targets: np.ndarray) -> FlowResult:
    """Return the result of a network that finds (1, 0) everywhere."""
    found = np.broadcast_to(np.float32([1, 0]), (1, 2, 3, 2))
    pairs = [flow.FlowPair(str(i), np.zeros(1), np.zeros(1), t) for i, t in enumerate(targets)]
    monkeypatch.setattr(flow, "flow_function", lambda _: lambda *_: (found, np.zeros(2)))
    monkeypatch.setattr(flow, "flow_pairs", lambda _: iter(pairs))
    with warnings.catch_warnings(action="error"):
        return flow._evaluate(JOB, 1, None, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("mark", [1e9, -1e10, np.inf, -np.inf, np.nan])
def test_pixels_of_unknown_flow_count_in_no_error(mark: float, monkeypatch: pytest.MonkeyPatch):
    whole, half = np.zeros((2, 2, 3, 2), np.float32)
    whole[...] = (4, 0)
    half[...] = (1, 1)
    half[0, :, 1] = mark
    result = evaluated(monkeypatch, whole, half)
    assert result.epe == pytest.approx((6 * 3 + 3 * 1) / 9)
    assert [score.epe for score in result.per_image] == [3, 1]


def test_where_no_flow_is_known_there_is_no_error(monkeypatch: pytest.MonkeyPatch):
    unknown = np.full((2, 3, 2), np.nan, np.float32)
    result = evaluated(monkeypatch, unknown, unknown)
    assert np.isnan([result.epe, result.epe_median, result.epe_of_none]).all()
    assert result.main_metric[0] == "photometric"
