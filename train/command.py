"""`roadseg train`: a recipe, with changes, to a run folder; or on with a run that was stopped."""

import dataclasses
import os
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from roadseg.command_line.arguments import parse_known
from roadseg.errors import RoadsegError
from roadseg.recipe.recipe import Recipe
from roadseg.runs.run_folder import RunFolder
from roadseg.train.overrides import override
from roadseg.train.recipes import RECIPES, get

EXAMPLE = """\
roadseg train --recipe nus/sampler --records ~/records --run runs/sampler
roadseg train --recipe fast_seg/icnet --records ~/records --start.initial-weights runs/vistas"""


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Train a recipe. The same command again goes on from its last checkpoint, with the same step,
    rate and data order. --FIELD VALUE changes a field of the recipe (--sampling-size 192 192);
    --show prints them all.
    """

    recipe: Annotated[str, tyro.conf.arg(metavar="NAME")] = ""
    """Recipe to train (--list names them); not needed to go on with a run."""
    run: Annotated[str, tyro.conf.arg(metavar="DIR")] = ""
    """Run folder; runs/NAME if not given."""
    list: bool = False
    """Print the names of the recipes and stop."""
    show: bool = False
    """Print the recipe with its changes and stop."""
    status_when_stopped: int = 0
    """Exit status after SIGTERM or SIGUSR1 with steps left; 75 lets a scheduler start it again."""
    step_limit: float = 900
    """Seconds without a step after which several workers give up; 0: never."""


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit status: 0; 130 after Ctrl-C, once a checkpoint is saved.

    A request to stop that was met is no failure: 0, or what --status-when-stopped says.
    """
    arguments, rest = parse_known(Arguments, argv, command="train", example=EXAMPLE)
    if arguments.list:
        print("\n".join(RECIPES))
        return 0
    recipe, run = chosen(arguments, rest)
    if arguments.show:
        print(listing(recipe))
        return 0
    print(summary(recipe, run))
    from roadseg.train.early import refuse_early

    refuse_early(recipe, run)
    from roadseg.train.loop import train

    status = train(recipe, run, step_limit_s=arguments.step_limit)
    return status if status in (0, 128 + signal.SIGINT) else arguments.status_when_stopped


def refuse(argv: Sequence[str]) -> None:
    """Raise RoadsegError for what the command would refuse before TensorFlow is imported."""
    from roadseg.train.early import refuse_early

    arguments, rest = parse_known(Arguments, argv, command="train", example=EXAMPLE)
    if not arguments.list and not arguments.show:
        refuse_early(*chosen(arguments, rest))


def chosen(arguments: Arguments, rest: Sequence[str]) -> tuple[Recipe, RunFolder]:
    """Return the recipe with its changes, and the run folder.

    Raises RoadsegError if neither a recipe nor a run that was begun is named.
    """
    run = RunFolder(arguments.run) if arguments.run else None
    if arguments.recipe:
        recipe = get(arguments.recipe)
    elif run and run.exists:
        recipe = run.recipe
    else:
        where = f"{run.path} is no run that was begun" if run else "no --recipe and no --run"
        raise RoadsegError(f"{where}; name one of: {', '.join(RECIPES)}")
    if re.search(r"(^| )--model[ =]\S+:", " ".join(rest)):
        # Only a network that is named here: a stranger's run must not run what lies beside it.
        sys.path.insert(0, os.getcwd())
    recipe = override(recipe, rest)
    return recipe, run or RunFolder(Path("runs") / recipe.name)


def summary(recipe: Recipe, run: RunFolder) -> str:
    """Return what is about to be trained, in one line."""
    return (
        f"{recipe.name}: {recipe.steps} steps of {recipe.batch_size} on {recipe.records}, "
        f"run folder {run.path} (every number: --show)"
    )


def listing(recipe: Recipe) -> str:
    """Return every field of `recipe` with its value, one a line."""
    values = recipe.flat()
    width = max(map(len, values))
    return "\n".join(f"{name:<{width}}  {value}" for name, value in values.items())
