"""Turns and ratios on clocks that are not real."""

import numpy as np
import pytest

from roadseg.eval.benchmark.race.turns import Lap, Laps, ratio, take_turns


class Clocked:
    """Takes `ms` times what the machine is at, and notes its name."""

    def __init__(self, name: str, ms: float, notes: list[str], machine: list[float]) -> None:
        self.name, self.ms, self.notes, self.machine = name, ms, notes, machine

    def lap(self) -> Lap:
        self.notes.append(self.name)
        ms = self.ms * self.machine[(len(self.notes) - 1) // 3]
        return Lap(ms, 2 * ms, ms / 2)


def test_every_round_has_one_lap_of_each_in_an_order_of_its_own() -> None:
    notes: list[str] = []
    racers = [Clocked(name, 1.0, notes, [1.0] * 40) for name in "abc"]
    told: list[int] = []
    laps = take_turns(racers, 40, say=told.append)
    rounds = ["".join(notes[3 * n : 3 * n + 3]) for n in range(40)]
    assert all(sorted(one) == list("abc") for one in rounds)
    assert len(set(rounds)) == 6
    assert [len(own.laps) for own in laps] == [40] * 3 and told[-1] == 40


def test_a_busy_machine_slows_all_and_changes_no_ratio() -> None:
    machine = list(np.random.default_rng(0).uniform(1, 9, 12))
    notes: list[str] = []
    racers = [Clocked(name, ms, notes, machine) for name, ms in (("a", 10), ("b", 25), ("c", 5))]
    a, b, c = take_turns(racers, 12)
    found = ratio(a.times, b.times)
    assert (found.value, found.low, found.high) == pytest.approx((2.5, 2.5, 2.5))
    assert ratio(a.times, c.times).value == pytest.approx(0.5)
    assert a.median_of("file_ms") == pytest.approx(np.median(10 * np.array(machine)) / 2)


def test_the_interval_is_wide_where_rounds_differ_and_narrow_where_there_are_many() -> None:
    random = np.random.default_rng(1)
    ours = np.full(400, 10.0)
    theirs = 20 * np.exp(random.normal(0, 0.3, 400))
    few, many = ratio(ours[:10], theirs[:10]), ratio(ours, theirs)
    assert few.low < few.value < few.high and many.low < 2 < many.high
    assert many.high / many.low < few.high / few.low
    # The median of a normal sample deviates by 1.25 sigma / sqrt(n); 95 % are 1.96 of these.
    expected = 2 * 1.96 * 1.2533 * 0.3 / np.sqrt(400)
    assert np.log(many.high / many.low) == pytest.approx(expected, rel=0.35)


def test_the_other_way_round_is_the_inverse() -> None:
    random = np.random.default_rng(2)
    one, other = random.uniform(1, 2, 15), random.uniform(2, 3, 15)
    there, back = ratio(one, other), ratio(other, one)
    assert there.value == pytest.approx(1 / back.value)
    assert there.low == pytest.approx(1 / back.high, rel=0.02)


def test_quartiles_are_those_of_the_laps() -> None:
    laps = Laps([Lap(ms, 0.0, 0.0) for ms in (3, 1, 2, 5, 4)])
    assert laps.quartiles() == (2, 3, 4)
