"""What a recipe may not say: refused before anything is built, with the field and the way out."""

import difflib

import tensorflow as tf

import roadseg
from roadseg.datasets.label_table import LabelTable
from roadseg.errors import RoadsegError
from roadseg.recipe import Recipe


def check_recipe(recipe: Recipe, table: LabelTable) -> None:
    """Raise RoadsegError for values that cannot be trained on a data set with these classes."""
    sizes = {
        "crop_size": recipe.crop_size,
        "sampling_size": recipe.sampling_size,
        "grid_size": recipe.grid_size,
        "auxiliary_input": recipe.auxiliary_input,
    }
    for name, size in sizes.items():
        _need(min(size) >= 2, name, size, "at least 2 a side")
    for name in ("batch_size", "steps", "summary_every_steps", "shuffle_buffer"):
        _need(getattr(recipe, name) >= 1, name, getattr(recipe, name), "at least 1")
    _need(recipe.learning_rate > 0, "learning_rate", recipe.learning_rate, "above 0")
    _need(0 <= recipe.ema < 1, "ema", recipe.ema, "from 0 to below 1")
    ordered = 0 < recipe.min_scale <= recipe.max_scale
    _need(ordered, "min_scale", recipe.min_scale, "above 0 and at most max_scale")
    _need(0 < recipe.target_alpha <= 1, "target_alpha", recipe.target_alpha, "above 0, at most 1")
    for train_id in recipe.target_classes if recipe.task == "sampling" else ():
        _need(
            0 <= train_id < table.num_classes,
            "target_classes",
            recipe.target_classes,
            f"{table.name} has classes 0 to {table.num_classes - 1}; none given means all",
        )
    if recipe.task == "sampling":
        _check_grid(recipe)
    elif recipe.model not in roadseg.list_models():
        near = difflib.get_close_matches(recipe.model, roadseg.list_models(), n=3, cutoff=0.3)
        there = ", ".join(near or roadseg.list_models())
        raise RoadsegError(f"--model {recipe.model}: no such network; near: {there}")


def check_devices(recipe: Recipe, strategy: tf.distribute.Strategy) -> None:
    """Refuse what the devices cannot do, and say what will be slow."""
    replicas = strategy.num_replicas_in_sync
    if recipe.batch_size % replicas:
        raise RoadsegError(
            f"batch_size={recipe.batch_size} cannot be cut for {replicas} replicas; "
            f"take a multiple of {replicas}"
        )
    if recipe.xla and replicas > 1:
        raise RoadsegError("xla=True works on one device; leave it out with several replicas")
    if recipe.xla and not tf.config.list_physical_devices("GPU"):
        print("warning: --xla without a GPU; depthwise layers are about 20 times slower with it")


def _check_grid(recipe: Recipe) -> None:
    (height, width), (rows, columns) = recipe.auxiliary_input, recipe.grid_size
    fits = height % rows == 0 and width % columns == 0 and height // rows == width // columns
    stride = height // rows
    allowed = stride in (4, 8, 16, 32)
    _need(
        fits and allowed,
        "grid_size",
        recipe.grid_size,
        f"auxiliary_input {recipe.auxiliary_input} divided by 4, 8, 16 or 32",
    )


def _need(holds: bool, field: str, value: object, wanted: str) -> None:
    if not holds:
        raise RoadsegError(f"--{field.replace('_', '-')} {value}: wanted {wanted}")
