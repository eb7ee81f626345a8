"""Times several ways to label one image in turns, and compares them with an interval."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

LEAST_ROUNDS = 5
"""Below this an interval says nothing."""
RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Lap:
    """One image, from uint8 RGB to the labels of every pixel."""

    ms: float
    cpu_ms: float
    """Processor time over all threads."""
    file_ms: float
    """The part of `ms` spent in the network's own file or graph."""


class Racer(Protocol):
    """Something that labels the image that it was given when it was made."""

    def lap(self) -> Lap:
        """Label the image once."""
        ...


@dataclass(frozen=True)
class Ratio:
    """How many times as fast as another: the other's time over this one's."""

    value: float
    """Median over the rounds."""
    low: float
    """Lower end of the interval."""
    high: float


@dataclass
class Laps:
    """The laps of one racer; entry r of each racer was measured in round r."""

    laps: list[Lap] = field(default_factory=list)

    @property
    def times(self) -> np.ndarray:
        """Milliseconds of each round."""
        return np.array([lap.ms for lap in self.laps])

    def quartiles(self) -> tuple[float, float, float]:
        """Return lower quartile, median and upper quartile in milliseconds."""
        low, median, high = np.percentile(self.times, (25, 50, 75))
        return float(low), float(median), float(high)

    def median_of(self, name: str) -> float:
        """Return the median of 'cpu_ms' or 'file_ms'."""
        return float(np.median([getattr(lap, name) for lap in self.laps]))


def take_turns(
    racers: Sequence[Racer],
    rounds: int,
    seed: int = 0,
    say: Callable[[int], None] = lambda done: None,
) -> list[Laps]:
    """Return the laps of each racer: one lap of each in every round, in an order drawn anew.

    Whatever else the machine does then falls on all of them alike, and none always runs after
    the same other. say: told after each round how many are done.
    """
    random = np.random.default_rng(seed)
    found = [Laps() for _ in racers]
    for done in range(rounds):
        for number in random.permutation(len(racers)):
            found[number].laps.append(racers[number].lap())
        say(done + 1)
    return found


def ratio(ours: np.ndarray, theirs: np.ndarray, seed: int = 0) -> Ratio:
    """Return how many times as fast as `theirs` `ours` is, with its 95 % interval.

    ours, theirs: (rounds,) milliseconds, of which entries at one place were measured together.
    The median of the ratios of the rounds; the interval is a bootstrap over the rounds.
    """
    logs = np.log(theirs) - np.log(ours)
    drawn = np.random.default_rng(seed).integers(0, len(logs), (RESAMPLES, len(logs)))
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(np.median(logs[drawn], axis=1), (tail, 100 - tail))
    return Ratio(*(float(np.exp(value)) for value in (np.median(logs), low, high)))
