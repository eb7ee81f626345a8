"""How a run starts: its folder, the sampler before its network, its first weights."""

import glob
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from roadseg.errors import RoadsegError
from roadseg.files import read_arrays
from roadseg.recipe.recipe import SAMPLER_OF, TRAINED_SAMPLERS, Recipe
from roadseg.runs import checkpoint
from roadseg.runs.run_folder import RunFolder
from roadseg.tasks.table import task_of

if TYPE_CHECKING:
    import keras

    from roadseg.data_conversion.read.records import RecordSet
    from roadseg.label_tables.label_table import LabelTable

DRAWN = ("", "none", "unit_variance")
"""Values of recipe.start.initial_weights that take nothing from a file."""
RECIPE_OF = {"nus": "nus/sampler", "density": "sampling/density", "prior": "sampling/prior"}
"""The recipe that makes a sampler on any records."""
# Fields that may change when a run goes on: where things lie and how often they are written.
MAY_CHANGE_ON_RESUME = {
    "name",
    "source",
    "measured",
    "records",
    "data.cache",
    "sampling.sampler_run",
    "start.initial_weights",
    "start.part",
    "start.stages",
    "start.new_parts",
    "log.checkpoint_every_steps",
    "log.checkpoint_every_seconds",
    "log.keep_checkpoints",
    "log.summary_every_steps",
    "log.pictures_every_steps",
}


def begin_or_resume(recipe: Recipe, run: RunFolder, records: "RecordSet", writes: bool) -> None:
    """Write the run's recipe, label table and sampler, or check that they still hold.

    writes: whether this process is the one that writes.
    Raises RoadsegError for a changed recipe or class list, and for a missing sampler run.
    """
    if run.exists and run.checkpoints():
        check_unchanged(run, recipe)
        if run.label_table.names != records.label_table.names:
            raise RoadsegError(
                f"{recipe.records}: other classes than those of {run.path / 'label_table.json'}; "
                "go on with the same records or begin another --run"
            )
        return
    # A run without a checkpoint has learned nothing: it may begin again with other values.
    if not run.exists and run.path.is_dir() and _strangers(run.path):
        raise RoadsegError(f"{run.path}: not empty and no run folder; take another --run")
    if not writes:
        wait_for(run)
        return
    if task_of(recipe).samples(recipe) and recipe.sampling.kind in TRAINED_SAMPLERS:
        copy_sampler(recipe, run)
    run.begin(recipe, records.label_table)


def _strangers(folder: Path) -> list[Path]:
    """Return what no run leaves behind that was killed before it had begun."""
    ours = ("sampler", "label_table.json")
    return [p for p in folder.iterdir() if p.name not in ours and not p.name.startswith(".")]


def wait_for(run: RunFolder, seconds: float = 300.0) -> None:
    """Return once another machine has begun `run`; raise RoadsegError if that does not happen."""
    deadline = time.monotonic() + seconds
    while not run.exists:
        if time.monotonic() > deadline:
            raise RoadsegError(
                f"{run.path}: not begun by the first machine within {seconds:.0f} s; "
                "is it the same folder on all of them?"
            )
        time.sleep(0.1)


def check_unchanged(run: RunFolder, recipe: Recipe) -> None:
    """Raise RoadsegError if `recipe` differs from the run's in what decides its weights."""
    values = recipe.flat()
    for field, before in run.recipe.flat().items():
        now = values[field]
        if before != now and field not in MAY_CHANGE_ON_RESUME:
            raise RoadsegError(
                f"{run.path / 'recipe.json'}: this run was begun with {field}={before!r}, "
                f"not {now!r}; go on with the value it has or begin another --run"
            )


def copy_sampler(recipe: Recipe, run: RunFolder) -> None:
    """Copy the sampler that `recipe` names into the run, which then needs no other."""
    source, step = find_sampler(recipe)
    number, folder = source.find_checkpoint(step)
    groups = {"weights": read_arrays(folder / "weights.npz")}
    if (folder / "ema.npz").is_file():
        groups["ema"] = read_arrays(folder / "ema.npz")
    copy = RunFolder(run.path / "sampler")
    shutil.rmtree(copy.path, ignore_errors=True)
    state = {"copied_from": str(folder)}
    checkpoint.write_checkpoint(copy.checkpoint_folder, number, groups, state)
    copy.begin(source.recipe, source.label_table)


def find_sampler(recipe: Recipe) -> tuple[RunFolder, int | None]:
    """Return the run of the sampler that `recipe` names, and the step if it names one checkpoint.

    Raises RoadsegError that says what was looked for, and how it is made.
    """
    kind = recipe.sampling.kind
    made = f"train it first (roadseg train --recipe {RECIPE_OF[kind]} --run DIR)"
    if not recipe.sampling.sampler_run:
        raise RoadsegError(
            f"sampler is '{kind}' but --sampler-run is not given; {made} and name its folder"
        )
    path = Path(recipe.sampling.sampler_run)
    step = None
    if path.parent.name == "checkpoints" and path.name.startswith("step-"):
        step, path = int(path.name.removeprefix("step-")), path.parent.parent
    source = RunFolder(path)
    if not source.exists:
        raise RoadsegError(f"{path / 'recipe.json'}: no run of a sampler here; {made}")
    if not task_of(source.recipe).is_sampler:
        raise RoadsegError(
            f"{path}: a run of the task '{source.recipe.task}', no sampler's; {made}"
        )
    found = SAMPLER_OF.get(source.recipe.model, "nus")
    if found != kind:
        raise RoadsegError(
            f"{path}: a run of the sampler '{found}'; ask for --sampler {found}, or {made}"
        )
    source.find_checkpoint(step)
    return source, step


def check_initial_weights(recipe: Recipe) -> None:
    """Raise RoadsegError if recipe.initial_weights names nothing that is there."""
    source = recipe.start.initial_weights
    if source in (*DRAWN, "imagenet"):
        return
    path = Path(source).expanduser()
    if RunFolder(path).exists or any(path.parent.glob(f"{glob.escape(path.name)}*")):
        return
    raise RoadsegError(
        f"--start.initial-weights {source}: no such file; this recipe starts from these weights: "
        "put them there, name others, or train from scratch with --start.initial-weights none"
    )


def load_start(recipe: Recipe, model: "keras.Model", table: "LabelTable | None" = None) -> None:
    """Set the first weights of `model` from recipe.initial_weights ('none': leave them drawn).

    A run or a file gives everything but the layers of the classes where these are others than
    those of `table`; what is left out is printed. A file may lack the head.
    recipe.start.part asks for the backbone alone, or for whatever fits.
    Runs of recipe.start.stages come after that; see `stages.load_stages`.
    Raises RoadsegError for a source that is absent or of another network.
    """
    _load_initial_weights(recipe, model, table)
    if recipe.start.stages:
        from roadseg.train.start.stages import load_stages

        load_stages(recipe, model)


def _load_initial_weights(recipe: Recipe, model: "keras.Model", table: "LabelTable | None") -> None:
    from roadseg.train.start.fine_tune import class_dependent, load_run
    from roadseg.weights import load_initial_weights

    check_initial_weights(recipe)
    source = recipe.start.initial_weights
    if source in DRAWN:
        return
    run = RunFolder(Path(source).expanduser())
    if run.exists:
        load_run(recipe, model, run, table)
        return
    load_initial_weights(model, source, recipe, lambda: class_dependent(recipe, model))
