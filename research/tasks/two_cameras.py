"""The task 'two_cameras': the images of two cameras to the classes of both."""

from typing import TYPE_CHECKING, Any

from roadseg.recipe.recipe import Recipe
from roadseg.tasks.task import Task

if TYPE_CHECKING:
    import keras


class TwoCameras(Task):
    """Class logits of a wide and a narrow image of one moment."""

    name = "two_cameras"
    learns = "class logits of two cameras"
    inputs = ("wide", "narrow")
    labels = True
    protocols = ("semantics_sharing",)
    networks = ("two_cameras", "segmentation")  # one for single images labels both

    def build(self, recipe: Recipe, num_outputs: int, evaluation: bool = False) -> "keras.Model":
        """Return the untrained network, which takes and gives both cameras by name."""
        from roadseg.models.both_cameras import both_cameras

        network = super().build(recipe, num_outputs, evaluation)
        return network if isinstance(network.input, dict) else both_cameras(network)

    def options(self, recipe: Recipe, evaluation: bool) -> dict[str, Any]:
        """Return the keyword arguments of the builder, the rig among them where it takes one."""
        from roadseg.models.registry import find

        options = super().options(recipe, evaluation)
        if recipe.network.rig and find(recipe.model).task == self.name:
            options["rig"] = recipe.network.rig
        return options

    def main_output(self, outputs: Any) -> Any:
        """Return the wide camera's logits."""
        return outputs["wide"]
