"""What an evaluation of a sampler by density found."""

import dataclasses
from typing import Any

from roadseg.eval.results.base import BaseResult


@dataclasses.dataclass(frozen=True)
class DensityScore:
    """Scores of one image; see `DensityResult`."""

    name: str
    cross_entropy: float
    entropy: float
    residual: float
    folded: int


@dataclasses.dataclass(frozen=True)
class DensityResult(BaseResult):
    """How near predicted densities come to the true ones, and grids to their densities.

    Cross entropies are of the true densities, in nats, means over the images. A label map without
    a boundary that counts has the uniform density as its true one.
    """

    cross_entropy: float
    """Of the predicted densities; of a fixed one where the run is of a prior."""
    entropy: float
    """Of the true densities themselves: the floor, which a perfect network would reach."""
    uniform: float
    """Of the uniform density, which a useful sampler stays below."""
    best_fixed: float
    """Of the best density that is one for all images, in hindsight: the mean of the true densities
    of the images evaluated. A network has to stay below it to be worth its cost."""
    residual: float
    """Standard deviation of the logarithm of the masses of a grid's cells, mean over the images: 0
    where each cell holds the same share of the density. Mass: area times mean density."""
    residual_worst: float
    """The largest of an image."""
    folded: int
    """Cells with a corner whose determinant is not positive, of all grids as they were solved: has
    to be 0. An image with any is sampled more evenly than its density asks for."""
    cells: int
    """Cells of one grid."""
    per_image: list[DensityScore]

    task = "density"

    @property
    def main_metric(self) -> tuple[str, float]:
        """Name and value of the score by which checkpoints are compared."""
        return "cross_entropy", self.cross_entropy

    def scalars(self) -> dict[str, float]:
        """Return the scores that make a curve, by name."""
        names = ("cross_entropy", "entropy", "uniform", "best_fixed", "residual")
        return {name: getattr(self, name) for name in names} | {"folded": float(self.folded)}

    @classmethod
    def _typed(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {**values, "per_image": [DensityScore(**row) for row in values["per_image"]]}
