"""What earlier stages of a training hand on: parts of the network, from the runs that have them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from roadseg.errors import RoadsegError
from roadseg.models.registry import find
from roadseg.recipe.recipe import Recipe
from roadseg.runs import checkpoint
from roadseg.runs.run_folder import RunFolder
from roadseg.weights.match import apply_all, match
from roadseg.weights.rules import Rules

if TYPE_CHECKING:
    import keras

REST = "other layers"


def load_stages(recipe: Recipe, model: "keras.Model") -> None:
    """Set `model` from the newest checkpoints of recipe.start.stages; print what came from where.

    Each run gives all that it holds; of what several hold, the last counts. A run of a flow
    network alone gives the part called 'flow', whose layers bear a prefix within the whole.
    Raises RoadsegError for a run that is absent or holds what the network has not, or in another
    shape, and naming every part that no run gives and recipe.start.new_parts does not name.
    """
    from roadseg.train.start.freeze import layer_prefixes

    new = layer_prefixes(recipe, recipe.start.new_parts, "start.new_parts")
    parts = find(recipe.model).parts
    rules = Rules(may_lack="anything", scope=parts.get("flow", ()))
    given = []
    for name in recipe.start.stages:
        run, step = run_and_step(name)
        number, folder = run.find_checkpoint(step)
        given.append(match(model, checkpoint.read_weights(folder), folder, rules))
        print(f"stage before, {run.path}, step {number}: {_counted(given[-1].taken, parts)}")
    found = {path for one in given for path in one.taken}
    missing = [v.path for v in model.weights if v.path not in found]
    missing = [path for path in missing if not path.startswith(new)]
    if missing:
        raise RoadsegError(
            f"--start.stages {' '.join(recipe.start.stages)}: no weights of "
            f"{_counted(missing, parts)}; name the run of the stage that trains them as well, or "
            "give these parts with --start.new-parts to start them as drawn"
        )
    apply_all(given)


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


def _counted(names: Iterable[str], parts: Mapping[str, tuple[str, ...]]) -> str:
    """Return the parts that variables belong to, with how many each has: 'head 10, flow 52'."""
    counts: dict[str, int] = {}
    for name in names:
        part = next((part for part, begins in parts.items() if name.startswith(begins)), REST)
        counts[part] = counts.get(part, 0) + 1
    return ", ".join(f"{part} ({count} variables)" for part, count in counts.items())
