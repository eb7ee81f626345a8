"""The evaluators by task."""

from roadseg.eval.tasks.density import Density
from roadseg.eval.tasks.evaluator import Evaluator
from roadseg.eval.tasks.flow import Flow
from roadseg.eval.tasks.sampling_grid import SamplingGrid
from roadseg.eval.tasks.segmentation import Segmentation
from roadseg.eval.tasks.two_cameras import TwoCameras
from roadseg.recipe.recipe import Recipe
from roadseg.tasks.table import DENSITY, TASKS, task_of
from roadseg.tasks.task import Task

EVALUATORS: dict[Task, Evaluator] = {
    TASKS["segmentation"]: Segmentation(),
    TASKS["sampling_grid"]: SamplingGrid(),
    DENSITY: Density(),
    TASKS["flow"]: Flow(),
    TASKS["two_cameras"]: TwoCameras(),
}


def find_evaluator(recipe: Recipe) -> Evaluator:
    """Return what evaluates the runs of a recipe."""
    return EVALUATORS[task_of(recipe)]
