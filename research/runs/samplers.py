"""`roadseg.sampling.make_sampler`: a sampler by its name, with the weights of a run if given."""

from pathlib import Path
from typing import Any

from roadseg.errors import RoadsegError
from roadseg.recipe.recipe import TRAINED_SAMPLERS
from roadseg.runs.run_folder import RunFolder
from roadseg.sampling.density import PreviousSampler
from roadseg.sampling.registry import SAMPLERS, naming, new_sampler
from roadseg.sampling.sampler import Sampler


def make_sampler(kind: str, run: Path | str | None = None, **options: Any) -> Sampler:
    """Return the sampler called `kind`.

    run: run folder whose weights it gets; of "previous" the run that samples first frames. Without
        it `prior`, `nus` and `density` are untrained: they sample nearly evenly, and
        `grid_of_labels` works as well as ever (but for `prior`, which is then uniform).
    options: keyword arguments of the sampler's class (`strength`, `cells`, `target_classes`, ...).
    Raises RoadsegError for an unknown name or option, and for a run of another kind.
    """
    if run is None or not isinstance(kind, str) or kind not in SAMPLERS:
        return new_sampler(kind, **options)
    if not isinstance(run, str | Path):
        raise RoadsegError(f"run={run!r} is the folder of a sampler's run")
    folder = RunFolder(run)
    with naming(kind):
        if kind == "previous":
            return PreviousSampler(folder.load_sampler(), **options)
        if kind not in TRAINED_SAMPLERS:
            raise RoadsegError(f"sampler '{kind}' has no weights; leave out run={str(run)!r}")
        sampler = folder.load_sampler(**options)
    if sampler.kind != kind:
        raise RoadsegError(
            f"{run}: its sampler is '{sampler.kind}', not '{kind}'; name the run of another, or "
            f"ask for '{sampler.kind}'"
        )
    return sampler
