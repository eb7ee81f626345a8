"""The evaluators by task."""

from roadseg.eval.tasks.density import Density
from roadseg.eval.tasks.evaluator import Evaluator
from roadseg.eval.tasks.flow import Flow, FlowOfPairs
from roadseg.eval.tasks.sampling_grid import SamplingGrid
from roadseg.eval.tasks.segmentation import Segmentation
from roadseg.eval.tasks.two_cameras import TwoCameras
from roadseg.recipe.recipe import Recipe

EVALUATORS: dict[str, Evaluator] = {
    "segmentation": Segmentation(),
    "sampling": SamplingGrid(),
    "flow": Flow(),
    "two_views": TwoCameras(),
}
DENSITY, FLOW_OF_PAIRS = Density(), FlowOfPairs()


def find_evaluator(recipe: Recipe) -> Evaluator:
    """Return what evaluates the runs of a recipe."""
    if recipe.learns_density:
        return DENSITY
    if recipe.task == "flow" and recipe.reads_pairs:
        return FLOW_OF_PAIRS
    return EVALUATORS[recipe.task]
