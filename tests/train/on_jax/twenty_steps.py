"""Steps of several recipes on the backend of this process, from the same weights on both.

python -m tests.train.on_jax.twenty_steps FOLDER RECORDS PAIRS [NAME ...]
"""

import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from roadseg.recipe.recipe import Recipe
from tests import pairs
from tests.train import tiny

STEPS = 20
SIZE = (72, 96)
"""Of the images in the records."""
COMMON: dict[str, Any] = {
    "split": "train",
    "batch_size": 4,
    "start.initial_weights": "none",
    "start.part": "all",
    "data.shuffle_buffer": 4,
    "augment.crop_size": (64, 64),
    "log.summary_every_steps": 1,
    "log.checkpoint_every_steps": 0,
    "log.pictures_every_steps": 0,
}
TINY = {"network.options": {"tiny": True, "dropout": 0.0, "side": True}}
"""What puts the tiny network in the place of a recipe's."""
# Name -> recipe, its changes: of several tasks, with losses, updates and schedules of their own.
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "cross_entropy": (
        "camvid/dabnet",
        {"loss.class_weights": "frequency", "schedule.warm_up_steps": 5, **TINY},
    ),
    "ohem_and_heads": ("fast_seg/fast_scnn", {"loss.ohem_min_kept": 500, **TINY}),
    "density": ("sampling/density", {}),
    "two_cameras": ("semantics_sharing/segmentation", {"model": "tiny_coupled"}),
}
# One step alone: in deep networks rounding flips a ReLU here and there, of which each step makes
# more.
DEEP: dict[str, tuple[str, dict[str, Any]]] = {
    "dabnet": ("camvid/dabnet", {"loss.class_weights": "none", "schedule.warm_up_steps": 0}),
    "fast_scnn": ("fast_seg/fast_scnn", {"loss.ohem_min_kept": 500}),
    "nus_sampler": ("nus/sampler", {"sampler.classes": ()}),
    "pwcnet": (
        "semantics_sharing/flow_small",
        {"network.options": {"widths": (3, 4, 4, 4, 4, 4, 4), "search_range": 1}},
    ),
}


def recipe_of(name: str, records: Path | str = "records") -> Recipe:
    """Return the recipe of a case, small enough for this."""
    from roadseg.train.recipes import get

    base, changes = (CASES | DEEP)[name]
    steps = STEPS if name in CASES else 1
    return get(base).replace(records=str(records), **COMMON | {"steps": steps}).replace(**changes)


def assign_weights(recipe: Recipe, model: Any, table: Any = None) -> None:
    """Set every kernel and bias of `model` by its name; let nothing be dropped.

    In place of `load_start`: backends draw different weights, and different masks.
    """
    import keras

    from roadseg.layers.introspection import weights

    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Dropout | keras.layers.SpatialDropout2D):
            layer.rate = 0.0
    for layer, variable in weights(model).values():
        if variable.name == "bias":
            variable.assign(np.linspace(-0.1, 0.1, variable.shape[0]))
        if len(variable.shape) == 4:
            # Of a depthwise kernel each output has one channel of the input.
            depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
            inputs = np.prod(variable.shape[: 2 if depthwise else 3])
            random = np.random.default_rng(zlib.crc32(variable.path.encode()))
            variable.assign(random.standard_normal(variable.shape) * np.sqrt(2.0 / inputs))


def main() -> None:
    """Train the cases to folders of their names."""
    import pytest

    from roadseg.runs.run_folder import RunFolder
    from roadseg.train import loop

    built = loop.build_network

    def build(recipe: Recipe, *rest: Any) -> Any:
        return (tiny.network if "tiny" in recipe.network.options else built)(recipe, *rest)

    pairs.register(pytest.MonkeyPatch())
    loop.build_network, loop.load_start = build, assign_weights
    folder, records, two = map(Path, sys.argv[1:4])
    for name in sys.argv[4:] or [*CASES, *DEEP]:
        recipe = recipe_of(name, two if name == "two_cameras" else records)
        assert loop.train(recipe, RunFolder(folder / name)) == 0


if __name__ == "__main__":
    main()
