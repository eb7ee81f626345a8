"""One training step, the same for one device, many devices and many machines."""

from typing import Any

import keras
import tensorflow as tf

from roadseg.losses.cross_entropy import cross_entropy
from roadseg.losses.squared_error import squared_error
from roadseg.recipe import Recipe
from roadseg.sampling import AuxiliaryNetwork, boundary_targets, sample_batch
from roadseg.train.augment import restore_padding
from roadseg.train.optimizer import Momentum

Tensor = Any
Batch = dict[str, Tensor]


class TrainingStep:
    """Forward, backward and update of one batch; traced once."""

    def __init__(
        self,
        recipe: Recipe,
        model: keras.Model,
        auxiliary: AuxiliaryNetwork | None,
        strategy: tf.distribute.Strategy,
        ignore: int = 255,
    ):
        """Make the step; `model` and `auxiliary` were built in the scope of `strategy`."""
        self.recipe, self.model, self.auxiliary = recipe, model, auxiliary
        self.strategy, self.ignore = strategy, ignore
        self.scale: LossScale | None = None
        with strategy.scope():
            self.optimizer = Momentum(model, recipe)
            if recipe.precision == "mixed_float16":
                self.scale = LossScale()
        # A nested function cannot hold the all-reduce of synchronised moments: for XLA alone.
        compiled = tf.function(self._local_gradients, jit_compile=True, autograph=False)
        self._gradients = compiled if recipe.xla else self._local_gradients

    @tf.function(autograph=False)
    def __call__(self, batch: Batch, rate: Tensor) -> Tensor:
        """Update the weights at learning rate `rate`; return the loss of the whole batch."""
        loss = self.strategy.run(self._replica_step, args=(batch, rate))
        return self.strategy.experimental_local_results(loss)[0]

    def loss(self, batch: Batch, training: bool = True) -> tuple[Tensor, Tensor]:
        """Return (sum of the loss, number of its terms) over the batch of this replica."""
        if self.recipe.task == "sampling":
            target = batch.get("target")
            if target is None:
                recipe = self.recipe
                classes = list(recipe.target_classes) or None
                target = boundary_targets(
                    batch["label"], recipe.grid_size, recipe.target_alpha, classes, self.ignore
                )
            return squared_error(self.model(batch["image"], training=training), target)
        images, labels = self.inputs(batch)
        scores = self.model(images, training=training)
        scores = scores["scores"] if isinstance(scores, dict) else scores
        return cross_entropy(scores, labels, self.ignore)

    def inputs(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the images, float32, and labels that the segmentation network is trained on."""
        images, labels = restore_padding(batch["image"], batch.get("content")), batch["label"]
        if self.recipe.sampling != "none":
            size = self.recipe.sampling_size
            images, labels, _ = sample_batch(images, labels, self.auxiliary, size)
        if self.recipe.void_class:
            labels = tf.where(labels == self.ignore, self._void(), tf.cast(labels, tf.int32))
        return tf.cast(images, tf.float32), labels

    def _void(self) -> int:
        """Return the last output, which a recipe with a void class trains on ignored pixels."""
        scores = self.model.output
        return (scores["scores"] if isinstance(scores, dict) else scores).shape[-1] - 1

    def _local_gradients(self, batch: Batch, scale: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        with tf.GradientTape() as tape:
            total, count = self.loss(batch)
            # Divided by a constant near the count, so that float16 gradients keep their range.
            scaled = total * scale
        return total, count, tape.gradient(scaled, self.optimizer.variables)

    def _replica_step(self, batch: Batch, rate: Tensor) -> Tensor:
        scale = self.scale.value() if self.scale else tf.constant(1.0)
        total, count, gradients = self._gradients(batch, scale / self._entries())
        context = tf.distribute.get_replica_context()
        total, count, *gradients = context.all_reduce(
            tf.distribute.ReduceOp.SUM, [total, count, *gradients]
        )
        count = tf.maximum(count, 1.0)
        factor = self._entries() / (count * scale)
        gradients = [gradient * factor for gradient in gradients]
        context.merge_call(self._update, args=(gradients, rate))
        return total / count

    def _update(self, _: Any, gradients: list[Tensor], rate: Tensor) -> None:
        finite = None
        if self.scale:
            local = [self.strategy.experimental_local_results(g)[0] for g in gradients]
            finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(g)) for g in local])
            self.scale.update(finite)
        self.optimizer.apply(gradients, rate, finite)

    def _entries(self) -> float:
        recipe = self.recipe
        size = recipe.crop_size if recipe.sampling == "none" else recipe.sampling_size
        size = recipe.grid_size if recipe.task == "sampling" else size
        return float(recipe.batch_size * size[0] * size[1])


class LossScale:
    """Factor that keeps float16 gradients in range: halved on overflow, doubled after a while.

    Source: Micikevicius et al. 2018, section 3.2; 2000 steps as in tf.keras.
    """

    def __init__(self, start: float = 2.0**15, patience: int = 2000):
        """Make the two variables; call it in the strategy's scope."""
        self.scale = tf.Variable(start, trainable=False, dtype=tf.float32)
        self.good_steps = tf.Variable(0.0, trainable=False, dtype=tf.float32)
        self.patience = patience

    def value(self) -> Tensor:
        """Return the factor of this step."""
        return self.scale.read_value()

    def update(self, finite: Tensor) -> None:
        """Follow one step whose gradients were all finite, or not (cross-replica context)."""
        steps = tf.where(finite, self.good_steps + 1.0, 0.0)
        grown = steps >= self.patience
        scale = tf.where(finite, self.scale * tf.where(grown, 2.0, 1.0), self.scale / 2.0)
        self.scale.assign(tf.clip_by_value(scale, 1.0, 2.0**24))
        self.good_steps.assign(tf.where(grown, 0.0, steps))
