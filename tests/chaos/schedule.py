"""Which stage is disturbed how, and when: a list that follows from its seed alone."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

KINDS = ("SIGKILL", "SIGTERM", "ENOSPC", "EIO", "truncated")


@dataclass(frozen=True)
class Kill:
    """One disturbance of a stage."""

    stage: str
    kind: str
    moment: float
    """0 to 1: of the time, the bytes or the calls of the undisturbed command."""
    depth: float
    """0 to 1: what is left of a file that is cut short."""


def schedule(kills: int, seed: int, stages: Sequence[str]) -> list[Kill]:
    """Return the disturbances in the order of `stages`, as many for each as can be.

    Kinds are dealt like cards, so that few kills have all of them.
    """
    drawn = random.Random(seed)
    deck: list[str] = []
    found = []
    for number in range(kills):
        if not deck:
            deck = list(KINDS)
            drawn.shuffle(deck)
        stage = stages[number % len(stages)]
        found.append(Kill(stage, deck.pop(), drawn.random(), drawn.random()))
    return sorted(found, key=lambda kill: stages.index(kill.stage))
