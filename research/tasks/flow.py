"""The task 'flow': two images to the motion between them."""

from roadseg.recipe.recipe import Recipe
from roadseg.tasks.task import Task


class Flow(Task):
    """The flow between two frames, or between two cameras' images."""

    name = "flow"
    learns = "the flow between two images"
    inputs = ("first", "second")
    has_classes = False
    protocols = ("flow",)

    def reads_pairs(self, recipe: Recipe) -> bool:
        """Return whether pairs are stored; else they are made of single images."""
        return recipe.flow.pairs != "warped"
