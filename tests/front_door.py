"""Records and a network of one's own for the tests of what `import roadseg` offers.

python -m tests.front_door RECORDS REPLICAS: fits a network as users of Keras do; see `main`.
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np

import roadseg
from roadseg.metrics.confusion import ConfusionMatrix
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


def compiled() -> keras.Model:
    """Return a network of this package with the loss and the metric of the README's example."""
    network = roadseg.create("espnet_c", CLASSES, p=1, q=1)
    network.compile(
        optimizer=keras.optimizers.SGD(0.01, momentum=0.9),
        loss=roadseg.losses.OhemCrossentropy(ignore=255, min_kept=100),
        metrics=[roadseg.metrics.MeanIoU(num_classes=CLASSES, ignore=255)],
    )
    return network


def fit(network: keras.Model, records: str | Path) -> dict[str, list[float]]:
    """Train for two steps, measure, and return what both gave."""
    train = roadseg.dataset(records, split="train", batch_size=4, crop_size=SIZE, seed=1)
    val = roadseg.dataset(records, split="val", batch_size=2)
    history = network.fit(train, validation_data=val, steps_per_epoch=2, epochs=1, verbose=0)
    return history.history  # type: ignore[no-any-return]


def counted(network: keras.Model, records: str | Path) -> float:
    """Return the mean IoU of `network` on 'val', counted outside of Keras's loop."""
    matrix = ConfusionMatrix(CLASSES)
    for image, label in roadseg.dataset(records, split="val", batch_size=2):
        matrix.add(np.asarray(label), np.asarray(network(image)).argmax(-1))
    return matrix.metrics().miou()


def main() -> int:
    """Measure and fit on as many virtual devices as asked for; print what came of it as JSON."""
    import tensorflow as tf

    records, replicas = sys.argv[1], int(sys.argv[2])
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * replicas
    )
    strategy = tf.distribute.MirroredStrategy([f"/cpu:{n}" for n in range(replicas)])
    with strategy.scope():
        network = compiled()
    val = roadseg.dataset(records, split="val", batch_size=2)
    before = network.evaluate(val, return_dict=True, verbose=0)["mean_iou"]
    alone, first = counted(network, records), np.asarray(network.trainable_variables[0])
    history = fit(network, records)
    kernels = strategy.experimental_local_results(network.trainable_variables[0].value)
    values = [np.asarray(kernel).tolist() for kernel in kernels]
    moved = not np.array_equal(first, values[0])
    print(json.dumps([before, alone, history, moved, values]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
