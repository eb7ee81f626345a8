"""The records that a recipe trains on, and how their examples are decoded."""

from collections.abc import Callable
from functools import partial
from typing import Any

from roadseg.data_conversion.read.records import RecordSet, open_records, parse_example
from roadseg.data_conversion.read.two_cameras import (
    TwoCameraRecords,
    open_two_cameras,
    parse_two_cameras,
)
from roadseg.recipe.recipe import Recipe
from roadseg.tasks.table import task_of
from roadseg.two_cameras.rig import find_rig

Tensor = Any
Batch = dict[str, Tensor]


def open_training_records(recipe: Recipe) -> RecordSet:
    """Return the records that `recipe` trains on, with both cameras where its task needs them.

    Raises RoadsegError as `open_records` and `open_two_cameras` do.
    """
    if task_of(recipe).reads_pairs(recipe):
        return open_two_cameras(recipe.records, recipe.split)
    return open_records(recipe.records, recipe.split)


def with_rig(recipe: Recipe) -> Recipe:
    """Return `recipe` with the text of its rig file, which the run folder then keeps.

    Raises RoadsegError for a file that is absent or is no rig file.
    """
    return (
        recipe.replace(network={"rig": find_rig(recipe.network.rig).to_yaml()})
        if recipe.network.rig
        else recipe
    )


def parser(records: RecordSet) -> Callable[[Tensor], Batch]:
    """Return how an example of `records` is decoded."""
    if isinstance(records, TwoCameraRecords):
        return partial(parse_two_cameras, has_flow=records.has_flow)
    return parse_example
