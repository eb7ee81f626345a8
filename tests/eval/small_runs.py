"""Run folders of small, untrained networks, made through the public interface."""

from pathlib import Path
from typing import Any

from roadseg.label_tables.label_table import LabelTable
from roadseg.recipe import groups
from roadseg.recipe.recipe import Recipe
from roadseg.runs.checkpoint import write_checkpoint
from roadseg.runs.run_folder import RunFolder, build_network, variable_arrays

TABLE = LabelTable(
    name="three",
    names=("road", "car", "person"),
    colours=((128, 64, 128), (0, 0, 142), (220, 20, 60)),
    categories=("flat", "vehicle", "human"),
    target_classes=(1, 2),
    small_classes=(2,),
)
RECIPE = Recipe(
    name="small",
    task="segmentation",
    source="made for a test",
    model="tiny",
    network=groups.Network(
        options={"stride": 4},
        evaluation_options={"stride": 2},
    ),
    augment=groups.Augment(crop_size=(64, 64)),
    sampling=groups.Sampling(
        kind="uniform",
        window="crop",
        size=(32, 32),
    ),
    steps=20,
)
AUXILIARY = RECIPE.replace(
    name="small_nus",
    task="sampling_grid",
    model="nus_sampler",
    network={
        "options": {},
        "evaluation_options": {},
    },
    sampling={"kind": "none"},
    sampler={"width": 0.1},
)


def tiny(num_classes: int, stride: int = 4, input_shape: Any = (None, None, 3)) -> Any:
    """Return a network of two convolutions, built in milliseconds."""
    import keras

    images = keras.Input(input_shape)
    features = keras.layers.Conv2D(4, 3, stride, "same", activation="relu", name="stem")(images)
    logits = keras.layers.Conv2DTranspose(num_classes, 3, stride, "same", name="logits")(features)
    return keras.Model(images, logits, name="tiny")


def small_run(folder: Path, recipe: Recipe = RECIPE, step: int = 20) -> RunFolder:
    """Return a run with one checkpoint of untrained weights; adaptive ones with their auxiliary."""
    run = RunFolder(folder)
    run.begin(recipe, TABLE)
    classes = 0 if recipe.task == "sampling_grid" else TABLE.num_classes
    weights = variable_arrays(build_network(recipe, classes))
    write_checkpoint(run.checkpoint_folder, step, {"weights": weights}, {})
    if recipe.sampling.kind == "nus":
        small_run(folder / "auxiliary", AUXILIARY)
    return run
