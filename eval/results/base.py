"""What every result says, and how it goes to JSON and comes back unchanged."""

import dataclasses
import json
import math
from collections.abc import Sequence
from typing import Any, Self

from roadseg.files import parse_json
from roadseg.recipe.protocol import Protocol


@dataclasses.dataclass(frozen=True)
class BaseResult:
    """What every result says about its origin."""

    run: str
    """Name of the run folder."""
    recipe: str
    step: int
    split: str
    protocol: Protocol
    limit: int | None
    """Images asked for; None for the whole split."""
    images: int
    sampler: str = dataclasses.field(default="", kw_only=True)
    """What sampled in place of the run's own sampler: 'uniform', 'density NAME'; '' for its own."""

    task = ""

    @property
    def main_metric(self) -> tuple[str, float]:
        """Name and value of the score by which checkpoints are compared."""
        raise NotImplementedError

    def to_json(self) -> str:
        """Return indented JSON; NaN becomes null, since JSON has no NaN."""
        values = {"task": self.task, **dataclasses.asdict(self), **self.published()}
        return json.dumps(without_nan(values), indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the result that `to_json` wrote; raise ValueError, KeyError or TypeError."""
        values = parse_json(text)
        if not isinstance(values, dict) or values.pop("task", None) != cls.task:
            raise ValueError(f"not the result of a '{cls.task}' evaluation")
        values["protocol"] = Protocol.from_values(values["protocol"])
        return cls(**cls._typed(values))

    def published(self) -> dict[str, Any]:
        """Return what originals call some of these values; `to_json` adds it at the end."""
        return {}

    @classmethod
    def _typed(cls, values: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError


def without_nan(value: Any) -> Any:
    """Return nested dicts and lists with None for each NaN, as JSON wants it."""
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return value


def number(value: float | None) -> float:
    """Return a number of a stored result; null was NaN."""
    return math.nan if value is None else float(value)


def numbers(values: dict[str, float | None]) -> dict[str, float]:
    """Return the numbers of a stored result by name."""
    return {key: number(value) for key, value in values.items()}


def rows_of(kind: type, rows: list[dict[str, Any]], floats: Sequence[str] = ()) -> list[Any]:
    """Return `kind` for each row, with null turned back to NaN in the fields `floats`."""
    return [kind(**(row | {name: number(row[name]) for name in floats})) for row in rows]
