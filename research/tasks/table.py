"""The tasks by name."""

from roadseg.recipe.recipe import DENSITY_MODELS, Recipe
from roadseg.tasks.flow import Flow
from roadseg.tasks.sampling_grid import Density, SamplingGrid
from roadseg.tasks.segmentation import Segmentation
from roadseg.tasks.task import Task
from roadseg.tasks.two_cameras import TwoCameras

TASKS: dict[str, Task] = {
    task.name: task for task in (Segmentation(), SamplingGrid(), Flow(), TwoCameras())
}
DENSITY = Density()


def task_of(recipe: Recipe) -> Task:
    """Return the task of a recipe; samplers by density have one of their own."""
    task = TASKS[recipe.task]
    return DENSITY if task.is_sampler and recipe.model in DENSITY_MODELS else task
