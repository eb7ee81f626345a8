"""The evaluators by task."""

from roadseg.eval.tasks.density import Density
from roadseg.eval.tasks.evaluator import Evaluator
from roadseg.eval.tasks.flow import Flow
from roadseg.eval.tasks.sampling_grid import SamplingGrid
from roadseg.eval.tasks.segmentation import Segmentation
from roadseg.eval.tasks.two_cameras import TwoCameras
from roadseg.recipe.recipe import Recipe

EVALUATORS: dict[str, Evaluator] = {
    "segmentation": Segmentation(),
    "sampling_grid": SamplingGrid(),
    "flow": Flow(),
    "two_cameras": TwoCameras(),
}
DENSITY = Density()


def find_evaluator(recipe: Recipe) -> Evaluator:
    """Return what evaluates the runs of a recipe."""
    if recipe.learns_density:
        return DENSITY
    return EVALUATORS[recipe.task]
