"""What two replicas do, in one process, since logical devices are made before all else.

python -m tests.train.two_replicas FOLDER RECORDS
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tests.train import tiny

# Without dropout, of which each replica draws a mask of its own.
RUNS: dict[str, dict[str, Any]] = {
    "plain": {"network.options": {"dropout": 0.0}},
    # One pixel is asked for, so the threshold alone decides, on each replica as on both.
    "heads": {
        "network.options": {"dropout": 0.0, "side": True},
        "loss.kind": "ohem",
        "loss.ohem_min_kept": 1,
        "optimizer.kind": "adam",
    },
}


def main() -> None:
    """Train `RUNS` to folders of these names; print what `mining` gives as JSON."""
    import tensorflow as tf

    from roadseg.runs.run_folder import RunFolder
    from roadseg.train.loop import train

    cpu = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, two)
    strategy = tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"])
    tiny.use_tiny_network()
    folder, records = Path(sys.argv[1]), Path(sys.argv[2])
    for name, changes in RUNS.items():
        assert train(tiny.recipe(records, **changes), RunFolder(folder / name), strategy) == 0
    print(json.dumps(mining(strategy)))


def mining(strategy: Any) -> list[float]:
    """Return loss of a step, and quotient of what each half of the batch keeps by itself."""
    import tensorflow as tf

    from roadseg.train.step import TrainingStep

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
    return [float(step(batch, tf.constant(0.0))), total / count]


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

    logits = model(tf.cast(part["image"], tf.float32), training=True)
    total, count = ohem_cross_entropy(logits, part["label"], 0.1, 100)
    return float(total), float(count)


if __name__ == "__main__":
    main()
