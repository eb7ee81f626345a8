"""What the tests of export share: a small run, and a small model behind sampling."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from roadseg.export.graphs.trial import make_lively
from roadseg.label_tables.label_table import LabelTable
from roadseg.models.density_sampler import density_sampler
from roadseg.recipe import groups
from roadseg.recipe.recipe import Recipe
from roadseg.runs import checkpoint
from roadseg.runs.run_folder import RunFolder, build_network, variable_arrays
from roadseg.sampling import SampledSegmenter
from roadseg.sampling.density import DensitySampler
from tests.sampling.support import small_nus

CLASSES = ("road", "pole", "person")
COLOURS = ((128, 64, 128), (153, 153, 153), (220, 20, 60))


def small_network(classes: int = 3) -> keras.Model:
    """Return a network with logits at half its input's size, larger where the image is bright."""
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((None, None, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu"),
            keras.layers.Conv2D(classes, 1),
        ],
        name="small",
    )


def heavy_network() -> keras.Model:
    """Return a network of 2.4 MB, more than the small disks of the tests hold."""
    layers = [keras.layers.Conv2D(256, 3, padding="same"), keras.layers.Conv2D(256, 3)]
    return keras.Sequential([keras.Input((None, None, 3)), *layers])


def small_segmenter(
    window: tuple[int, int] | None = None, sampler: str = "nus"
) -> SampledSegmenter:
    """Return the small network behind sampling at 24x32."""
    made = {"nus": small_nus, "density": small_density}.get(sampler, lambda: sampler)()
    return SampledSegmenter(small_network(), made, (24, 32), window=window)


def small_density() -> DensitySampler:
    """Return an untrained density network of 4x6 cells, its density as uneven as a trained one."""
    keras.utils.set_random_seed(3)
    sampler = DensitySampler(density_sampler((16, 24), width=4))
    logits = sampler.network.get_layer("logits")
    logits.set_weights([weights * 100 for weights in logits.get_weights()])
    return sampler


def make_run(
    folder: Path,
    sampling: str = "uniform",
    steps: tuple[int, ...] = (3,),
    void_class: bool = False,
) -> RunFolder:
    """Make a run whose checkpoints hold a tenth of DeepLab's width, untrained."""
    table = LabelTable("test", CLASSES, COLOURS)
    options = {"depth_multiplier": 0.1}
    recipe = Recipe(
        name="tiny",
        task="segmentation",
        source="a test",
        network=groups.Network(
            options=options,
            evaluation_options={"output_stride": 8},
            void_class=void_class,
        ),
        sampling=groups.Sampling(
            kind=sampling,  # type: ignore[arg-type]
            window="crop",
            size=(32, 32),
        ),
        augment=groups.Augment(crop_size=(64, 64)),
    )
    run = RunFolder(folder)
    run.begin(recipe, table)
    _write_checkpoints(run, recipe, len(CLASSES) + void_class, steps)
    if sampling == "nus":
        auxiliary = Recipe(
            name="auxiliary", task="sampling_grid", source="a test", model="nus_sampler"
        )
        copy = RunFolder(folder / "auxiliary")
        copy.begin(auxiliary, table)
        _write_checkpoints(copy, auxiliary, 0, (1,))
    return run


def _write_checkpoints(
    run: RunFolder, recipe: Recipe, classes: int, steps: tuple[int, ...]
) -> None:
    network = build_network(recipe, classes)
    for step in steps:
        checkpoint.write_checkpoint(
            run.checkpoint_folder, step, {"weights": variable_arrays(network)}, {}
        )


def normalised_network() -> keras.Model:
    """Return a network of four classes with three convolutions before normalisations of its own.

    It tells bright and dark, red and blue apart, as `precision.support.colour_network` does.
    """
    keras.utils.set_random_seed(1)
    kinds = keras.layers
    image = keras.Input((None, None, 3))
    x = kinds.Rescaling(1 / 127.5, -1)(image)
    for layer in (
        kinds.Conv2D(12, 3, padding="same", use_bias=False),
        kinds.DepthwiseConv2D(3, padding="same"),
        kinds.Conv2D(12, 1),
    ):
        x = kinds.ReLU()(kinds.BatchNormalization()(layer(x)))
    network = keras.Model(image, kinds.Conv2D(4, 1)(x), name="normalised")
    make_lively(network, np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3)))
    return network


def make_run_of_pairs(folder: Path, model: str, table: LabelTable, **values: Any) -> RunFolder:
    """Make a run of two cameras with one checkpoint, untrained. values: of its recipe."""
    recipe = Recipe(name="both", task="two_cameras", source="a test", model=model, **values)
    run = RunFolder(folder)
    run.begin(recipe, table)
    _write_checkpoints(run, recipe, len(table.names), (1,))
    return run
