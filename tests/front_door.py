"""Records and a network of one's own for the tests of what `import roadseg` offers.

python -m tests.front_door RECORDS FILE [replicas]: fits a network, as users of Keras do, on one
device or several; see `main`.
"""

import json
import sys
from pathlib import Path
from typing import Any

import keras

import roadseg
from tests.train.tiny import CLASSES, write_records

SIZE = (24, 32)


def write_splits(folder: Path, count: int = 6) -> Path:
    """Write the tiny records, the same images as splits 'train' and 'val'."""
    write_records(folder, count, SIZE)
    for file in list(folder.glob("train-*")):
        (folder / file.name.replace("train", "val", 1)).write_bytes(file.read_bytes())
    return folder


def my_net(
    num_classes: int,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    width: int = 4,
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return a network of two convolutions, as a user would write it."""
    images = keras.Input(input_shape)
    x = keras.layers.Rescaling(1 / 255)(images) if include_preprocessing else images
    x = keras.layers.Conv2D(width, 3, padding="same", name="conv")(x)
    x = keras.layers.BatchNormalization(name="conv.bn")(x)
    x = keras.layers.ReLU(name="conv.relu")(x)
    return keras.Model(images, keras.layers.Conv2D(num_classes, 1, name="logits")(x), name="my_net")


def fitted(records: str | Path, file: str | Path, strategy: Any = None) -> tuple[keras.Model, Any]:
    """Return the README's example of `model.fit`, after two steps, saved as `file`; its history."""
    import tensorflow as tf

    train = roadseg.dataset(records, split="train", batch_size=4, crop_size=SIZE, seed=1)
    val = roadseg.dataset(records, split="val", batch_size=2)
    keras.utils.set_random_seed(0)
    with (strategy or tf.distribute.get_strategy()).scope():
        network = roadseg.create("espnet_c", CLASSES, p=1, q=1)
        network.compile(
            optimizer=keras.optimizers.SGD(0.01, momentum=0.9),
            loss=roadseg.losses.OhemCrossentropy(ignore=255, min_kept=100),
            metrics=[roadseg.metrics.MeanIoU(num_classes=CLASSES, ignore=255)],
        )
    history = network.fit(train, validation_data=val, steps_per_epoch=2, epochs=1, verbose=0)
    network.save(file)
    return network, history.history


def main() -> int:
    """Fit on as many virtual devices as asked for; print the history as JSON."""
    import tensorflow as tf

    records, file, replicas = sys.argv[1], sys.argv[2], int(sys.argv[3])
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * replicas
    )
    strategy = tf.distribute.MirroredStrategy([f"/cpu:{n}" for n in range(replicas)])
    assert strategy.num_replicas_in_sync == replicas
    print(json.dumps(fitted(records, file, strategy)[1]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
