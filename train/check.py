"""What a recipe may not say: refused before anything is built, with the field and the way out."""

import difflib
from typing import TYPE_CHECKING

from roadseg.errors import RoadsegError
from roadseg.label_tables.label_table import LabelTable
from roadseg.recipe.fields import flag
from roadseg.recipe.recipe import Recipe
from roadseg.runs.run_folder import LEARNED
from roadseg.train.advice import advice

if TYPE_CHECKING:
    import tensorflow as tf


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
    if recipe.learns_density:  # its own check is closer
        del sizes["sampler.input_size"]
    if not framed and recipe.augment.crop_size == (0, 0):
        del sizes["augment.crop_size"]
    for name, size in sizes.items():
        _need(min(size) >= 2, name, size, "at least 2 a side")
    at_least_1 = ("batch_size", "steps", "log.summary_every_steps", "data.shuffle_buffer")
    for name in (*at_least_1, "schedule.update_every_steps", "class_uniform.tile"):
        _need(recipe.value(name) >= 1, name, recipe.value(name), "at least 1")
    _need(
        recipe.optimizer.learning_rate > 0,
        "optimizer.learning_rate",
        recipe.optimizer.learning_rate,
        "above 0",
    )
    _check_optimisation(recipe)
    _check_colour(recipe)
    _need(
        0 <= recipe.optimizer.ema_decay < 1,
        "optimizer.ema_decay",
        recipe.optimizer.ema_decay,
        "from 0 to below 1",
    )
    ordered = 0 < recipe.augment.min_scale <= recipe.augment.max_scale
    _need(ordered, "augment.min_scale", recipe.augment.min_scale, "above 0 and at most max_scale")
    _need(
        0 < recipe.sampler.alpha <= 1, "sampler.alpha", recipe.sampler.alpha, "above 0, at most 1"
    )


def check_recipe(recipe: Recipe, table: LabelTable) -> None:
    """Raise RoadsegError for values that cannot be trained on a data set with these classes."""
    from roadseg.losses.cross_entropy import PUBLISHED_WEIGHTS

    check_numbers(recipe, framed=True)
    _check_class_uniform(recipe, table)
    for train_id in recipe.sampler.classes if recipe.task == "sampling_grid" else ():
        _need(
            0 <= train_id < table.num_classes,
            "sampler.classes",
            recipe.sampler.classes,
            f"{table.name} has classes 0 to {table.num_classes - 1}; none given means all",
        )
    weights = recipe.loss.class_weights
    outputs = table.num_classes + recipe.network.void_class
    count = len(PUBLISHED_WEIGHTS.get(weights, range(outputs)))
    wanted = f"'frequency': the network has {outputs} outputs, not {count}"
    _need(count == outputs, "loss.class_weights", weights, wanted)
    strength = recipe.sampling.strength
    _need(0 <= strength < 1, "sampling.strength", strength, "0 to below 1")
    at_samples = recipe.loss.size == "samples" or recipe.sampling.kind != "none"
    wanted = "samples: there is no sampler to come back from; its loss is taken at every pixel"
    _need(at_samples, "loss.size", recipe.loss.size, wanted)
    if recipe.learns_density:
        _check_density(recipe, table)
    elif recipe.task == "sampling_grid":
        _check_grid(recipe)
    else:
        _check_network(recipe)
    fitted = recipe.start.initial_weights == "unit_variance"
    _need(
        recipe.task == "flow" or not fitted, "start.initial_weights", "unit_variance", "flows only"
    )
    _need(
        recipe.start.part == "all"
        or recipe.start.initial_weights not in ("", "none", "unit_variance"),
        "start.part",
        recipe.start.part,
        "a part of a file or run; name it with --start.initial-weights",
    )
    if recipe.task == "flow":
        _check_flow(recipe)


def nearest_sizes(size: tuple[int, int], multiple: int) -> list[tuple[int, int]]:
    """Return the largest size within `size`, if there is one, and the smallest around it."""
    below = (size[0] // multiple * multiple, size[1] // multiple * multiple)
    above = (-(-size[0] // multiple) * multiple, -(-size[1] // multiple) * multiple)
    return [near for near in (below, above) if min(near) > 0]


def check_devices(recipe: Recipe, strategy: "tf.distribute.Strategy") -> None:
    """Refuse what the devices cannot do, and say what will be slow."""
    import tensorflow as tf

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
    if recipe.xla and not tf.config.list_physical_devices("GPU"):
        print("warning: --xla without a GPU; depthwise layers are about 20 times slower with it")


def _check_batch(recipe: Recipe, replicas: int) -> None:
    """Refuse batches of which batch normalisation would see too few images."""
    from roadseg.models.registry import find, is_known

    if recipe.task == "sampling_grid" or recipe.batch_norm.frozen or not is_known(recipe.model):
        return
    least = find(recipe.model).min_batch_size
    seen = recipe.batch_size // replicas if recipe.batch_norm.unsynchronised else recipe.batch_size
    if seen < least:
        raise RoadsegError(
            f"--batch-size {recipe.batch_size}: batch normalisation inside {recipe.model} sees one "
            f"value an image and gives nothing of {seen}; take {least} images or more"
            f"{' a replica' if recipe.batch_norm.unsynchronised else ''}, or --batch-norm.frozen"
        )


def _check_network(recipe: Recipe) -> None:
    from roadseg.models.registry import find, is_known, list_models

    if not is_known(recipe.model):
        near = difflib.get_close_matches(recipe.model, list_models(), n=3, cutoff=0.3)
        there = ", ".join(near or list_models())
        raise RoadsegError(f"--model {recipe.model}: no such network; near: {there}")
    learned = find(recipe.model).task
    fits = learned == recipe.task or (recipe.task == "two_cameras" and learned == "segmentation")
    _need(fits, "model", recipe.model, f"one that learns {LEARNED[recipe.task]}")
    name = "augment.crop_size" if recipe.sampling.kind == "none" else "sampling.size"
    size, multiple = recipe.value(name), find(recipe.model).size_multiple
    legal = all(side % multiple == 0 for side in size)
    nearest = " or ".join(str(near) for near in nearest_sizes(size, multiple))
    wanted = f"multiples of {multiple}, for {recipe.model}; nearest: {nearest}"
    _need(legal, name, size, wanted)


def _check_flow(recipe: Recipe) -> None:
    from roadseg.losses.flow import MULTI_SCALE_FACTORS

    coarsest = max(MULTI_SCALE_FACTORS)
    wanted = f"at least {coarsest} a side, of which the coarsest flow leaves one pixel"
    _need(
        min(recipe.augment.crop_size) >= coarsest,
        "augment.crop_size",
        recipe.augment.crop_size,
        wanted,
    )
    shift, tilt, parallax = recipe.flow.shift_px, recipe.flow.tilt, recipe.flow.parallax_px
    _need(min(shift) >= 0, "flow.shift_px", shift, "0 or more, down and across")
    # Beyond, a homography can bring what lies at infinity into view.
    _need(0 <= tilt <= 0.2, "flow.tilt", tilt, "0 to 0.2")
    _need(parallax >= 0, "flow.parallax_px", parallax, "0 or more")
    known = recipe.flow.pairs != "views" or recipe.flow.loss in ("self", "multi_scale_self")
    wanted = "self or multi_scale_self: the flow between views of two cameras is not known"
    _need(known, "flow.loss", recipe.flow.loss, wanted)


def _check_colour(recipe: Recipe) -> None:
    jitter, sigma = recipe.augment.colour_jitter, recipe.augment.blur_sigma
    _need(0 <= jitter <= 0.5, "augment.colour_jitter", jitter, "0 to 0.5")
    ordered = len(sigma) == 2 and 0 <= sigma[0] <= sigma[1] <= 8
    _need(ordered, "augment.blur_sigma", sigma, "smallest and largest, 0 to 8; 0 0 for none")


def _check_class_uniform(recipe: Recipe, table: LabelTable) -> None:
    share, classes = recipe.class_uniform.fraction, recipe.class_uniform.coarse_classes
    _need(0 <= share <= 1, "class_uniform.fraction", share, "0 to 1")
    both = bool(recipe.class_uniform.coarse_split) == bool(classes)
    _need(
        both,
        "class_uniform.coarse_split",
        repr(recipe.class_uniform.coarse_split),
        "together with --class-uniform.coarse-classes",
    )
    used = bool(share) or not classes
    _need(used, "class_uniform.coarse_classes", classes, "together with --class-uniform.fraction")
    known = all(0 <= train_id < table.num_classes for train_id in classes)
    wanted = f"{table.name} has classes 0 to {table.num_classes - 1}"
    _need(known, "class_uniform.coarse_classes", classes, wanted)


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
        _need(recipe.value(name) >= value, name, recipe.value(name), f"{value} or more")
    threshold, betas = recipe.loss.ohem_threshold, recipe.optimizer.adam_betas
    _need(0 < threshold <= 1, "loss.ohem_threshold", threshold, "above 0, at most 1")
    gate = recipe.edges.gate
    _need(0 <= gate <= 1, "edges.gate", gate, "a probability, 0 to 1")
    two = len(betas) == 2 and all(0 <= beta < 1 for beta in betas)
    _need(two, "optimizer.adam_betas", betas, "two from 0 to below 1")
    _need(
        recipe.optimizer.pretrained_factor > 0,
        "optimizer.pretrained_factor",
        recipe.optimizer.pretrained_factor,
        "above 0",
    )
    warm, start = recipe.schedule.warm_up_steps, recipe.schedule.warm_up_from
    _need(
        0 <= warm < recipe.steps,
        "schedule.warm_up_steps",
        warm,
        f"0 to below {recipe.steps}, --steps",
    )
    _need(0 < start <= 1, "schedule.warm_up_from", start, "above 0, at most 1")
    if recipe.schedule.kind == "halving":
        steps = recipe.schedule.halve_every_steps
        given = steps >= 1 or (steps == 0 and bool(recipe.schedule.halve_at_steps))
        wanted = "at least 1 with --schedule.kind halving, or --schedule.halve-at-steps"
        _need(given, "schedule.halve_every_steps", steps, wanted)


def _check_density(recipe: Recipe, table: LabelTable) -> None:
    from roadseg.sampling.density_targets import STRIDE, density_input

    size, width, weights = (
        density_input(recipe),
        recipe.sampler.density_width,
        recipe.sampler.class_weights,
    )
    divided = all(side % STRIDE == 0 and side >= 2 * STRIDE for side in size)
    wanted = f"multiples of {STRIDE}, at least {2 * STRIDE}; or 0 0, by the aspect of the crop"
    _need(divided, "sampler.input_size", size, wanted)
    cells = tuple(side // STRIDE for side in size)
    held = all(cell <= side for cell, side in zip(cells, recipe.augment.crop_size, strict=True))
    wanted = f"at least {cells[0]} {cells[1]}, a pixel for each cell of the density"
    _need(held, "augment.crop_size", recipe.augment.crop_size, wanted)
    _need(
        width >= 2 and width % 2 == 0,
        "sampler.density_width",
        width,
        "an even number of at least 2",
    )
    fits = not weights or (len(weights) == table.num_classes and min(weights) >= 0)
    wanted = f"{table.num_classes} numbers of 0 or more, one a class of {table.name}; or none"
    _need(fits, "sampler.class_weights", weights, wanted)
    counted = recipe.sampler.classes or range(table.num_classes)
    some = not weights or any(weights[train_id] > 0 for train_id in counted)
    _need(some, "sampler.class_weights", weights, "one above 0 among the target classes")


def _check_grid(recipe: Recipe) -> None:
    (height, width), (rows, columns) = recipe.sampler.input_size, recipe.sampler.grid_size
    fits = height % rows == 0 and width % columns == 0 and height // rows == width // columns
    stride = height // rows
    allowed = stride in (4, 8, 16, 32)
    _need(
        fits and allowed,
        "sampler.grid_size",
        recipe.sampler.grid_size,
        f"sampler.input_size {recipe.sampler.input_size} divided by 4, 8, 16 or 32",
    )


def _need(holds: bool, field: str, value: object, wanted: str) -> None:
    if not holds:
        raise RoadsegError(f"{flag(field)} {value}: wanted {wanted}")
