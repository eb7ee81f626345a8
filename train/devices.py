"""Devices and workers: which strategy, who writes, how batches and variables are spread."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

import keras
import tensorflow as tf

from roadseg.data_conversion.read.records import RecordSet
from roadseg.recipe.recipe import Recipe
from roadseg.runs.workers import take_sigterm_back
from roadseg.train.data.pipeline import training_batches


class Strategy(Protocol):
    """What is asked of a `tf.distribute.Strategy`; on JAX `on_jax.devices.JaxDevices` answers."""

    @property
    def num_replicas_in_sync(self) -> int:
        """How many programs share a batch."""

    @property
    def cluster_resolver(self) -> Any:
        """What knows the other processes; None of one alone."""

    def scope(self) -> AbstractContextManager[Any]:
        """Return what variables are made in."""

    def distribute_datasets_from_function(
        self, batches: Callable[[tf.distribute.InputContext], tf.data.Dataset]
    ) -> Iterable[Any]:
        """Return the batches of all readers, spread over the replicas."""

    def experimental_local_results(self, value: Any) -> tuple[Any, ...]:
        """Return the parts of `value`, one a replica of this process."""


def distributed_batches(
    recipe: Recipe, records: RecordSet, strategy: Strategy, start: int
) -> Iterable[Any]:
    """Return the batches from step `start` on, cut for the replicas of `strategy`."""

    def batches(context: tf.distribute.InputContext) -> tf.data.Dataset:
        return training_batches(
            recipe,
            records,
            start,
            context.input_pipeline_id,
            context.num_input_pipelines,
            strategy.num_replicas_in_sync,
        )

    return strategy.distribute_datasets_from_function(batches)


def choose_strategy() -> Strategy:
    """Return the strategy for what is there: JAX, TF_CONFIG, several GPUs, or one device."""
    if keras.config.backend() == "jax":
        from roadseg.train.on_jax.devices import JaxDevices

        return JaxDevices()
    if os.environ.get("TF_CONFIG"):
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
        take_sigterm_back()
        return strategy
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def meet(strategy: Any, number: int = 0) -> bool:
    """Wait until every worker has come here; return whether all brought this number.

    Where they did not, it is False for one of them at least.
    """

    @tf.function(autograph=False)
    def total() -> Any:
        context = tf.distribute.get_replica_context()
        return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.constant(number, tf.int64))

    found = strategy.experimental_local_results(strategy.run(total))[0]
    return int(found) == number * strategy.num_replicas_in_sync


@contextmanager
def variable_scope(strategy: Strategy) -> Iterator[None]:
    """Make variables of `strategy` that layers may assign inside a replica.

    Keras gives batch statistics and dropout seeds no aggregation, which a replica then refuses to
    assign. With synchronised moments they are the same everywhere, so the first replica's do.
    """

    def creator(following: Any, **options: Any) -> Any:
        if not options.get("trainable", True):
            options["aggregation"] = tf.VariableAggregation.ONLY_FIRST_REPLICA
        return following(**options)

    with strategy.scope(), tf.variable_creator_scope(creator):
        yield


@contextmanager
def precision(policy: str) -> Iterator[None]:
    """Build layers under the dtype policy of this name."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def first_replica(strategy: Strategy, batch: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a batch that the first replica of this process got."""
    return {name: strategy.experimental_local_results(part)[0] for name, part in batch.items()}
