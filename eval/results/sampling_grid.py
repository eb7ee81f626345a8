"""What an evaluation of the published sampler found."""

import dataclasses
from typing import Any

from roadseg.eval.results.base import BaseResult, number, rows_of


@dataclasses.dataclass(frozen=True)
class GridScore:
    """Squared error of the sampling grid of one image, raw and projected."""

    name: str
    mse: float
    mse_projected: float


@dataclasses.dataclass(frozen=True)
class SamplingGridResult(BaseResult):
    """Error of the published sampler's grids against the exact targets."""

    mse: float
    """Raw grid, border entries included, as published."""
    mse_projected: float
    mse_uniform: float
    """Error of the uniform grid, which a useful network stays below."""
    per_image: list[GridScore]

    task = "sampling_grid"

    @property
    def main_metric(self) -> tuple[str, float]:
        """Name and value of the score by which checkpoints are compared."""
        return "mse", self.mse

    @classmethod
    def _typed(cls, values: dict[str, Any]) -> dict[str, Any]:
        for name in ("mse", "mse_projected", "mse_uniform"):
            values[name] = number(values[name])
        values["per_image"] = rows_of(GridScore, values["per_image"], ("mse", "mse_projected"))
        return values
