"""A run folder around published weights, so that eval, predict and export take them as any run."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from roadseg import label_tables
from roadseg.errors import RoadsegError
from roadseg.label_tables.label_table import LabelTable
from roadseg.recipe import groups
from roadseg.recipe.groups import Scalar
from roadseg.recipe.recipe import Recipe
from roadseg.runs import checkpoint
from roadseg.runs.run_folder import RunFolder, variable_arrays

if TYPE_CHECKING:
    import keras

    from roadseg.weights.match import Match


def find_label_table(text: str) -> LabelTable:
    """Return the table called `text`, or that of a `label_table.json`, or of a folder with one.

    Raises RoadsegError naming the tables there are.
    """
    path = Path(text).expanduser()
    if path.is_dir():
        path = path / "label_table.json"
    return LabelTable.from_json(path) if path.suffix == ".json" else label_tables.get(text)


def new_recipe(
    run: RunFolder,
    source: str,
    model: str,
    options: dict[str, Scalar],
    table: LabelTable,
    num_classes: int | None,
    records: str,
) -> Recipe:
    """Return the recipe of a run of published weights, for a network of `num_classes` outputs.

    num_classes: as many as `table` has, or one more (void, which evaluation leaves out).
    Raises RoadsegError for another number, and where the folder holds something already.
    """
    if run.path.exists() and (not run.path.is_dir() or any(run.path.iterdir())):
        raise RoadsegError(f"{run.path}: not empty; take another --to, or an .npz")
    count = len(table.names)
    if num_classes not in (None, count, count + 1):
        raise RoadsegError(
            f"--num-classes {num_classes}: the label table '{table.name}' has {count} classes; "
            f"give {count}, {count + 1} (with a void class), or another --label-table"
        )
    return Recipe(
        name=run.path.resolve().name,
        task="segmentation",
        source=f"published weights: {_described(source)}",
        measured="published weights, not trained here",
        model=model,
        network=groups.Network(
            options=options,
            void_class=num_classes == count + 1,
        ),
        records=records,
    )


def write_run(
    run: RunFolder, recipe: Recipe, table: LabelTable, model: "keras.Model", found: "Match"
) -> None:
    """Write recipe, label table and one checkpoint, of step 0, that holds all weights of `model`.

    Raises RoadsegError where the source lacks some (a backbone without head labels nothing).
    """
    if found.kept:
        raise RoadsegError(
            f"{run.path}: not written, these weights are no whole network ({found}); "
            "write an .npz, to start a training from"
        )
    state = {"imported": recipe.source}
    groups = {"weights": variable_arrays(model)}
    checkpoint.write_checkpoint(run.checkpoint_folder, 0, groups, state)
    # Last: with its recipe a run counts as begun, and then it has weights.
    run.begin(recipe, table)


def _described(source: str) -> str:
    path = Path(source).expanduser()
    if not path.is_file():
        return source
    return f"{path.name}, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
