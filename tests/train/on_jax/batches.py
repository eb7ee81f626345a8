"""The first batches of several recipes, as they are made on the backend of this process.

python -m tests.train.on_jax.batches FILE RECORDS PAIRS
"""

import sys
from pathlib import Path

import numpy as np

from tests.train.on_jax.twenty_steps import COMMON

# Recipes with every kind of crop and batch that takes operations of Keras's to make.
RECIPES = (
    "real_time/pidnet_s",
    "real_time/espnetv2",
    "sgcpnet/camvid",
    "nus/sampler",
    "sampling/density",
    "semantics_sharing/flow_small",
)
OF_PAIRS = "semantics_sharing/segmentation"
BATCHES = 2


def main() -> None:
    """Write the batches to FILE, by recipe, number and name."""
    from roadseg.train.data.pipeline import training_batches
    from roadseg.train.data.records import open_training_records
    from roadseg.train.recipes import get

    file, records, pairs = sys.argv[1:]
    found: dict[str, np.ndarray] = {}
    for name in (*RECIPES, OF_PAIRS):
        folder = pairs if name == OF_PAIRS else records
        recipe = get(name).replace(**COMMON | {"records": folder, "sampler.classes": ()})
        batches = training_batches(recipe, open_training_records(recipe)).take(BATCHES)
        for number, batch in enumerate(batches.as_numpy_iterator()):
            found |= {f"{name} {number} {part}": array for part, array in batch.items()}
    np.savez(Path(file), **found)


if __name__ == "__main__":
    main()
