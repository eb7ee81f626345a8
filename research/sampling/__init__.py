"""Learned sampling: where to look, the pixels there, and the way back to every pixel."""

import importlib
from typing import TYPE_CHECKING, Any

from roadseg.sampling.density import DensitySampler, PreviousSampler, PriorSampler
from roadseg.sampling.density_targets import boundary_density
from roadseg.sampling.equidistribution import Equidistribution
from roadseg.sampling.grid import enlarge, pixel_indices, project, uniform_grid
from roadseg.sampling.nus import NusSampler
from roadseg.sampling.registry import list_samplers
from roadseg.sampling.sample import sample
from roadseg.sampling.sampler import ExactSampler, Sampler, UniformSampler
from roadseg.sampling.segmenter import SampledSegmenter, sample_batch
from roadseg.sampling.targets import boundary_targets
from roadseg.sampling.unsample import interpolated_share, unsample

if TYPE_CHECKING:
    from roadseg.runs.samplers import make_sampler as make_sampler

__all__ = [
    "DensitySampler",
    "Equidistribution",
    "ExactSampler",
    "NusSampler",
    "PreviousSampler",
    "PriorSampler",
    "SampledSegmenter",
    "Sampler",
    "UniformSampler",
    "boundary_density",
    "boundary_targets",
    "enlarge",
    "interpolated_share",
    "list_samplers",
    "make_sampler",
    "pixel_indices",
    "project",
    "sample",
    "sample_batch",
    "uniform_grid",
    "unsample",
]


def __getattr__(name: str) -> Any:
    """Import `make_sampler` when it is asked for: it reads runs, which stand downstream of here."""
    if name == "make_sampler":
        return importlib.import_module("roadseg.runs.samplers").make_sampler
    raise AttributeError(f"module 'roadseg.sampling' has no attribute '{name}'")
