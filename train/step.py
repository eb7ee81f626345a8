"""One training step, the same for one device, many devices and many machines."""

import abc
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from roadseg.losses.criteria import Criterion, Term, mean
from roadseg.losses.cross_entropy import Rest
from roadseg.recipe.recipe import Recipe
from roadseg.sampling import Sampler, UniformSampler
from roadseg.train.data.augment import padding_colour
from roadseg.train.optim.optimizer import Optimizer
from roadseg.train.tasks.segmentation import sampled
from roadseg.train.tasks.table import training_of

Tensor = Any
Batch = dict[str, Tensor]


class BaseStep(abc.ABC):
    """What a step has on every backend: the network, the sampler before it, and the loss."""

    optimizer: Optimizer
    scale: "LossScale | None" = None
    """Of gradients in mixed_float16."""

    def __init__(
        self,
        recipe: Recipe,
        model: keras.Model,
        sampler: Sampler | None,
        strategy: Any,
        ignore: int = 255,
        class_weights: Sequence[float] | None = None,
        rest: Rest | None = None,
    ):
        """Make the step; `model` and `sampler` were built in the scope of `strategy`.

        class_weights: what recipe.class_weights comes to; see `train.class_weights`.
        rest: of a data set that labels some classes only.
        """
        self.recipe, self.model, self.sampler = recipe, model, sampler
        if sampler is None and recipe.sampling.kind == "uniform":
            self.sampler = UniformSampler()
        self.strategy, self.ignore = strategy, ignore
        self.criterion = criterion(recipe, ignore, class_weights, rest)
        self.dtype = "float64" if recipe.precision == "float64" else "float32"
        self.padding = padding_colour(recipe)
        self.task = training_of(recipe)

    def __call__(self, batch: Batch, rate: Any) -> Tensor:
        """Update the weights at learning rate `rate`; return the loss of the whole batch."""
        return self.asking(batch, rate, 0.0)[0]

    @abc.abstractmethod
    def asking(self, batch: Batch, rate: Any, asks: float) -> tuple[Tensor, Tensor]:
        """Do what a call does, and return beside the loss the sum of `asks` over all replicas.

        asks: a number of this process; see `stop.Agreement`.
        """

    def terms(self, batch: Batch, training: bool = True) -> list[Term]:
        """Return the parts of the loss, one a head, over the batch of this replica."""
        return self.task.terms(self, batch, training)

    def inputs(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the images, 0..255, and labels that the segmentation network is trained on."""
        return sampled(self, batch)[:2]


class TrainingStep(BaseStep):
    """Forward, backward and update of one batch; traced once. On TensorFlow."""

    def __init__(self, recipe: Recipe, *arguments: Any, **options: Any):
        """Make the step, as `BaseStep` says."""
        super().__init__(recipe, *arguments, **options)
        with self.strategy.scope():
            self.optimizer = Optimizer(self.model, recipe)
            if recipe.precision == "mixed_float16":
                self.scale = LossScale()
        # A nested function cannot hold the all-reduce of synchronised moments: for XLA alone.
        compiled = tf.function(self._local_gradients, jit_compile=True, autograph=False)
        self._gradients = compiled if recipe.xla else self._local_gradients

    def asking(self, batch: Batch, rate: Any, asks: float) -> tuple[Tensor, Tensor]:
        """Do what a call does, and return beside the loss the sum of `asks` over all replicas."""
        # As tensors: a number would be traced anew whenever it changes.
        rate = rate if tf.is_tensor(rate) else tf.constant(rate, self.dtype)
        return self.traced(batch, rate, tf.constant(asks))

    @tf.function(autograph=False)
    def traced(self, batch: Batch, rate: Tensor, asks: Tensor) -> tuple[Tensor, Tensor]:
        """Do what `asking` does, as a graph."""
        both = self.strategy.run(self._replica_step, args=(batch, rate, asks))
        loss, asked = tf.unstack(self.strategy.experimental_local_results(both)[0])
        return loss, asked

    def _local_gradients(self, batch: Batch, scale: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return this replica's share of the loss of the whole batch, and its gradients."""
        with tf.GradientTape() as tape:
            loss = tf.cast(mean(self._with_whole_counts(self.terms(batch))), self.dtype)
            scaled = loss * scale
        return loss, tape.gradient(scaled, self.optimizer.variables)

    def _with_whole_counts(self, terms: list[Term]) -> list[Term]:
        """Return the terms with the counts of all replicas, by which each has to divide."""
        counts = [tf.stop_gradient(term.count) for term in terms]
        if self.strategy.num_replicas_in_sync > 1:
            context = tf.distribute.get_replica_context()
            counts = context.all_reduce(tf.distribute.ReduceOp.SUM, counts)
        return [
            Term(term.weight, term.total, count) for term, count in zip(terms, counts, strict=True)
        ]

    def _replica_step(self, batch: Batch, rate: Tensor, asks: Tensor) -> Tensor:
        scale = self.scale.value() if self.scale else tf.constant(1.0, self.dtype)
        loss, gradients = self._gradients(batch, scale)
        context = tf.distribute.get_replica_context()
        both = tf.stack([loss, tf.cast(asks, self.dtype)])
        both, *gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, [both, *gradients])
        if self.scale:
            gradients = [gradient / scale for gradient in gradients]
        if self.recipe.optimizer.max_gradient_norm:
            gradients, _ = tf.clip_by_global_norm(
                gradients, self.recipe.optimizer.max_gradient_norm
            )
        context.merge_call(self._update, args=(gradients, tf.cast(rate, self.dtype)))
        return both

    def _update(self, _: Any, gradients: list[Tensor], rate: Tensor) -> None:
        finite = None
        if self.scale:
            local = [self.strategy.experimental_local_results(g)[0] for g in gradients]
            finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(g)) for g in local])
            self.scale.update(finite)
        self.optimizer.apply(gradients, rate, finite)


def criterion(
    recipe: Recipe,
    ignore: int = 255,
    class_weights: Sequence[float] | None = None,
    rest: Rest | None = None,
) -> Criterion:
    """Return how the heads of the network of `recipe` are compared with labels."""
    return Criterion(
        loss=recipe.loss.kind,
        auxiliary_loss=recipe.loss.auxiliary_kind,
        auxiliary_weight=recipe.loss.auxiliary_weight,
        ohem_threshold=recipe.loss.ohem_threshold,
        ohem_min_kept=recipe.loss.ohem_min_kept,
        class_weights=class_weights,
        boundary_from=recipe.loss.boundary_from,
        ignore=ignore,
        rest=rest,
        main_weight=recipe.loss.main_weight,
        edge_weight=recipe.edges.weight,
        edge_aware_weight=recipe.edges.aware_weight,
        edge_gate=recipe.edges.gate,
        edge_size=recipe.edges.size,
        edge_margin=recipe.edges.margin,
    )


class LossScale:
    """Factor that keeps float16 gradients in range: halved on overflow, doubled after a while.

    Source: Micikevicius et al. 2018, section 3.2; 2000 steps as in tf.keras.
    """

    def __init__(self, start: float = 2.0**15, patience: int = 2000):
        """Make the two variables; call it in the strategy's scope."""
        self.scale, self.good_steps = self._variable(start), self._variable(0.0)
        self.patience = patience

    def _variable(self, first: float) -> Any:
        return tf.Variable(first, trainable=False, dtype=tf.float32)

    def value(self) -> Tensor:
        """Return the factor of this step."""
        return ops.convert_to_tensor(self.scale)

    def update(self, finite: Tensor) -> None:
        """Follow one step whose gradients were all finite, or not (cross-replica context)."""
        steps = ops.where(finite, self.good_steps + 1.0, 0.0)
        grown = steps >= self.patience
        scale = ops.where(finite, self.scale * ops.where(grown, 2.0, 1.0), self.scale / 2.0)
        # Below 1 too: of two images DFANet has gradients that overflow unscaled.
        self.scale.assign(ops.clip(scale, 2.0**-14, 2.0**24))
        self.good_steps.assign(ops.where(grown, 0.0, steps))
