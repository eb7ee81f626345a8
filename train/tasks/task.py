"""What the training of a task does: from an example to the loss, and to pictures of both."""

import abc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import tensorflow as tf

from roadseg.data_conversion.read.records import RecordSet
from roadseg.label_tables.label_table import LabelTable
from roadseg.losses.criteria import Criterion, Term
from roadseg.recipe.recipe import Recipe
from roadseg.train.data.records import parser

if TYPE_CHECKING:
    import keras

    from roadseg.sampling import Sampler

Tensor = Any
Batch = dict[str, Tensor]
Batches = Callable[[Recipe], tf.data.Dataset]


class Step(Protocol):
    """What a task uses of the training step."""

    recipe: Recipe
    model: "keras.Model"
    sampler: "Sampler | None"
    criterion: Criterion
    padding: tuple[float, float, float] | None
    dtype: str
    ignore: int


class TrainingTask(abc.ABC):
    """How the networks of one task are trained."""

    @abc.abstractmethod
    def check(self, recipe: Recipe, table: LabelTable) -> None:
        """Raise RoadsegError for values that this task cannot be trained with."""

    def parser(self, recipe: Recipe, records: RecordSet) -> Callable[[Tensor], Batch]:
        """Return what makes an example, as `element` takes it, of the bytes of a record."""
        return parser(records)

    @abc.abstractmethod
    def element(
        self, place: Tensor, example: Batch, recipe: Recipe, records: RecordSet, padded: bool
    ) -> Batch:
        """Return what the example at `place` of the whole run adds to a batch.

        padded: whether crops may be padded; "content" then says where the image lies.
        """

    def on_batch(self, batches: tf.data.Dataset, recipe: Recipe) -> tf.data.Dataset:
        """Return `batches` with what is computed for a whole batch."""
        return batches

    def first_weights(
        self, recipe: Recipe, model: "keras.Model", batches: Batches, examples: int
    ) -> None:
        """Set the first weights that come from the data, where there are such.

        batches: gives the batches of a recipe. examples: how many an epoch has.
        """
        return

    @abc.abstractmethod
    def terms(self, step: Step, batch: Batch, training: bool) -> list[Term]:
        """Return the parts of the loss, one a head, over the batch of this replica."""

    @abc.abstractmethod
    def pictures(self, step: Step, batch: Batch, table: LabelTable) -> dict[str, Tensor]:
        """Return pictures of a batch as `step` sees it, uint8, by name."""
