"""Another sampler at inference than the run was trained with, by --sampler and --sampler-run."""

import dataclasses
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from roadseg.errors import RoadsegError
from roadseg.recipe.recipe import TRAINED_SAMPLERS
from roadseg.runs.run_folder import RunFolder
from roadseg.tasks.table import task_of

if TYPE_CHECKING:
    from roadseg.sampling import Sampler


OF_IMAGES = ("uniform", "prior", "nus", "density", "previous")
"""What may sample images and videos."""


def _option(metavar: str, default: str) -> Any:
    return tyro.conf.arg(metavar=metavar, help_behavior_hint=f"(default: {default})")


@dataclasses.dataclass(frozen=True)
class SamplerArguments:
    """Sample in another way than the run was trained with.

    previous: frames in their order, each by the labels that the one before it was given.
    """

    sampler: Annotated[str | None, _option("NAME", "own")] = None
    """uniform, prior, nus, density, previous."""
    sampler_run: Annotated[Path | None, _option("RUN", "own")] = None
    """Its run; of previous, first frames'."""

    @property
    def given(self) -> bool:
        """Whether the run's own sampler is replaced."""
        return self.sampler is not None or self.sampler_run is not None

    @cached_property
    def kind(self) -> str:
        """Name of the sampler; read from its run where only that is given, '' for none."""
        if self.sampler is None and self.sampler_run is not None:
            return str(RunFolder(self.sampler_run).load_sampler().kind)
        return self.sampler or ""

    @property
    def label(self) -> str:
        """What samples, for names of folders: 'uniform', 'density-NAME'; '' for the run's own."""
        if not self.given:
            return ""
        name = self.sampler_run.resolve().name if self.sampler_run else ""
        return self.kind if name in ("", self.kind) else f"{self.kind}-{name}"

    def load(self, run: RunFolder) -> "Sampler | None":
        """Return the sampler in place of that of `run`; None where nothing is replaced.

        Raises RoadsegError for a run without sampling, and samplers that need what is not given.
        """
        if not self.given:
            return None
        recipe = run.recipe
        option = (
            f"--sampler {self.sampler}" if self.sampler else f"--sampler-run {self.sampler_run}"
        )
        task = task_of(recipe)
        if not task.labels_images:
            raise RoadsegError(f"{option}: {run.path} learns {task.learns}; leave it out")
        if recipe.sampling.kind == "none":
            raise RoadsegError(
                f"{option}: {run.path} was trained on whole images, without sampling; leave it "
                "out, or name a run behind sampling"
            )
        if self.sampler_run is not None and not RunFolder(self.sampler_run).exists:
            raise RoadsegError(f"--sampler-run {self.sampler_run}: no run there; give a run folder")
        return self._load(run, option)

    def _load(self, run: RunFolder, option: str) -> "Sampler":
        from roadseg.sampling import make_sampler

        kind = self.kind
        if kind not in (*OF_IMAGES, "exact"):
            raise RoadsegError(f"{option}: no such sampler; choose from {', '.join(OF_IMAGES)}")
        if kind == "uniform" and self.sampler_run is not None:
            raise RoadsegError(
                f"--sampler-run {self.sampler_run}: sampler '{kind}' needs no run; leave it out, "
                "or give the run of a sampler"
            )
        if kind == "exact":
            raise RoadsegError(
                f"{option}: it needs true labels; `roadseg eval --oracle` has it, choose another"
            )
        if kind == "previous":
            return _previous(run, self.sampler_run)
        if kind in TRAINED_SAMPLERS and self.sampler_run is None:
            if kind != run.recipe.sampling.kind:
                raise RoadsegError(f"{option}: give its run by --sampler-run")
            return run.load_sampler()
        return make_sampler(kind, self.sampler_run)


def _previous(run: RunFolder, sampler_run: Path | None) -> "Sampler":
    """Return the sampler by last labels, as strong and as drawn as the sampler of first frames."""
    from roadseg.sampling import PreviousSampler

    first = run.load_sampler() if sampler_run is None else RunFolder(sampler_run).load_sampler()
    names = "strength", "target_classes", "class_weights"
    options = {name: getattr(first, name) for name in names if hasattr(first, name)}
    return PreviousSampler(first, **options)
