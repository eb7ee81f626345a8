"""The task 'sampling_grid': one image to where it is sampled, by a grid or by a density."""

from typing import TYPE_CHECKING, ClassVar

from roadseg.recipe.recipe import Recipe
from roadseg.tasks.task import Task

if TYPE_CHECKING:
    import keras


class SamplingGrid(Task):
    """The published sampler's grids."""

    name = "sampling_grid"
    learns = "sampling grids"
    is_sampler = True
    protocols: ClassVar[tuple[str, ...]] = ("nus",)

    def build(self, recipe: Recipe, num_outputs: int, evaluation: bool = False) -> "keras.Model":
        """Return the untrained network of the sampler."""
        from roadseg.sampling.trained import sampler_network

        return sampler_network(recipe)


class Density(SamplingGrid):
    """Densities, predicted or fixed, to which grids are solved."""

    learns = "sampling densities"
    protocols = ("density", "nus")  # on the crop too, as the sampler that it stands in for
