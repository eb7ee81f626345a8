"""Says how far a step on two replicas is from the same step on one, in float64.

Reads a request on each line of standard input, {"name", "size", "options"}, and answers on one.
"""

import json
import sys
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import roadseg
from roadseg.layers.conv_bn import synchronise_batch_norm
from roadseg.losses.cross_entropy import cross_entropy

CLASSES, BATCH = 19, 4
DEVICES = ["CPU:0", "CPU:1"]


def step(
    strategy: tf.distribute.Strategy, name: str, size: Sequence[int], options: dict[str, Any]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return summed gradients and running statistics after one pass over the same batch."""
    with strategy.scope():
        keras.utils.set_random_seed(5)
        network = roadseg.create(name, CLASSES, input_shape=(*size, 3), **options)
        model = synchronise_batch_norm(network)
    for layer in model._flatten_layers():
        if "Dropout" in type(layer).__name__:
            layer.rate = 0.0
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (BATCH, *size, 3))
    labels = rng.integers(0, CLASSES, (BATCH, *size))
    replicas = strategy.num_replicas_in_sync
    share = BATCH // replicas

    def part(values):
        return strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(values[context.replica_id_in_sync_group * share :][:share])
        )

    def replica(images, labels):
        with tf.GradientTape() as tape:
            views = isinstance(model.input, dict)
            outputs = model(dict.fromkeys(model.input, images) if views else images, training=True)
            maps = outputs.values() if isinstance(outputs, dict) else [outputs]
            loss = sum(loss_of(logits, labels) for logits in maps) / labels.shape[0]
        found = tape.gradient(loss, [v.value for v in model.trainable_variables])
        return tf.distribute.get_replica_context().all_reduce("SUM", found)

    # Not compiled: tracing and optimising two replicas of a deep network takes minutes.
    gradients = strategy.run(replica, args=(part(images), part(labels)))
    first = [strategy.experimental_local_results(g)[0].numpy() / replicas for g in gradients]
    statistics = [np.asarray(v) for v in model.non_trainable_variables if "moving" in v.path]
    return first, statistics


def loss_of(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Return the summed cross entropy of a map of logits, or of one that says yes or no."""
    if logits.shape[-1] > 1:
        return cross_entropy(logits, labels)[0]
    odd = tf.cast(labels[..., None] % 2, logits.dtype)
    return tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(odd, logits))


def difference(ours: list[np.ndarray], theirs: list[np.ndarray]) -> float:
    """Return the largest difference, relative to the largest value of all."""
    largest = max(np.abs(value).max() for value in theirs)
    pairs = zip(ours, theirs, strict=True)
    return float(max(np.abs(a - b).max() for a, b in pairs) / largest)


def main() -> None:
    """Compare one and two logical devices of this machine's processor, network by network."""
    device = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)
    keras.config.set_dtype_policy("float64")
    # Made once: another strategy of two would count its sums from the start again, and meet the
    # shapes of those that were.
    strategies = [tf.distribute.MirroredStrategy(devices) for devices in (["CPU:0"], DEVICES)]
    for line in sys.stdin:
        one, two = (step(strategy, **json.loads(line)) for strategy in strategies)
        found = {
            "weights": len(one[0]),
            "gradients": difference(two[0], one[0]),
            "statistics": difference(two[1], one[1]),
        }
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
