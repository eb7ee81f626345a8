"""Weights of a run into a network for other classes: all but what depends on them."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from roadseg.recipe.recipe import Recipe
from roadseg.runs import checkpoint, run_folder
from roadseg.runs.run_folder import RunFolder
from roadseg.tasks.table import task_of
from roadseg.weights.class_dependent import class_dependent as dependent_on_classes
from roadseg.weights.match import match
from roadseg.weights.rules import rules_of_part

if TYPE_CHECKING:
    import keras

    from roadseg.label_tables.label_table import LabelTable
    from roadseg.models.original import Original


def load_run(
    recipe: Recipe, model: "keras.Model", run: RunFolder, table: "LabelTable | None" = None
) -> None:
    """Set `model`, the network of `recipe`, from the newest checkpoint of `run`; print what was.

    Averaged weights are taken where the run has them, as everything else that starts from a run.

    table: classes that `model` is for. Where `run` has others, by number or by name, every layer
    that depends on their number keeps its drawn weights. Another network gives its weights only
    if it is the backbone of this one (ESPNet-C of ESPNet), or where recipe.start.part
    says that a part will do.
    Raises RoadsegError for a run of another network or of other options.
    """
    number, folder = run.find_checkpoint()
    same = run.recipe.model == recipe.model
    classes = task_of(recipe).has_classes
    other = same and table is not None and classes and run.label_table.names != table.names
    part, names = recipe.start.part, _our_names(recipe)
    dependent = partial(class_dependent, recipe, model)
    rules = rules_of_part(model, names, part, dependent, folder)
    if part == "all":
        lack: Literal["nothing", "head"] = "nothing" if same else "head"
        rules = replace(rules, may_lack=lack, other_classes=other)
    found = match(model, checkpoint.read_weights(folder), folder / "weights.npz", rules).apply()
    what = "" if part == "all" else f"{part}: "
    print(f"initial weights from {run.path}, step {number}: {what}{found}")


def _our_names(recipe: Recipe) -> "Original":
    """Return what the network of `recipe` has for a backbone, under the names that runs keep."""
    from roadseg.weights.read import NUS_SAMPLER, original_of

    original = NUS_SAMPLER if task_of(recipe).is_sampler else original_of(recipe.model)
    return replace(original, reference_name=str, layout="tensorflow")


def class_dependent(recipe: Recipe, model: "keras.Model") -> set[str]:
    """Return the variables of `model` whose shape depends on how many classes there are."""
    task = task_of(recipe)
    if task.is_sampler or not task.has_classes:
        return set()
    count = int(task.main_output(model.output).shape[-1])
    return dependent_on_classes(partial(run_folder.build_network, recipe), model, count)
