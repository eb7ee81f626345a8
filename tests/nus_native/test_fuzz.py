"""A few of the calls of `make fuzz`, and those that once showed a fault, without its checks."""

import numpy as np
import pytest

from roadseg import nus_native
from tests.nus_native import fuzz

FIRST = 700_000_000


@pytest.mark.parametrize("part", range(4))
def test_random_calls_answer_as_promised_or_refuse(part: int) -> None:
    first = FIRST + 250 * part
    ended = {fuzz.run(seed, nus_native) for seed in range(first, first + 250)}
    assert len(ended) == 8, "each kind of call is answered and refused"


def test_what_once_showed_a_fault_shows_none() -> None:
    for seed in fuzz.kept_seeds():
        fuzz.run(seed, nus_native)


def test_a_wrong_answer_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nus_native, "interpolate", lambda *_, **__: np.zeros(3))
    with pytest.raises(AssertionError):
        for seed in range(60):
            fuzz.run(seed, nus_native)


def test_arrays_that_lie_beside_their_alignment_give_the_same() -> None:
    room = np.zeros(8 * 60 + 1, np.uint8)[1:]
    scores = room.view(np.float64).reshape(4, 5, 3)
    scores[...] = np.random.default_rng(0).random(scores.shape)
    assert not scores.flags.aligned
    grid = nus_native.uniform_grid((4, 5))
    ours = nus_native.interpolate(scores, grid, (9, 11))
    np.testing.assert_array_equal(ours, nus_native.interpolate(scores.copy(), grid, (9, 11)))
    nearest = scores[..., :2]
    np.testing.assert_array_equal(
        nus_native.solve_grid(nearest), nus_native.solve_grid(nearest.copy())
    )
