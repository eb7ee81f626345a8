"""What earlier stages of a training hand on: parts of the network, from the runs that have them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadseg.errors import RoadsegError
from roadseg.files import Arrays
from roadseg.models.registry import find
from roadseg.npz import check_finite, shape_of
from roadseg.recipe.recipe import Recipe
from roadseg.runs import checkpoint
from roadseg.runs.run_folder import RunFolder

if TYPE_CHECKING:
    import keras

REST = "other layers"


def load_stages(recipe: Recipe, model: "keras.Model") -> None:
    """Set `model` from the newest checkpoints of recipe.stages_before; print what came from where.

    Each run gives all that it holds; of what several hold, the last counts. A run of a flow
    network alone gives the part called 'flow', whose layers bear a prefix within the whole.
    Raises RoadsegError for a run that is absent or holds what the network has not, or in another
    shape, and naming every part that no run gives and recipe.new_parts does not name.
    """
    from roadseg.train.start.freeze import layer_prefixes

    new = layer_prefixes(recipe, recipe.start.new_parts, "start.new_parts")
    variables = {variable.path: variable for variable in model.weights}
    parts = find(recipe.model).parts
    found: dict[str, Any] = {}
    for name in recipe.start.stages:
        run, step = run_and_step(name)
        number, folder = run.find_checkpoint(step)
        given = fitted(variables, checkpoint.read_weights(folder), folder, parts.get("flow", ()))
        print(f"stage before, {run.path}, step {number}: {_counted(given, parts)}")
        found |= given
    missing = [name for name in variables if name not in found and not name.startswith(new)]
    if missing:
        raise RoadsegError(
            f"--start.stages {' '.join(recipe.start.stages)}: no weights of "
            f"{_counted(missing, parts)}; name the run of the stage that trains them as well, or "
            "give these parts with --start.new-parts to start them as drawn"
        )
    for name, array in found.items():
        variables[name].assign(array)


def run_and_step(name: str) -> tuple[RunFolder, int | None]:
    """Return the run that `name` points to, and the step if it is one checkpoint of it.

    Raises RoadsegError where no run is.
    """
    path, step = Path(name).expanduser(), None
    if path.parent.name == "checkpoints" and path.name.startswith("step-"):
        step, path = int(path.name.removeprefix("step-")), path.parent.parent
    run = RunFolder(path)
    if not run.exists:
        raise RoadsegError(
            f"--start.stages {name}: no run here; train the stage that it names first, or name "
            "the folder where that was done"
        )
    return run, step


def fitted(
    variables: Mapping[str, Any],
    arrays: Mapping[str, Any],
    source: Path,
    prefixes: Iterable[str] = (),
) -> Arrays:
    """Return `arrays` by the names that the variables of the whole network have.

    prefixes: what names may lack, since they were given by a network that is a part of the whole.
    Raises RoadsegError naming `source` for the first name or shape that does not fit.
    """
    given: Arrays = {}
    for name in arrays:
        known = [full for full in (name, *(p + name for p in prefixes)) if full in variables]
        if not known:
            raise RoadsegError(
                f"{source}: '{name}' is nothing that this network has; a stage before has to have "
                "trained the same network or a part of it, with the same options"
            )
        wanted = tuple(variables[known[0]].shape)
        if shape_of(arrays, name) != wanted:
            raise RoadsegError(
                f"{source}: '{name}' has shape {shape_of(arrays, name)}, the network needs "
                f"{wanted}; another class count, or other options"
            )
        given[known[0]] = check_finite(arrays[name], source, name)
    return given


def _counted(names: Iterable[str], parts: Mapping[str, tuple[str, ...]]) -> str:
    """Return the parts that variables belong to, with how many each has: 'head 10, flow 52'."""
    counts: dict[str, int] = {}
    for name in names:
        part = next((part for part, begins in parts.items() if name.startswith(begins)), REST)
        counts[part] = counts.get(part, 0) + 1
    return ", ".join(f"{part} ({count} variables)" for part, count in counts.items())
