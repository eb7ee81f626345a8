"""Statistics over seeds: spreads, paired differences, and the same at equal multiply-adds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from roadseg.eval.compare.arms import Arm, Setting


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation over seeds; NaN where there are too few."""

    mean: float
    deviation: float
    by_seed: dict[int, float]


@dataclass(frozen=True)
class Difference:
    """An arm less another, seed by seed."""

    spread: Spread
    ahead: int
    """Seeds in which it is above zero."""


def spread(by_seed: dict[int, float]) -> Spread:
    """Return mean and deviation of the values."""
    values = list(by_seed.values())
    return Spread(
        float(np.mean(values)) if values else math.nan,
        float(np.std(values, ddof=1)) if len(values) > 1 else math.nan,
        by_seed,
    )


def difference(arm: dict[int, float], other: dict[int, float]) -> Difference | None:
    """Return the paired difference over the seeds that both have; None if there is none."""
    common = {seed: arm[seed] - other[seed] for seed in arm if seed in other}
    if not common:
        return None
    return Difference(spread(common), sum(value > 0 for value in common.values()))


def partner(setting: Setting, arm: Arm, baseline: str, kind: str) -> Arm | None:
    """Return the arm of `baseline` with as many samples as `arm`; None if there is none.

    Of several, that with the same loss; else the one with the best mIoU: each arm has its best.
    """
    found = [
        other
        for other in setting.arms
        if other.sampler == baseline
        and other.sampling_size == arm.sampling_size
        and other.by_seed(kind, "miou")
    ]
    return _fittest(found, arm, kind)


def curve(setting: Setting, arm: Arm, baseline: str, kind: str) -> list[Arm]:
    """Return the arms of `baseline`, one for each sampling size, the cheapest first."""
    of_size: dict[tuple[int, int] | None, list[Arm]] = {}
    for other in setting.arms:
        if other.sampler == baseline and other.by_seed(kind, "miou") and other.knows_cost(kind):
            of_size.setdefault(other.sampling_size, []).append(other)
    chosen = [_fittest(found, arm, kind) for found in of_size.values()]
    return sorted((one for one in chosen if one is not None), key=lambda one: one.macs)


def _fittest(found: Sequence[Arm], arm: Arm, kind: str) -> Arm | None:
    loss = arm.fields.get("loss.size")
    same = [other for other in found if other.fields.get("loss.size") == loss]
    candidates = same or list(found)
    return max(candidates, key=lambda other: spread(other.by_seed(kind, "miou")).mean, default=None)


def at_equal_cost(
    setting: Setting, arm: Arm, baseline: str, kind: str, score: str
) -> Difference | None:
    """Return the difference to the baseline's curve at the multiply-adds of `arm`, by seed.

    Between two sampling sizes the score is linear in the logarithm of the multiply-adds: scores
    saturate, so that a line in the multiply-adds themselves would rate the baseline too low.
    None where the cost lies outside the measured range, or is not known.
    """
    if not arm.knows_cost(kind):
        return None
    points = curve(setting, arm, baseline, kind)
    for low, high in zip(points, points[1:], strict=False):
        if low.macs <= arm.macs <= high.macs:
            return difference(arm.by_seed(kind, score), _between(low, high, arm.macs, kind, score))
    return None


def _between(low: Arm, high: Arm, macs: int, kind: str, score: str) -> dict[int, float]:
    below, above = low.by_seed(kind, score), high.by_seed(kind, score)
    share = _share(low.macs, high.macs, macs)
    return {
        seed: below[seed] + share * (above[seed] - below[seed]) for seed in below if seed in above
    }


def _share(low: float, high: float, value: float) -> float:
    return math.log(value / low) / math.log(high / low) if high > low else 0.0


def needed_macs(setting: Setting, arm: Arm, baseline: str, kind: str, score: str) -> float | None:
    """Return the multiply-adds at which the baseline's mean reaches that of `arm`.

    Along the same curve; None where no two sampling sizes have it between them.
    """
    if not arm.knows_cost(kind):
        return None
    wanted = spread(arm.by_seed(kind, score)).mean
    points = curve(setting, arm, baseline, kind)
    for low, high in zip(points, points[1:], strict=False):
        below, above = (spread(one.by_seed(kind, score)).mean for one in (low, high))
        if below <= wanted <= above and above > below:
            share = (wanted - below) / (above - below)
            return float(low.macs * (high.macs / low.macs) ** share)
    return None
