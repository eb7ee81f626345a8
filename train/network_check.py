"""What a network asks of the recipe that trains it."""

import difflib

from roadseg.errors import RoadsegError
from roadseg.recipe.fields import flag
from roadseg.recipe.recipe import Recipe
from roadseg.tasks.table import task_of


def check_network(recipe: Recipe) -> None:
    """Raise RoadsegError for an unknown network, one of another task, and illegal sizes."""
    from roadseg.models.registry import find, is_known, list_models

    if not is_known(recipe.model):
        near = difflib.get_close_matches(recipe.model, list_models(), n=3, cutoff=0.3)
        there = ", ".join(near or list_models())
        raise RoadsegError(f"--model {recipe.model}: no such network; near: {there}")
    task = task_of(recipe)
    fits = find(recipe.model).task in task.networks
    need(fits, "model", recipe.model, f"one that learns {task.learns}")
    name = "augment.crop_size" if recipe.sampling.kind == "none" else "sampling.size"
    size, multiple = recipe.value(name), find(recipe.model).size_multiple
    legal = all(side % multiple == 0 for side in size)
    nearest = " or ".join(str(near) for near in nearest_sizes(size, multiple))
    wanted = f"multiples of {multiple}, for {recipe.model}; nearest: {nearest}"
    need(legal, name, size, wanted)


def nearest_sizes(size: tuple[int, int], multiple: int) -> list[tuple[int, int]]:
    """Return the largest size within `size`, if there is one, and the smallest around it."""
    below = (size[0] // multiple * multiple, size[1] // multiple * multiple)
    above = (-(-size[0] // multiple) * multiple, -(-size[1] // multiple) * multiple)
    return [near for near in (below, above) if min(near) > 0]


def need(holds: bool, field: str, value: object, wanted: str) -> None:
    """Raise RoadsegError naming a field's flag, its value and what is wanted, unless it holds."""
    if not holds:
        raise RoadsegError(f"{flag(field)} {value}: wanted {wanted}")
