"""The run folder: everything that evaluation and export need to know about one training run.

recipe.json, label_table.json, checkpoints/step-XXXXXXXX/, sampler/ (a run folder in small, for
learned sampling; auxiliary/ in older runs), metrics.jsonl, best.json, tensorboard/, evaluation/,
export/.
"""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from roadseg.errors import RoadsegError
from roadseg.files import Arrays, disk_error, parse_json, write_text
from roadseg.recipe.recipe import Recipe
from roadseg.regular_files import read_regular
from roadseg.runs import checkpoint, damaged
from roadseg.runs.lock import wait_for_lock
from roadseg.tasks.table import task_of

if TYPE_CHECKING:
    import keras

    from roadseg.label_tables.label_table import LabelTable
    from roadseg.sampling.sampler import Sampler

Step = int | Literal["best"] | None


class RunFolder:
    """One run on disk. Reading needs no training code; every write is whole or absent."""

    def __init__(self, path: Path | str):
        """Refer to the run at `path`, which need not exist yet."""
        self.path = Path(path)

    def __repr__(self) -> str:
        """Return the call that makes this object."""
        return f"RunFolder({str(self.path)!r})"

    @property
    def exists(self) -> bool:
        """Whether a run was begun here."""
        return (self.path / "recipe.json").is_file()

    @property
    def recipe(self) -> Recipe:
        """The recipe as used; raises RoadsegError if this is no run folder."""
        return Recipe.from_json(self.path / "recipe.json")

    @property
    def label_table(self) -> "LabelTable":
        """The classes the run was trained on."""
        from roadseg.label_tables.label_table import LabelTable

        return LabelTable.from_json(self.path / "label_table.json")

    @property
    def checkpoint_folder(self) -> Path:
        """Where the checkpoints lie."""
        return self.path / "checkpoints"

    @property
    def export_folder(self) -> Path:
        """Where exported models go."""
        return self.path / "export"

    def evaluation_folder(self, name: str) -> Path:
        """Return the folder of one kind of evaluation, such as 'val-nus'."""
        return self.path / "evaluation" / name

    def tensorboard(self, name: str) -> Path:
        """Return the TensorBoard log folder of 'train' or of one kind of evaluation."""
        return self.path / "tensorboard" / name

    def begin(self, recipe: Recipe, label_table: "LabelTable") -> None:
        """Write what a new run starts from; the recipe last, since it marks the run as begun."""
        write_text(self.path / "label_table.json", label_table.to_json())
        write_text(self.path / "recipe.json", recipe.to_json() + "\n")

    def checkpoints(self) -> list[tuple[int, Path]]:
        """Return (step, folder) of every complete checkpoint, oldest first."""
        return checkpoint.list_checkpoints(self.checkpoint_folder)

    def best_step(self) -> int | None:
        """Return the step named by best.json, if that file exists and is sound."""
        try:
            best = parse_json(read_regular(self.path / "best.json"))
            return int(best["step"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def find_checkpoint(self, step: Step = None, training: bool = False) -> tuple[int, Path]:
        """Return (step, folder) of the newest checkpoint, of `step`, or of the best one.

        The newest is the newest that is whole; damaged ones after it are named. training: it is to
        go on from, so that more than its weights has to be whole.
        Raises RoadsegError naming what was looked for and which steps there are.
        """
        found = dict(self.checkpoints())
        if not found:
            hint = "" if self.exists else "; is this a run folder?"
            raise RoadsegError(f"{self.checkpoint_folder}: no checkpoint here{hint}")
        wanted = self.best_step() if step == "best" else step
        if step is None:
            wanted = damaged.newest_whole(self.checkpoint_folder, training)
        if wanted is None:
            raise RoadsegError(
                f"{self.path / 'best.json'}: no best checkpoint is known yet; "
                "evaluate the run first, or name a step"
            )
        if wanted not in found:
            there = ", ".join(str(number) for number in sorted(found))
            raise RoadsegError(f"{self.checkpoint_folder}: no step {wanted}; there are: {there}")
        return wanted, found[wanted]

    def check(self, step: Step = None) -> None:
        """Raise RoadsegError if there is no run here, or no such checkpoint of it."""
        if not self.exists:
            raise RoadsegError(
                f"{self.path}: no run here; give the folder that `roadseg train` made"
            )
        self.find_checkpoint(step)

    def load_network(self, step: Step = None, evaluation: bool = True) -> "keras.Model":
        """Return the plain network of the run with the weights of a checkpoint.

        Averaged weights are taken where the checkpoint has them: all but going on with a training
        reads these.
        evaluation: build it with the recipe's evaluation options (DeepLab: output stride 8) and
        without auxiliary heads.
        Raises RoadsegError if the checkpoint holds other variables or shapes.
        """
        from roadseg.weights.match import match
        from roadseg.weights.rules import Rules

        _, folder = self.find_checkpoint(step)
        model = build_network(self.recipe, self.num_outputs, evaluation)
        rules = Rules(may_have_more=auxiliary_layers(self.recipe) if evaluation else ())
        match(model, checkpoint.read_weights(folder), folder / "weights.npz", rules).apply()
        return model

    @property
    def sampler_folder(self) -> "RunFolder":
        """The copy of the sampler's run that a run behind learned sampling holds."""
        # What older runs call it.
        before = RunFolder(self.path / "auxiliary")
        return before if before.exists else RunFolder(self.path / "sampler")

    def load_sampler(self, step: Step = None, **options: Any) -> "Sampler":
        """Return the sampler of the run.

        A run of the task 'sampling_grid' gives its own, at `step`; one behind sampling the copy
        that it was trained with. options: those of the sampler's class, in place of the recipe's.
        Raises RoadsegError for a run without one.
        """
        from roadseg.sampling.sampler import UniformSampler
        from roadseg.sampling.trained import trained_sampler

        recipe = self.recipe
        task = task_of(recipe)
        if task.is_sampler:
            return trained_sampler(recipe, self.load_network(step), **options)
        if task.samples(recipe):
            if recipe.sampling.kind == "uniform":
                return UniformSampler(**options)
            if recipe.sampling.kind in ("prior", "density"):
                # That of this run, which may differ from what its sampler was trained with.
                options = {"strength": recipe.sampling.strength} | options
            return self.sampler_folder.load_sampler(**options)
        raise RoadsegError(
            f"{self.path}: a run without a sampler; name one that was trained as one"
        )

    def load_segmenter(
        self, step: Step = None, evaluation: bool = True, sampler: "Sampler | None" = None
    ) -> "keras.Model":
        """Return RGB 0..255 at any size -> class logits at that size, whatever the sampling.

        sampler: samples in place of the run's own, of a run behind sampling.
        A network that takes multiples of a number alone has its images padded to the next ones.
        """
        from roadseg.models.legal_sizes import padded_to_legal
        from roadseg.sampling.segmenter import SampledSegmenter

        recipe = self.recipe
        task = task_of(recipe)
        if not task.labels_images:
            raise RoadsegError(
                f"{self.path}: this run learns {task.learns}, not logits of single images"
            )
        network = self.load_network(step, evaluation)
        if recipe.sampling.kind == "none":
            return padded_to_legal(network)
        window = recipe.augment.crop_size if recipe.sampling.window == "crop" else None
        sampler = self.load_sampler() if sampler is None else sampler
        return SampledSegmenter(network, sampler, recipe.sampling.size, window)

    def append_metrics(self, event: dict[str, Any]) -> None:
        """Add one JSON line to metrics.jsonl, in a single write that other processes may share."""
        path = self.path / "metrics.jsonl"
        line = json.dumps(event) + "\n"
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                wait_for_lock(handle)  # NFS appends in two parts: the length is asked for first
                # A full disk can cut a line short; the next one then starts on a line of its own.
                size = os.fstat(handle).st_size
                if size and os.pread(handle, 1, size - 1) != b"\n":
                    line = "\n" + line
                os.write(handle, line.encode())
            finally:
                os.close(handle)
        except OSError as error:
            raise disk_error(path, error) from None

    def read_metrics(self) -> list[dict[str, Any]]:
        """Return the events of metrics.jsonl in order; lines that are none are named and left out.

        A process that was killed, or a disk that was full, leaves lines cut short.
        """
        path = self.path / "metrics.jsonl"
        events, skipped = [], []
        lines = path.read_bytes().split(b"\n") if path.is_file() else []
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                event = json.loads(line.decode("utf-8"))
            # What nests without end raises the second.
            except (ValueError, RecursionError):
                event = None
            if isinstance(event, dict):
                events.append(event)
            else:
                skipped.append(number)
        if skipped:
            listed = ", ".join(map(str, skipped[:10])) + (" ..." if skipped[10:] else "")
            print(
                f"note: {path}: lines that cannot be read are left out: {listed}", file=sys.stderr
            )
        return events

    @property
    def num_outputs(self) -> int:
        """Logits of the network: one a class, one for void if the recipe says so; else 0."""
        recipe = self.recipe
        return task_of(recipe).num_outputs(recipe, self.label_table)


def build_network(recipe: Recipe, num_classes: int, evaluation: bool = False) -> "keras.Model":
    """Return the untrained network of `recipe`: class logits, the raw sampling grid, or flows.

    In training it has the auxiliary heads that the recipe asks for, and gives logits by their name.
    For the task 'two_cameras' it takes and gives both cameras by name, one for single images as
    well.
    """
    return task_of(recipe).build(recipe, num_classes, evaluation)


def auxiliary_layers(recipe: Recipe) -> tuple[str, ...]:
    """Return how the names of layers begin that only training has; none if it has none."""
    return task_of(recipe).only_in_training(recipe)


def variable_arrays(model: "keras.Model") -> Arrays:
    """Return the weights of `model` by their path, such as 'aspp0.conv/kernel'."""
    import numpy as np

    arrays = {variable.path: np.asarray(variable) for variable in model.weights}
    if len(arrays) != len(model.weights):
        raise ValueError("two variables share a name; checkpoints need distinct layer names")
    return arrays
