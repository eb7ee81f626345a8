"""Rates that fall step by step and epoch by epoch."""

import pytest

from roadseg.train.optim.schedule import rate_at
from tests.train import tiny


def rates(**changes) -> list[float]:
    recipe = tiny.recipe(steps=12, learning_rate=1.0, power=1.0, **changes)
    return [rate_at(step, recipe) for step in range(12)]


def test_a_rate_that_falls_epoch_by_epoch_is_that_of_the_epoch_s_first_step():
    smooth = rates()
    assert rates(rate_every_steps=4) == [smooth[step // 4 * 4] for step in range(12)]


def test_an_epoch_ahead_the_first_rate_is_left_out_and_the_last_epoch_stands_still():
    found = rates(rate_every_steps=4, rate_ahead=True)
    assert found == pytest.approx([2 / 3] * 4 + [1 / 3] * 4 + [0.0] * 4)


def test_other_schedules_can_fall_epoch_by_epoch_too():
    found = rates(rate_every_steps=4, schedule="halving", halve_every_steps=6)
    assert found == [1.0] * 8 + [0.5] * 4
