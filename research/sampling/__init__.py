"""Learned sampling: where to look, the pixels there, and the way back to every pixel."""

from roadseg.sampling.auxiliary import AuxiliaryNetwork
from roadseg.sampling.grid import enlarge, pixel_indices, project, uniform_grid
from roadseg.sampling.sample import sample
from roadseg.sampling.segmenter import SampledSegmenter, sample_batch
from roadseg.sampling.targets import boundary_targets
from roadseg.sampling.unsample import unsample

__all__ = [
    "AuxiliaryNetwork",
    "SampledSegmenter",
    "boundary_targets",
    "enlarge",
    "pixel_indices",
    "project",
    "sample",
    "sample_batch",
    "uniform_grid",
    "unsample",
]
