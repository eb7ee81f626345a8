"""The samplers by name: a table to read, and `make_sampler`, which looks a name up in it."""

import difflib
from pathlib import Path
from typing import Any

import keras

from roadseg.errors import RoadsegError
from roadseg.sampling.density import DensitySampler, PreviousSampler, PriorSampler
from roadseg.sampling.nus import NusSampler
from roadseg.sampling.sampler import ExactSampler, Sampler, UniformSampler

SAMPLERS: dict[str, type[Sampler]] = {
    "uniform": UniformSampler,
    "prior": PriorSampler,
    "nus": NusSampler,
    "density": DensitySampler,
    "previous": PreviousSampler,
    "exact": ExactSampler,
}
TRAINED = ("prior", "nus", "density")
"""Those that a run of their own trains."""


def list_samplers() -> list[str]:
    """Return the names that `make_sampler` knows, the simplest first."""
    return list(SAMPLERS)


def make_sampler(kind: str, run: Path | str | None = None, **options: Any) -> Sampler:
    """Return the sampler called `kind`.

    run: run folder whose weights it gets; of "previous" the run that samples first frames. Without
        it `prior`, `nus` and `density` are untrained: they sample nearly evenly, and
        `grid_of_labels` works as well as ever (but for `prior`, which is then uniform).
    options: keyword arguments of the sampler's class (`strength`, `cells`, `target_classes`, ...).
    Raises RoadsegError for an unknown name or option, and for a run of another kind.
    """
    if kind not in SAMPLERS:
        near = difflib.get_close_matches(str(kind), SAMPLERS, n=2) or list(SAMPLERS)
        raise RoadsegError(f"no sampler {kind!r}; did you mean {' or '.join(near)}?")
    try:
        if run is None:
            return SAMPLERS[kind](**options)
        from roadseg.runs.run_folder import RunFolder

        folder = RunFolder(run)
        if kind == "previous":
            return PreviousSampler(folder.load_sampler(), **options)
        if kind not in TRAINED:
            raise RoadsegError(f"sampler '{kind}' has no weights; leave out run={str(run)!r}")
        sampler = folder.load_sampler(**options)
    except (TypeError, ValueError) as error:
        if isinstance(error, RoadsegError):
            raise
        raise RoadsegError(f"sampler '{kind}': {error}") from error
    if sampler.kind != kind:
        raise RoadsegError(
            f"{run}: its sampler is '{sampler.kind}', not '{kind}'; name the run of another, or "
            f"ask for '{sampler.kind}'"
        )
    return sampler


def as_sampler(sampler: Any) -> Sampler:
    """Return `sampler`, or what its name or plain network stands for.

    Raises ValueError for anything else.
    """
    if isinstance(sampler, Sampler):
        return sampler
    if isinstance(sampler, str):
        return make_sampler(sampler)
    if isinstance(sampler, keras.Model):
        return NusSampler(sampler)
    raise ValueError(f"sampler is a Sampler or the name of one; got {sampler!r}")
