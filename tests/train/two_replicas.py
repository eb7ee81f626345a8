"""The loss of one step with mining on two replicas, and what it has to be, printed as JSON.

python -m tests.train.two_replicas
"""

import json
from typing import Any

import numpy as np

from tests.train import tiny


def main() -> None:
    """Print [loss of a step, quotient of what each half of the batch keeps by itself]."""
    import tensorflow as tf

    from roadseg.train.step import TrainingStep

    cpu = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, two)
    strategy = tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"])
    recipe = tiny.recipe(
        loss={
            "kind": "ohem",
            "ohem_threshold": 0.1,
            "ohem_min_kept": 100,
        },
        network={"options": {"dropout": 0.0}},
    )
    with strategy.scope():
        model = tiny.network(recipe, tiny.CLASSES)
    halves = [half(seed) for seed in range(2)]
    expected = [keep(model, part) for part in halves]
    total, count = (sum(numbers) for numbers in zip(*expected, strict=True))
    step = TrainingStep(recipe, model, None, strategy)
    batch = strategy.experimental_distribute_values_from_function(
        lambda context: halves[context.replica_id_in_sync_group]
    )
    print(json.dumps([float(step(batch, tf.constant(0.0))), total / count]))


def half(seed: int) -> dict[str, Any]:
    """Return two images; the second half's labels are few, so that it keeps all of them."""
    import tensorflow as tf

    random = np.random.default_rng(seed)
    label = random.integers(0, 3, (2, 24, 24)).astype(np.uint8)
    if seed:
        label[:, 2:] = 255
    image = random.integers(0, 255, (2, 24, 24, 3)).astype(np.uint8)
    return {"image": tf.constant(image), "label": tf.constant(label)}


def keep(model: Any, part: dict[str, Any]) -> tuple[float, float]:
    """Return sum and count of the pixels that one replica keeps."""
    import tensorflow as tf

    from roadseg.losses.ohem import ohem_cross_entropy

    scores = model(tf.cast(part["image"], tf.float32), training=True)
    total, count = ohem_cross_entropy(scores, part["label"], 0.1, 100)
    return float(total), float(count)


if __name__ == "__main__":
    main()
