"""The trainings by task."""

from roadseg.recipe.recipe import Recipe
from roadseg.tasks.table import DENSITY, TASKS, task_of
from roadseg.tasks.task import Task
from roadseg.train.tasks.density import DensityTraining
from roadseg.train.tasks.flow import FlowTraining
from roadseg.train.tasks.sampling_grid import SamplingGridTraining
from roadseg.train.tasks.segmentation import SegmentationTraining
from roadseg.train.tasks.task import TrainingTask
from roadseg.train.tasks.two_cameras import TwoCameraTraining

TRAININGS: dict[Task, TrainingTask] = {
    TASKS["segmentation"]: SegmentationTraining(),
    TASKS["sampling_grid"]: SamplingGridTraining(),
    DENSITY: DensityTraining(),
    TASKS["flow"]: FlowTraining(),
    TASKS["two_cameras"]: TwoCameraTraining(),
}


def training_of(recipe: Recipe) -> TrainingTask:
    """Return how the network of a recipe is trained."""
    return TRAININGS[task_of(recipe)]
