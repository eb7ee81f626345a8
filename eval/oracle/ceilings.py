"""The ceiling that a sampling sets: true labels sampled on a grid and brought back to full size.

No segmentation network is involved. One that labels every sample rightly would score what is
printed here, so sampler, sampling size, grid and weight are chosen by it. Samplers with a run
sample what their network predicts from the image; the others see true labels
(eval/oracle/samplers.py).

Ignored pixels: they never count in a score. A sample that falls on one votes for no class, since a
network would say something plausible there, and its neighbours decide; pixels among ignored samples
only get no class, which counts as wrong where they are labelled.
"""

import dataclasses
import json
import math
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from roadseg.command_line.options import parse_size
from roadseg.data_conversion.read.records import open_records
from roadseg.errors import RoadsegError
from roadseg.eval.frames import Frame, read_frames
from roadseg.eval.job import Progress
from roadseg.eval.oracle.samplers import (
    OracleSampler,
    SamplerChoice,
    check_kinds,
    oracle_samplers,
    sampler_runs,
)
from roadseg.eval.results.base import without_nan
from roadseg.eval.scoring import Counts, SegmentationScorer, in_threads
from roadseg.label_tables.label_table import LabelTable
from roadseg.metrics.boundary import BandScore
from roadseg.metrics.objects import SizeBin
from roadseg.recipe.groups import Sampling

# Below any weight that matters, above zero: wins only where no sample around votes for a class.
NO_VOTE = 1e-3


@dataclasses.dataclass(frozen=True)
class OracleOptions:
    """What to sample, and how."""

    records: Path
    sampling_sizes: tuple[str, ...]
    """Samples per column and row, as '128' or '96x192' (height x width)."""
    samplers: tuple[str, ...] = ("uniform", "nus")
    """Names of `roadseg.sampling.list_samplers()`."""
    sampler_runs: tuple[str, ...] = ()
    """Their runs, as 'KIND=RUN' or as folders whose kind is read from them."""
    split: str = "val"
    grid: tuple[int, int] = (8, 8)
    """Points of the published sampler's exact target grid, (rows, columns)."""
    alphas: tuple[float, ...] = (0.5,)
    """Weights of the data term of the published sampling energy, with exact targets."""
    strength: float | None = None
    """How far samples follow a density; None: as the run does, or as samplers usually do."""
    target_classes: tuple[str, ...] | None = None
    """Names or train ids whose boundaries attract samples; ('all',); None: the data set's for
    `nus`; for densities those that a density's run was trained on, or all."""
    crop: tuple[int, int] | None = None
    """Central crop (height, width); None for the full image."""
    max_images: int | None = None
    workers: int | None = None


@dataclasses.dataclass(frozen=True)
class OracleRow:
    """The ceiling of one sampling; alpha is None but for exact targets of `nus`."""

    sampling_size: tuple[int, int]
    sampler: str
    source: str
    """'exact targets' of true labels, 'by its run', 'last labels' of the frame before; or ''."""
    alpha: float | None
    miou: float
    miou_small: float
    miou_target: float
    pixel_accuracy: float
    iou: dict[str, float]
    boundary: list[BandScore]
    boundary_target: list[BandScore]
    objects: list[SizeBin]
    interpolated: float
    """Share of pixels between samples of unlike classes: labels cost an interpolation there."""


@dataclasses.dataclass(frozen=True)
class OracleResult:
    """One row for each sampling size and sampler, in the order asked for."""

    data_set: str
    split: str
    images: int
    crop: tuple[int, int] | None
    grid: tuple[int, int]
    target_classes: list[str]
    """Classes whose boundaries attract exact grids of `nus`; empty for all."""
    density_classes: list[str]
    """The same for exact densities."""
    strength: float
    """How far samples follow those."""
    rows: list[OracleRow]

    def to_json(self) -> str:
        """Return indented JSON; NaN becomes null."""
        return json.dumps(without_nan(dataclasses.asdict(self)), indent=1, allow_nan=False)


_Sampling = tuple[tuple[int, int], int]
"""A sampling size, and the place of a sampler in their list."""
_Counted = tuple[Counts, float]
"""Of one image, and the share of its pixels that were interpolated."""


def oracle(options: OracleOptions, progress: Progress | None = None) -> OracleResult:
    """Return the ceilings on a split of records, of each sampler at each size.

    Raises RoadsegError for sizes, grids, weights, samplers, runs or classes that cannot be, and
    bad records.
    """
    sizes = [sampling_size(text) for text in options.sampling_sizes]
    _check(options)
    records = open_records(options.records, options.split)
    table = records.label_table
    choice = _choice(options, table)
    samplers = oracle_samplers(choice)
    samplings = [(size, place) for size in sizes for place in range(len(samplers))]
    scorers = [SegmentationScorer(table) for _ in samplings]
    shares: list[list[float]] = [[] for _ in samplings]
    total = min(records.num_examples, options.max_images or records.num_examples)
    frames = read_frames(records, options.crop, options.max_images)

    def jobs() -> Iterator[Callable[[], tuple[str, list[_Counted]]]]:
        for frame in frames:
            controls = [_control(sampler, frame) for sampler in samplers]
            yield partial(_count_samplings, frame, samplings, scorers[0], controls)

    for name, counted in in_threads(jobs(), options.workers):
        for scorer, share, each in zip(scorers, shares, counted, strict=True):
            scorer.add(name, each[0])
            share.append(each[1])
        if progress:
            progress(len(scorers[0].per_image), total)
    return OracleResult(
        data_set=table.name,
        split=options.split,
        images=len(scorers[0].per_image),
        crop=options.crop,
        grid=options.grid,
        target_classes=[table.names[index] for index in choice.grid_classes],
        density_classes=[table.names[index] for index in choice.density["target_classes"]],
        strength=choice.density["strength"],
        rows=[
            _row(size, samplers[place], scorer, float(np.mean(share)))
            for (size, place), scorer, share in zip(samplings, scorers, shares, strict=True)
        ],
    )


def _choice(options: OracleOptions, table: LabelTable) -> SamplerChoice:
    """Return what the samplers are made of; exact densities are like the run's, if there is one."""
    runs = sampler_runs(options.sampler_runs, options.strength)
    check_kinds(options.samplers, runs)
    density: dict[str, Any] = {"strength": Sampling().strength, "target_classes": ()}
    for kind in ("prior", "density"):
        if kind in runs:
            of: Any = runs[kind]
            density = {"strength": of.strength, "target_classes": of.target_classes}
            density["class_weights"] = of.class_weights
    if options.strength is not None:
        density["strength"] = options.strength
    if options.target_classes is not None:
        density["target_classes"] = tuple(target_ids(options.target_classes, table))
    wrong = [index for index in density["target_classes"] if index >= table.num_classes]
    if wrong:
        raise RoadsegError(
            f"--sampler-run: drawn to class {wrong[0]}, and '{table.name}' has "
            f"{table.num_classes}; name the run of another, or give --classes"
        )
    return SamplerChoice(
        kinds=options.samplers,
        runs=runs,
        grid=options.grid,
        alphas=options.alphas,
        grid_classes=target_ids(options.target_classes, table),
        density=density,
        ignore=table.ignore,
    )


def _control(sampler: OracleSampler, frame: Frame) -> np.ndarray:
    try:
        return sampler.control(frame)
    except RoadsegError as error:
        raise RoadsegError(f"{frame.name}: sampler '{sampler.kind}': {error}") from None


def _count_samplings(
    frame: Frame,
    samplings: list[_Sampling],
    scorer: SegmentationScorer,
    controls: list[np.ndarray],
) -> tuple[str, list[_Counted]]:
    """Return the counts of one image for each sampling."""
    classes, geometry = scorer.table.num_classes, scorer.geometry(frame.label)
    counted = []
    for size, place in samplings:
        labels, interpolated = round_trip(frame.label, controls[place], size, classes)
        counted.append((scorer.count(geometry, labels), interpolated))
    return frame.name, counted


def round_trip(
    label: np.ndarray, control: np.ndarray, size: tuple[int, int], num_classes: int
) -> tuple[np.ndarray, float]:
    """Return the labels that come back when `label` is sampled at `size` points, int32.

    label: integers (height, width). control: grid (rows, columns, 2), (row, column) 0..1, enlarged
    to `size`. Pixels among ignored samples only get `num_classes`. Returns also the share of pixels
    that lie between samples of unlike classes.
    """
    from roadseg import nus_native
    from roadseg.sampling import enlarge, interpolated_share, pixel_indices

    locations = enlarge(control[None], size)[0]
    pixels = np.asarray(pixel_indices(locations, label.shape))
    sampled = label[pixels[..., 0], pixels[..., 1]]
    # Only classes that were sampled can come back: far fewer channels than classes.
    present = [int(value) for value in np.unique(sampled) if value < num_classes]
    votes = sampled[..., None] == np.array(present, sampled.dtype)
    nobody = np.where(votes.any(axis=-1, keepdims=True), 0.0, NO_VOTE)
    scores = np.concatenate([votes, nobody], axis=-1).astype(np.float32)
    # One thread: images run beside each other already.
    best = nus_native.interpolate(
        scores, np.asarray(locations), label.shape, argmax=True, threads=1
    )
    share = float(interpolated_share(scores[None], locations, label.shape)[0])
    return np.array([*present, num_classes], np.int32)[best], share


def target_ids(classes: tuple[str, ...] | None, table: LabelTable) -> list[int]:
    """Return train ids for names or ids; empty for all. RoadsegError for what is no class."""
    if classes is None:
        return list(table.target_classes)
    if classes == ("all",):
        return []
    ids = []
    for text in classes:
        if text in table.names:
            ids.append(table.names.index(text))
        elif text.isdecimal() and int(text) < table.num_classes:
            ids.append(int(text))
        else:
            names = ", ".join(table.names)
            raise RoadsegError(f"no class '{text}' in '{table.name}'; there are: {names}, or 'all'")
    return ids


def sampling_size(text: str) -> tuple[int, int]:
    """Return (height, width) for '128' or '96x192'; RoadsegError for anything else."""
    return parse_size(text, "--sampling-size", least=2, square=True)


def _check(options: OracleOptions) -> None:
    if not options.sampling_sizes or not options.alphas:
        raise RoadsegError("--sampling-size and --sampler.alpha need at least one value each")
    if min(options.grid) < 2:
        raise RoadsegError(
            f"--sampler.grid-size {options.grid[0]} {options.grid[1]}: both sides are at least 2"
        )
    wrong = [alpha for alpha in options.alphas if not 0 < alpha <= 1]
    if wrong:
        raise RoadsegError(f"--sampler.alpha {wrong[0]:g}: above 0 and at most 1")
    if options.strength is not None and not 0 <= options.strength < 1:
        raise RoadsegError(f"--strength {options.strength:g}: from 0 to below 1")
    if options.strength is not None and set(options.samplers) <= {"uniform", "nus"}:
        wanted = "name a sampler that has one (prior, density, previous, exact), or leave it out"
        raise RoadsegError(f"--strength {options.strength:g}: {wanted}")
    if options.max_images is not None and options.max_images < 1:
        raise RoadsegError(f"--max-images {options.max_images}: at least one image is needed")
    if options.crop is not None and min(options.crop) < 2:
        raise RoadsegError(f"--crop {options.crop[0]} {options.crop[1]}: sides are at least 2")


def _row(
    size: tuple[int, int], sampler: OracleSampler, scorer: SegmentationScorer, interpolated: float
) -> OracleRow:
    small = scorer.table.small_classes
    values: dict[str, Any] = scorer.values()
    values["miou_small"] = scorer.confusion.metrics().mean_iou_of(small) if small else math.nan
    # The first four say what was sampled, and are passed by place.
    values["interpolated"] = interpolated
    names = [field.name for field in dataclasses.fields(OracleRow)][4:]
    of_row = {name: values[name] for name in names}
    return OracleRow(size, sampler.kind, sampler.source, sampler.alpha, **of_row)
