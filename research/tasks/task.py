"""What a task offers to whoever builds, evaluates, exports or shows a run of it."""

import abc
import inspect
from typing import TYPE_CHECKING, Any, ClassVar

from roadseg.recipe.recipe import Recipe

if TYPE_CHECKING:
    import keras

    from roadseg.label_tables.label_table import LabelTable


class Task(abc.ABC):
    """One thing that networks learn. It has no state; all values are the recipe's."""

    name: ClassVar[str]
    """As recipes spell it."""

    learns: ClassVar[str]
    """What comes out of the network, for messages."""

    inputs: ClassVar[tuple[str, ...]] = ("image",)
    """Names of the images that the network takes at once."""

    labels: ClassVar[bool] = False
    """Whether every pixel of the inputs gets a class."""

    has_classes: ClassVar[bool] = True
    """Whether what is learned has the classes of the label table."""

    is_sampler: ClassVar[bool] = False
    """Whether what is learned says where to sample."""

    protocols: ClassVar[tuple[str, ...]]
    """Names of the protocols that fit, the usual one first."""

    @property
    def networks(self) -> tuple[str, ...]:
        """What networks learn that fit, as their `ModelSpec` says."""
        return (self.name,)

    @property
    def labels_images(self) -> bool:
        """Whether single images are labelled; then a sampler may stand before the network."""
        return self.labels and len(self.inputs) == 1

    @property
    def labels_pairs(self) -> bool:
        """Whether two cameras' images are labelled together."""
        return self.labels and len(self.inputs) == 2

    def samples(self, recipe: Recipe) -> bool:
        """Return whether the network of `recipe` sees samples of the image."""
        return self.labels_images and recipe.sampling.kind != "none"

    def reads_pairs(self, recipe: Recipe) -> bool:
        """Return whether each record of `recipe` has to hold two images."""
        return len(self.inputs) == 2

    def num_outputs(self, recipe: Recipe, table: "LabelTable") -> int:
        """Return how many logits the network gives a pixel; 0 where it gives none."""
        return len(table.names) + recipe.network.void_class if self.labels else 0

    def only_in_training(self, recipe: Recipe) -> tuple[str, ...]:
        """Return how the names of layers begin that checkpoints hold and evaluation lacks."""
        from roadseg.models.registry import find

        heads = self.labels and recipe.network.auxiliary_heads
        return find(recipe.model).auxiliary_heads if heads else ()

    def main_output(self, outputs: Any) -> Any:
        """Return the main logits of what a network of this task gives."""
        from roadseg.layers.heads import main_logits

        return main_logits(outputs)

    def build(self, recipe: Recipe, num_outputs: int, evaluation: bool = False) -> "keras.Model":
        """Return the untrained network of `recipe`, of `num_outputs` logits a pixel.

        In training it has the auxiliary heads that the recipe asks for, and gives logits by name.
        """
        from roadseg.models import registry

        classes = num_outputs if self.has_classes else None
        return registry.create(recipe.model, classes, **self.options(recipe, evaluation))

    def options(self, recipe: Recipe, evaluation: bool) -> dict[str, Any]:
        """Return the keyword arguments of the network's builder."""
        options: dict[str, Any] = dict(recipe.network.options)
        if evaluation:
            options |= recipe.network.evaluation_options
        if recipe.network.auxiliary_heads and takes_auxiliary_heads(recipe.model):
            options["auxiliary_heads"] = not evaluation
        return options


def takes_auxiliary_heads(model: str) -> bool:
    """Return whether a network can have further heads in training; ESPNet's has no weights."""
    from roadseg.models.registry import find

    return "auxiliary_heads" in inspect.signature(find(model).build).parameters
