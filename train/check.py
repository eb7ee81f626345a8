"""What a recipe may not say: refused before anything is built, with the field and the way out."""

import math
from typing import TYPE_CHECKING

from roadseg.errors import RoadsegError
from roadseg.label_tables.label_table import LabelTable
from roadseg.recipe.recipe import Recipe
from roadseg.tasks.table import DENSITY, task_of
from roadseg.train.advice import advice
from roadseg.train.network_check import need
from roadseg.train.on_jax import check as on_jax

if TYPE_CHECKING:
    from roadseg.train.devices import Strategy


def check_numbers(recipe: Recipe, framed: bool = False) -> None:
    """Raise RoadsegError for numbers that no data set and no network can be trained with.

    framed: a crop_size of 0 0 was replaced by the size of the images, where it can be.
    """
    sizes = {
        "augment.crop_size": recipe.augment.crop_size,
        "sampling.size": recipe.sampling.size,
        "sampler.grid_size": recipe.sampler.grid_size,
        "sampler.input_size": recipe.sampler.input_size,
    }
    if task_of(recipe) is DENSITY:  # its own check is closer
        del sizes["sampler.input_size"]
    if not framed and recipe.augment.crop_size == (0, 0):
        del sizes["augment.crop_size"]
    for name, size in sizes.items():
        need(min(size) >= 2, name, size, "at least 2 a side")
    at_least_1 = ("batch_size", "steps", "log.summary_every_steps", "data.shuffle_buffer")
    for name in (*at_least_1, "schedule.update_every_steps", "class_uniform.tile"):
        need(recipe.value(name) >= 1, name, recipe.value(name), "at least 1")
    need(
        recipe.optimizer.learning_rate > 0,
        "optimizer.learning_rate",
        recipe.optimizer.learning_rate,
        "above 0",
    )
    _check_optimisation(recipe)
    _check_colour(recipe)
    need(
        0 <= recipe.optimizer.ema_decay < 1,
        "optimizer.ema_decay",
        recipe.optimizer.ema_decay,
        "from 0 to below 1",
    )
    _check_finite(recipe)
    ordered = 0 < recipe.augment.min_scale <= recipe.augment.max_scale
    need(ordered, "augment.min_scale", recipe.augment.min_scale, "above 0 and at most max_scale")
    need(0 < recipe.sampler.alpha <= 1, "sampler.alpha", recipe.sampler.alpha, "above 0, at most 1")


def _check_finite(recipe: Recipe) -> None:
    for field, value in recipe.flat().items():
        listed = value if isinstance(value, tuple) else (value,)
        finite = all(math.isfinite(x) for x in listed if isinstance(x, float))
        need(finite, field, value, "finite")


def check_recipe(recipe: Recipe, table: LabelTable) -> None:
    """Raise RoadsegError for values that cannot be trained on a data set with these classes."""
    from roadseg.losses.cross_entropy import PUBLISHED_WEIGHTS
    from roadseg.train.tasks.table import training_of

    check_numbers(recipe, framed=True)
    _check_class_uniform(recipe, table)
    weights = recipe.loss.class_weights
    outputs = table.num_classes + recipe.network.void_class
    count = len(PUBLISHED_WEIGHTS.get(weights, range(outputs)))
    wanted = f"'frequency': the network has {outputs} outputs, not {count}"
    need(count == outputs, "loss.class_weights", weights, wanted)
    strength = recipe.sampling.strength
    need(0 <= strength < 1, "sampling.strength", strength, "0 to below 1")
    at_samples = recipe.loss.size == "samples" or recipe.sampling.kind != "none"
    wanted = "samples: there is no sampler to come back from; its loss is taken at every pixel"
    need(at_samples, "loss.size", recipe.loss.size, wanted)
    training_of(recipe).check(recipe, table)
    fitted = recipe.start.initial_weights == "unit_variance"
    need(
        not (fitted and task_of(recipe).has_classes),
        "start.initial_weights",
        "unit_variance",
        "flows only",
    )
    need(
        recipe.start.part == "all"
        or recipe.start.initial_weights not in ("", "none", "unit_variance"),
        "start.part",
        recipe.start.part,
        "a part of a file or run; name it with --start.initial-weights",
    )


def check_devices(recipe: Recipe, strategy: "Strategy") -> None:
    """Refuse what the devices cannot do, and say what will be slow."""
    import keras
    import tensorflow as tf

    if keras.config.backend() == "jax":
        on_jax.check_devices(recipe, strategy)
    replicas = strategy.num_replicas_in_sync
    if recipe.batch_size % replicas:
        raise RoadsegError(
            f"batch_size={recipe.batch_size} cannot be cut for {replicas} replicas; "
            f"take a multiple of {replicas}"
        )
    _check_batch(recipe, replicas)
    if recipe.xla and replicas > 1:
        raise RoadsegError("xla=True works on one device; leave it out with several replicas")
    for line in advice(recipe):
        print(f"warning: {line}")
    if (
        recipe.xla
        and keras.config.backend() == "tensorflow"
        and not tf.config.list_physical_devices("GPU")
    ):
        print("warning: --xla without a GPU; depthwise layers are about 20 times slower with it")


def _check_batch(recipe: Recipe, replicas: int) -> None:
    """Refuse batches of which batch normalisation would see too few images."""
    from roadseg.models.registry import find, is_known

    if task_of(recipe).is_sampler or recipe.batch_norm.frozen or not is_known(recipe.model):
        return
    least = find(recipe.model).min_batch_size
    seen = recipe.batch_size // replicas if recipe.batch_norm.unsynchronised else recipe.batch_size
    if seen < least:
        raise RoadsegError(
            f"--batch-size {recipe.batch_size}: batch normalisation inside {recipe.model} sees one "
            f"value an image and gives nothing of {seen}; take {least} images or more"
            f"{' a replica' if recipe.batch_norm.unsynchronised else ''}, or --batch-norm.frozen"
        )


def _check_colour(recipe: Recipe) -> None:
    jitter, sigma = recipe.augment.colour_jitter, recipe.augment.blur_sigma
    need(0 <= jitter <= 0.5, "augment.colour_jitter", jitter, "0 to 0.5")
    ordered = len(sigma) == 2 and 0 <= sigma[0] <= sigma[1] <= 8
    need(ordered, "augment.blur_sigma", sigma, "smallest and largest, 0 to 8; 0 0 for none")


def _check_class_uniform(recipe: Recipe, table: LabelTable) -> None:
    share, classes = recipe.class_uniform.fraction, recipe.class_uniform.coarse_classes
    need(0 <= share <= 1, "class_uniform.fraction", share, "0 to 1")
    both = bool(recipe.class_uniform.coarse_split) == bool(classes)
    need(
        both,
        "class_uniform.coarse_split",
        repr(recipe.class_uniform.coarse_split),
        "together with --class-uniform.coarse-classes",
    )
    used = bool(share) or not classes
    need(used, "class_uniform.coarse_classes", classes, "together with --class-uniform.fraction")
    known = all(0 <= train_id < table.num_classes for train_id in classes)
    wanted = f"{table.name} has classes 0 to {table.num_classes - 1}"
    need(known, "class_uniform.coarse_classes", classes, wanted)


def _check_optimisation(recipe: Recipe) -> None:
    least = {"loss.ohem_min_kept": 0, "loss.auxiliary_weight": 0, "schedule.final_learning_rate": 0}
    least |= {
        "augment.min_side": 0,
        "schedule.extra_steps": 0,
        "optimizer.max_gradient_norm": 0,
        "loss.main_weight": 0,
    }
    least |= {"edges.weight": 0, "edges.aware_weight": 0, "edges.margin": 0, "edges.size": 1}
    for name, value in least.items():
        need(recipe.value(name) >= value, name, recipe.value(name), f"{value} or more")
    threshold, betas = recipe.loss.ohem_threshold, recipe.optimizer.adam_betas
    need(0 < threshold <= 1, "loss.ohem_threshold", threshold, "above 0, at most 1")
    gate = recipe.edges.gate
    need(0 <= gate <= 1, "edges.gate", gate, "a probability, 0 to 1")
    two = len(betas) == 2 and all(0 <= beta < 1 for beta in betas)
    need(two, "optimizer.adam_betas", betas, "two from 0 to below 1")
    need(
        recipe.optimizer.pretrained_factor > 0,
        "optimizer.pretrained_factor",
        recipe.optimizer.pretrained_factor,
        "above 0",
    )
    warm, start = recipe.schedule.warm_up_steps, recipe.schedule.warm_up_from
    need(
        0 <= warm < recipe.steps,
        "schedule.warm_up_steps",
        warm,
        f"0 to below {recipe.steps}, --steps",
    )
    need(0 < start <= 1, "schedule.warm_up_from", start, "above 0, at most 1")
    if recipe.schedule.kind == "halving":
        steps = recipe.schedule.halve_every_steps
        given = steps >= 1 or (steps == 0 and bool(recipe.schedule.halve_at_steps))
        wanted = "at least 1 with --schedule.kind halving, or --schedule.halve-at-steps"
        need(given, "schedule.halve_every_steps", steps, wanted)
