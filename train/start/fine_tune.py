"""Weights of a run or of a file into a network for other classes: all but what depends on them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from roadseg.errors import RoadsegError
from roadseg.models.registry import find
from roadseg.npz import ArrayFile, check_finite, shape_of
from roadseg.recipe.recipe import Recipe
from roadseg.runs import checkpoint, run_folder
from roadseg.runs.run_folder import RunFolder, variable_arrays
from roadseg.tasks.table import task_of

if TYPE_CHECKING:
    import keras

    from roadseg.label_tables.label_table import LabelTable
    from roadseg.models.original import Original

Shapes = Mapping[str, tuple[int, ...]]
_LISTED = 4


@dataclass(frozen=True)
class Fit:
    """Which variables a source gives, and which stay as they were drawn; by path."""

    taken: tuple[str, ...]
    other_classes: tuple[str, ...]
    """They depend on the classes, which are others in the source."""
    heads: tuple[str, ...]
    """They belong to auxiliary heads that the source lacks."""

    def __str__(self) -> str:
        """Return one line for people."""
        line = f"{len(self.taken)} of {len([*self.taken, *self.other_classes, *self.heads])}"
        line += " variables"
        for reason, paths in (("other classes", self.other_classes), ("absent", self.heads)):
            line += f"; left out, {reason}: {_layers(paths)}" if paths else ""
        return line


def load_run(
    recipe: Recipe, model: "keras.Model", run: RunFolder, table: "LabelTable | None" = None
) -> None:
    """Set `model`, the network of `recipe`, from the newest checkpoint of `run`; print what was.

    Averaged weights are taken where the run has them, as everything else that starts from a run.

    table: classes that `model` is for. Where `run` has others, by number or by name, every layer
    that depends on their number keeps its drawn weights. Another network gives its weights only
    if it is the backbone of this one (ESPNet-C of ESPNet), or where recipe.initial_weights_part
    says that a part will do.
    Raises RoadsegError for a run of another network or of other options.
    """
    number, folder = run.find_checkpoint()
    arrays = checkpoint.read_weights(folder)
    if recipe.start.part != "all":
        line = _load_part(recipe, model, arrays, folder / "weights.npz")
        print(f"initial weights from {run.path}, step {number}: {line}")
        return
    if run.recipe.model != recipe.model:
        _load_backbone(recipe, model, arrays, run)
        return
    classes = task_of(recipe).has_classes
    other = table is not None and classes and run.label_table.names != table.names
    fit = _load(recipe, model, arrays, folder / "weights.npz", other)
    print(f"initial weights from {run.path}, step {number}: {fit}")


def load_file(recipe: Recipe, model: "keras.Model", path: Path) -> bool:
    """Set `model` from an `.npz` of a whole network under our names; return False for any other.

    Raises RoadsegError for the weights of another network or of other options.
    """
    arrays = ArrayFile(path)
    names = [variable.path for variable in model.weights]
    if any(name not in arrays and not name.startswith(_heads(recipe)) for name in names):
        return False
    print(f"initial weights from {path}: {_load(recipe, model, arrays, path, False)}")
    return True


def _load_part(
    recipe: Recipe, model: "keras.Model", arrays: Mapping[str, Any], source: Path
) -> str:
    """Set the part of `model` that `recipe` asks for, and return what that was, in one line."""
    from roadseg.weights.parts import assign_part

    part = recipe.start.part
    assert part != "all"
    dependent = partial(class_dependent, recipe, model)
    return str(assign_part(model, arrays, str(source), _our_names(recipe), part, dependent))


def _load_backbone(
    recipe: Recipe, model: "keras.Model", arrays: Mapping[str, Any], run: RunFolder
) -> None:
    from roadseg.weights.match import assign

    given = assign(model, arrays, str(run.path), _our_names(recipe))
    print(f"initial weights from {run.path}: {given}")


def _our_names(recipe: Recipe) -> "Original":
    """Return what the network of `recipe` has for a backbone, under the names that runs keep."""
    from roadseg.weights.read import NUS_SAMPLER, original_of

    original = NUS_SAMPLER if task_of(recipe).is_sampler else original_of(recipe.model)
    return replace(original, reference_name=str, layout="tensorflow")


def _heads(recipe: Recipe) -> tuple[str, ...]:
    return () if task_of(recipe).is_sampler else find(recipe.model).auxiliary_heads


def _load(
    recipe: Recipe, model: "keras.Model", arrays: Mapping[str, Any], source: Path, other: bool
) -> Fit:
    found = {name: shape_of(arrays, name) for name in arrays}
    fit = fitting(
        {variable.path: tuple(variable.shape) for variable in model.weights},
        found,
        lambda: class_dependent(recipe, model),
        other,
        _heads(recipe),
        source,
    )
    variables = {variable.path: variable for variable in model.weights}
    values = {name: check_finite(arrays[name], source, name) for name in fit.taken}
    for name in fit.taken:
        variables[name].assign(values[name])
    return fit


def fitting(
    ours: Shapes,
    found: Shapes,
    dependent: Callable[[], set[str]],
    other_classes: bool,
    heads: tuple[str, ...],
    source: Path,
) -> Fit:
    """Return what can be taken; nothing but layers of the classes and auxiliary heads may differ.

    dependent: gives the variables of `ours` that depend on the number of classes; asked for only
        where shapes differ or `other_classes` says that equal shapes mean other classes.
    heads: how the names of auxiliary heads begin, which either side may lack.
    Raises RoadsegError naming `source`, the variable and both shapes.
    """
    differing = [name for name in ours if name in found and found[name] != ours[name]]
    left_out = dependent() if differing or other_classes else set()
    for name in differing:
        if name not in left_out:
            raise RoadsegError(
                f"{source}: '{name}' has shape {found[name]}, the network needs {ours[name]}, "
                "whatever its classes; another network, or the same with other options"
            )
    absent = [name for name in ours if name not in found and name not in left_out]
    missing = [name for name in absent if not name.startswith(heads)]
    unknown = [name for name in found if name not in ours and not name.startswith(heads)]
    for verb, names in (("lacks", missing), ("also holds", unknown)):
        if names:
            raise RoadsegError(
                f"{source}: the weights of another network: it {verb} {_listed(names)}; "
                "all but the layers of the classes has to be there, and nothing else"
            )
    taken = [name for name in ours if name in found and name not in left_out]
    return Fit(tuple(taken), tuple(n for n in ours if n in left_out), tuple(absent))


def class_dependent(recipe: Recipe, model: "keras.Model") -> set[str]:
    """Return the variables of `model` whose shape depends on how many classes there are.

    Told by building the network of `recipe` twice more. In ESPNet these are most of the decoder; in
    SwiftNet as Fast_Seg has it, all that is as wide as there are classes.
    """
    count = int(task_of(recipe).main_output(model.output).shape[-1])
    dependent: set[str] = set()
    # By 5, since ESPNet divides the classes among five branches; by more, since others may round.
    for number in (count + 5, 2 * count + 8):
        with tf.device("CPU"):
            shapes = variable_arrays(run_folder.build_network(recipe, number))
        dependent |= {v.path for v in model.weights if shapes[v.path].shape != tuple(v.shape)}
    return dependent


def _layers(paths: tuple[str, ...]) -> str:
    """Return the layers of variables, each once: 'classifier, up_l2 and 3 more'."""
    return _listed(list(dict.fromkeys(path.rpartition("/")[0] for path in paths)))


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"{', '.join(names[:_LISTED])}{more}"
