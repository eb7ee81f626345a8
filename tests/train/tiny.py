"""A network, records and a recipe small enough to train in a second, also as a process of its own.

python -m tests.train.tiny RUN RECORDS [options]: see `main`.
"""

import argparse
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roadseg.label_tables.label_table import LabelTable
from roadseg.recipe.recipe import Recipe
from tests.examples import example_values, serialized

CLASSES = 3
TABLE = LabelTable(
    name="tiny",
    names=("road", "car", "sky"),
    colours=((128, 64, 128), (0, 0, 142), (70, 130, 180)),
)


def write_records(folder: Path, count: int = 10, size: tuple[int, int] = (24, 32), shards: int = 3):
    """Write `count` images in which brightness tells the class, and the label table."""
    import tensorflow as tf

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "label_table.json").write_text(TABLE.to_json())
    random = np.random.default_rng(0)
    for shard in range(shards):
        name = f"train-{shard:05d}-of-{shards:05d}.tfrecord"
        with tf.io.TFRecordWriter(str(folder / name)) as writer:
            for number in range(shard, count, shards):
                writer.write(_example(number, random, size))
    return folder


def _example(number: int, random: np.random.Generator, size: tuple[int, int]) -> bytes:
    label = np.zeros(size, np.uint8)
    top, left = random.integers(0, size[0] // 2), random.integers(0, size[1] // 2)
    label[top : top + 9, left : left + 9] = 1
    label[:4] = 2
    label[-2:, -2:] = 255
    image = np.asarray([60, 200, 120] + [0] * 252 + [90])[label][..., None]
    image = np.clip(image + random.integers(-30, 30, (*size, 3)), 0, 255).astype(np.uint8)
    return serialized(example_values(image, label, f"image_{number:03d}"))


def recipe(records: Path | str = "records", **changes: Any) -> Recipe:
    """Return a recipe of a few steps on the tiny records."""
    values: dict[str, Any] = {
        "records": str(records),
        "augment.crop_size": (24, 24),
        "data.shuffle_buffer": 4,
        "batch_size": 4,
        "steps": 8,
        "optimizer.learning_rate": 0.05,
        "optimizer.bias_gradient_factor": 2.0,
        "log.checkpoint_every_steps": 3,
        "log.summary_every_steps": 4,
        "log.pictures_every_steps": 0,
        "network.options": {"dropout": 0.1},
        "sampler.grid_size": (3, 3),
        "sampler.input_size": (12, 12),
    }
    base = Recipe(name="tiny", task="segmentation", source="made for tests")
    return base.replace(**values).replace(**changes)


def network(recipe: Recipe, num_classes: int, evaluation: bool = False) -> Any:
    """Return a network with every kind of layer that training treats in its own way."""
    import keras
    from keras import layers

    from roadseg.layers.mean_locations import MeanLocations
    from roadseg.layers.precision import full_precision

    sampling = recipe.task == "sampling_grid"
    images = keras.Input((*recipe.sampler.input_size, 3) if sampling else (None, None, 3))
    x = layers.Rescaling(2 / 255, offset=-1, dtype=full_precision())(images)
    strides = 4 if sampling else 1
    x = layers.Conv2D(4, 3, strides, padding="same", use_bias=False, name="conv")(x)
    x = layers.BatchNormalization(momentum=0.9, name="conv.bn")(x)
    x = layers.ReLU(name="conv.relu")(x)
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")(x)
    x = layers.Dropout(float(recipe.network.options.get("dropout", 0.1)), name="dropout")(x)
    if sampling:
        shifts = layers.Conv2D(2, 1, name="shifts")(x)
        return keras.Model(
            images, MeanLocations(name="mean_locations", dtype="float32")(shifts), name="tiny"
        )
    x = layers.Conv2D(num_classes, 1, name="logits")(x)
    logits = layers.Activation("linear", dtype=full_precision(), name="output.logits")(x)
    if recipe.network.options.get("side") and not evaluation:
        side = layers.Conv2D(num_classes, 3, strides=2, padding="same", name="side.conv")(x)
        side = layers.Activation("linear", dtype=full_precision(), name="side")(side)
        return keras.Model(images, {"logits": logits, "side": side}, name="tiny")
    return keras.Model(images, logits, name="tiny")


def use_tiny_network() -> None:
    """Let runs build the tiny network, in this process."""
    import roadseg.runs.run_folder
    import roadseg.train.loop

    roadseg.runs.run_folder.build_network = network
    roadseg.train.loop.build_network = network


def patch_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs build the tiny network, as long as `monkeypatch` lasts.

    The loop is imported before anything is patched: it takes `build_network` from the run folder by
    name, and would otherwise keep the tiny one for ever.
    """
    from roadseg.runs import run_folder
    from roadseg.train import loop

    for module in (run_folder, loop):
        monkeypatch.setattr(module, "build_network", network)


def kill_at_file(count: int) -> None:
    """Let this process be killed before it writes file `count` of its checkpoints."""
    from roadseg.files import Arrays
    from roadseg.runs import checkpoint

    write, written = checkpoint._write_arrays, []

    def write_or_die(path: Path, arrays: Arrays) -> None:
        written.append(path)
        if len(written) == count:
            path.write_bytes(b"PK half a file")
            os.kill(os.getpid(), signal.SIGKILL)
        write(path, arrays)

    checkpoint._write_arrays = write_or_die


def main() -> int:
    """Train the tiny recipe in a process that can be killed or that has two CPU devices."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run")
    parser.add_argument("records")
    parser.add_argument("--replicas", type=int, default=1)
    parser.add_argument("--kill-at-file", type=int, default=0)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--optimizer.ema-decay", dest="ema", type=float, default=0.0)
    parser.add_argument("--side", action="store_true", help="train an auxiliary head")
    parser.add_argument("--ohem", action="store_true", help="mine pixels, by the threshold alone")
    parser.add_argument("--optimizer.kind", dest="optimizer", default="sgd")
    parser.add_argument("--batch-norm.unsynchronised", dest="local_norms", nargs="*", default=())
    arguments = parser.parse_args()
    import tensorflow as tf

    from roadseg.errors import RoadsegError
    from roadseg.runs.run_folder import RunFolder
    from roadseg.train.loop import train

    strategy = None
    if arguments.replicas > 1:
        cpu = tf.config.list_physical_devices("CPU")[0]
        logical = [tf.config.LogicalDeviceConfiguration()] * arguments.replicas
        tf.config.set_logical_device_configuration(cpu, logical)
        names = [f"/cpu:{i}" for i in range(arguments.replicas)]
        strategy = tf.distribute.MirroredStrategy(names)
    use_tiny_network()
    if arguments.kill_at_file:
        kill_at_file(arguments.kill_at_file)
    options = {"dropout": arguments.dropout} | ({"side": True} if arguments.side else {})
    mining = {"loss.kind": "ohem", "loss.ohem_min_kept": 1} if arguments.ohem else {}
    tiny = recipe(
        arguments.records,
        steps=arguments.steps,
        network={"options": options},
        precision=arguments.precision,
        optimizer={
            "ema_decay": arguments.ema,
            "kind": arguments.optimizer,
        },
        batch_norm={"unsynchronised": tuple(arguments.local_norms)},
        **mining,
    )
    try:
        return train(tiny, RunFolder(arguments.run), strategy)
    except RoadsegError as error:
        print(f"error: {error}")
        return error.status


if __name__ == "__main__":
    raise SystemExit(main())
