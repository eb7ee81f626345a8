"""Small records and run folders for the tests of evaluation, made in a moment."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from roadseg.label_tables import LabelTable
from roadseg.recipe.recipe import Recipe
from roadseg.runs.run_folder import RunFolder
from tests.examples import example_values, serialized

NAMES = ("ground", "wall", "pole", "person")
TABLE = LabelTable(
    name="toy",
    names=NAMES,
    colours=((90, 60, 90), (70, 70, 70), (150, 150, 150), (220, 20, 60)),
    categories=("flat", "object", "object", "human"),
    target_classes=(3,),
)
SIZE = (48, 64)


def street(seed: int, size: tuple[int, int] = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """Return an image (height, width, 3) and its labels: ground, wall, a pole, a person, a void."""
    random = np.random.default_rng(seed)
    height, width = size
    label = np.zeros(size, np.uint8)
    label[: height // 2] = 1
    left = int(random.integers(2, width - 4))
    label[4:-4, left : left + 2] = 2
    centre = (int(random.integers(8, width - 8)), int(random.integers(12, height - 8)))
    cv2.ellipse(label, centre, (4, 7), 0, 0, 360, 3, -1)
    image = np.array(TABLE.colours, np.uint8)[label]
    label[-3:] = 255
    noise = random.integers(-12, 12, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8), label


def write_records(
    folder: Path, count: int = 3, split: str = "val", table: LabelTable | None = TABLE
) -> Path:
    """Write `count` street images as one shard of `split` and return the folder.

    Labels that are no class of `table` are ignored.
    """
    import tensorflow as tf

    folder.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / f"{split}-00000-of-00001.tfrecord")) as writer:
        for number in range(count):
            image, label = street(number)
            if table is not None:
                label = np.where(label < table.num_classes, label, 255).astype(np.uint8)
            writer.write(serialized(example_values(image, label, f"{split}{number}")))
    if table is not None:
        (folder / "label_table.json").write_text(table.to_json())
    return folder


def recipe(records: Path, **values: Any) -> Recipe:
    """Return a small segmentation recipe on `records`; `values` replace fields.

    The network 'tiny' is registered by this folder's conftest.
    """
    settings: dict[str, Any] = {
        "records": str(records),
        "augment.crop_size": (48, 48),
        "sampling.kind": "uniform",
        "sampling.size": (16, 16),
        "model": "tiny",
        "network.options": {"stride": 4},
        "network.evaluation_options": {"stride": 2},
        "sampler.width": 0.1,
        "steps": 30,
    }
    base = Recipe(name="toy", task="segmentation", source="made for tests")
    return base.replace(**settings).replace(**values)


def begin_run(folder: Path, of: Recipe, table: LabelTable = TABLE) -> RunFolder:
    """Begin a run without any checkpoint."""
    run = RunFolder(folder)
    run.begin(of, table)
    return run


def add_checkpoint(run: RunFolder, step: int, seed: int = 0) -> Path:
    """Write a checkpoint of random weights at `step`."""
    import keras

    from roadseg.runs.checkpoint import write_checkpoint
    from roadseg.runs.run_folder import build_network, variable_arrays

    keras.utils.set_random_seed(seed)
    model = build_network(run.recipe, run.num_outputs)
    arrays = variable_arrays(model)
    random = np.random.default_rng(seed)
    for name, array in arrays.items():
        # A fresh auxiliary network predicts its mean locations, whatever it sees.
        if run.recipe.task == "sampling_grid" and name.endswith(("kernel", "bias")):
            arrays[name] = array + random.normal(0, 0.1, array.shape).astype(array.dtype)
    return write_checkpoint(run.checkpoint_folder, step, {"weights": arrays}, {"seed": seed})
