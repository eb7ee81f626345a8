"""Losses and learning rates of Fast_Seg, at whatever thresholds the fixtures name."""

from pathlib import Path
from typing import Any

import pytest
from keras import ops

from roadseg.losses.criteria import Criterion, mean
from roadseg.losses.cross_entropy import CITYSCAPES_WEIGHTS
from roadseg.recipe import groups
from roadseg.recipe.recipe import Recipe
from tests.support import Fixture, on_tensorflow, parity_fixtures

FIXTURES = [Fixture.load(path) for path in parity_fixtures("fastseg-losses*.npz")]
LOSSES = [(fixture, name) for fixture in FIXTURES for name in fixture.meta["losses"]]
RATES = [(fixture, steps) for fixture in FIXTURES for steps in fixture.meta["learning_rates"]]

# How the name of a loss begins -> heads it takes, main and auxiliary loss; the longest fits first.
CRITERIA: dict[str, tuple[int, Any, Any]] = {
    "ohem_dsn": (2, "ohem", "cross_entropy"),
    "dfanet": (3, "ohem", "ohem"),
    "icnet": (4, "ohem", "ohem"),
    "ohem": (1, "ohem", "cross_entropy"),
    "dsn": (2, "cross_entropy", "cross_entropy"),
    "ce": (1, "cross_entropy", "cross_entropy"),
}


def title(value: Any) -> str:
    return Path(value.path).stem if isinstance(value, Fixture) else str(value)


def criterion(fixture: Fixture, name: str) -> tuple[int, Criterion]:
    """Return how many heads a loss of the fixture takes, and the criterion that computes it."""
    meta = fixture.meta["losses"][name]
    known = [start for start in CRITERIA if name.startswith(start)]
    assert known, f"{fixture.path}: no criterion answers to {name}"
    heads, main, auxiliary = CRITERIA[known[0]]
    return heads, Criterion(
        loss=main,
        auxiliary_loss=auxiliary,
        ohem_threshold=meta.get("thresh", 0.7),
        ohem_min_kept=meta.get("min_kept", 0),
        class_weights=CITYSCAPES_WEIGHTS if "weighted" in name else None,
    )


@pytest.mark.parametrize(("fixture", "name"), LOSSES, ids=title)
def test_a_criterion_agrees_with_the_original(fixture: Fixture, name: str) -> None:
    heads, chosen = criterion(fixture, name)
    logits = [
        ops.convert_to_tensor(fixture.arrays[f"input/pred{head}"].transpose(0, 2, 3, 1))
        for head in range(heads)
    ]
    labels = ops.convert_to_tensor(fixture.arrays["input/target"])
    found = float(mean(chosen.terms(logits, labels)))
    assert found == pytest.approx(fixture.meta["losses"][name]["value"], rel=1e-5)
    assert found == pytest.approx(float(fixture.arrays[f"output/{name}"]), rel=1e-5)


@on_tensorflow
@pytest.mark.parametrize(("fixture", "steps"), RATES, ids=title)
def test_the_rate_falls_as_in_the_original(fixture: Fixture, steps: str) -> None:
    from roadseg.train.optim.schedule import rate_at

    samples = fixture.meta["learning_rates"][steps]
    highest = max(rate for _, rate in samples)
    recipe = Recipe(
        "rates",
        "segmentation",
        "",
        steps=int(steps),
        optimizer=groups.Optimizer(learning_rate=highest),
    )
    for step, rate in samples:
        assert rate_at(step, recipe) == pytest.approx(rate, rel=1e-9)
