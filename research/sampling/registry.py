"""The samplers by name, as they are before training; `make_sampler` also takes a run."""

import contextlib
import difflib
from collections.abc import Iterator
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


def list_samplers() -> list[str]:
    """Return the names that `make_sampler` knows, the simplest first."""
    return list(SAMPLERS)


def new_sampler(kind: str, **options: Any) -> Sampler:
    """Return the sampler called `kind`, untrained; see `make_sampler`."""
    if not isinstance(kind, str) or kind not in SAMPLERS:
        near = difflib.get_close_matches(str(kind).lower(), SAMPLERS, n=2) or list(SAMPLERS)
        raise RoadsegError(f"no sampler {kind!r}; did you mean {' or '.join(near)}?")
    with naming(kind):
        return SAMPLERS[kind](**options)


@contextlib.contextmanager
def naming(kind: str) -> Iterator[None]:
    """Let errors about a sampler's options name the sampler."""
    try:
        yield
    # It is a ValueError as well, and says already what is wrong.
    except RoadsegError:
        raise
    except (TypeError, ValueError) as error:
        raise RoadsegError(f"sampler '{kind}': {error}") from error


def as_sampler(sampler: Any) -> Sampler:
    """Return `sampler`, or what its name or plain network stands for.

    Raises ValueError for anything else.
    """
    if isinstance(sampler, Sampler):
        return sampler
    if isinstance(sampler, str):
        return new_sampler(sampler)
    if isinstance(sampler, keras.Model):
        return NusSampler(sampler)
    raise ValueError(f"sampler is a Sampler or the name of one; got {sampler!r}")
