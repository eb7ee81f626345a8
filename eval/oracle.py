"""The ceiling that a sampling sets: true labels sampled on a grid and brought back to full size.

No network is involved. A network that labels every sample rightly would score what is printed here,
so sampling size, grid and weight are chosen by it.

Ignored pixels: they never count in a score. A sample that falls on one votes for no class, since a
network would say something plausible there, and its neighbours decide; pixels among ignored samples
only get no class, which counts as wrong where they are labelled.
"""

import dataclasses
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from roadseg.datasets.label_table import LabelTable
from roadseg.errors import RoadsegError
from roadseg.eval.evaluate import Progress, open_split
from roadseg.eval.frames import Frame, read_frames
from roadseg.eval.results import without_nan
from roadseg.eval.scoring import Counts, SegmentationScorer, in_threads
from roadseg.eval.tables import new_table, number, size_text
from roadseg.metrics.boundary import BandScore
from roadseg.metrics.objects import SizeBin

# Below any weight that matters, above zero: wins only where no sample around votes for a class.
NO_VOTE = 1e-3


@dataclasses.dataclass(frozen=True)
class OracleOptions:
    """What to sample, and how."""

    records: Path
    sampling_sizes: tuple[str, ...]
    """Samples per column and row, as '128' or '96x192' (height x width)."""
    split: str = "val"
    grid: tuple[int, int] = (8, 8)
    """Points of the target grid, (rows, columns)."""
    alphas: tuple[float, ...] = (0.5,)
    """Weights of the data term of the sampling energy."""
    target_classes: tuple[str, ...] | None = None
    """Names or train ids whose boundaries attract samples; ('all',); None: the data set's."""
    crop: tuple[int, int] | None = None
    """Central crop (height, width); None for the full image."""
    limit: int | None = None
    workers: int | None = None


@dataclasses.dataclass(frozen=True)
class OracleRow:
    """The ceiling of one sampling; alpha is None for the uniform grid."""

    sampling_size: tuple[int, int]
    alpha: float | None
    miou: float
    miou_target: float
    pixel_accuracy: float
    iou: dict[str, float]
    boundary: list[BandScore]
    boundary_target: list[BandScore]
    objects: list[SizeBin]

    @property
    def kind(self) -> str:
        """'uniform', or the weight of the adaptive grid."""
        return "uniform" if self.alpha is None else f"a = {self.alpha:g}"


@dataclasses.dataclass(frozen=True)
class OracleResult:
    """One row for each sampling size and kind of grid, in the order asked for."""

    data_set: str
    split: str
    images: int
    crop: tuple[int, int] | None
    grid: tuple[int, int]
    target_classes: list[str]
    """Classes whose boundaries attract samples; empty for all."""
    rows: list[OracleRow]

    def to_json(self) -> str:
        """Return indented JSON; NaN becomes null."""
        return json.dumps(without_nan(dataclasses.asdict(self)), indent=1, allow_nan=False)


@dataclasses.dataclass(frozen=True)
class _Sampling:
    size: tuple[int, int]
    alpha: float | None


def oracle(options: OracleOptions, progress: Progress | None = None) -> OracleResult:
    """Return the ceilings on a split of records; uniform once per size, adaptive per weight.

    Raises RoadsegError for sizes, grids, weights or classes that cannot be, and bad records.
    """
    sizes = [parse_size(text) for text in options.sampling_sizes]
    _check(options)
    records = open_split(options.records, options.split)
    table = records.label_table
    targets = target_ids(options.target_classes, table)
    samplings = [_Sampling(size, alpha) for size in sizes for alpha in (None, *options.alphas)]
    scorers = [SegmentationScorer(table) for _ in samplings]
    total = min(records.num_examples, options.limit or records.num_examples)
    frames = read_frames(records, options.crop, options.limit)

    def jobs() -> Iterator[Callable[[], tuple[str, list[Counts]]]]:
        for frame in frames:
            yield partial(_count_samplings, frame, samplings, scorers[0], options.grid, targets)

    for name, counts in in_threads(jobs(), options.workers):
        for scorer, each in zip(scorers, counts, strict=True):
            scorer.add(name, each)
        if progress:
            progress(len(scorers[0].per_image), total)
    return OracleResult(
        data_set=table.name,
        split=options.split,
        images=len(scorers[0].per_image),
        crop=options.crop,
        grid=options.grid,
        target_classes=[table.names[index] for index in targets],
        rows=[_row(*pair) for pair in zip(samplings, scorers, strict=True)],
    )


def _count_samplings(
    frame: Frame,
    samplings: list[_Sampling],
    scorer: SegmentationScorer,
    grid: tuple[int, int],
    targets: list[int],
) -> tuple[str, list[Counts]]:
    """Return the counts of one image for each sampling."""
    table = scorer.table
    control = {
        alpha: uniform_control()
        if alpha is None
        else exact_control(frame.label, grid, alpha, targets, table.ignore)
        for alpha in {sampling.alpha for sampling in samplings}
    }
    geometry = scorer.geometry(frame.label)
    counts = []
    for sampling in samplings:
        labels = round_trip(frame.label, control[sampling.alpha], sampling.size, table.num_classes)
        counts.append(scorer.count(geometry, labels))
    return frame.name, counts


def uniform_control() -> np.ndarray:
    """Return the smallest grid whose enlargement is uniform, (2, 2, 2)."""
    from roadseg import nus_native

    return nus_native.uniform_grid((2, 2)).astype(np.float32)


def exact_control(
    label: np.ndarray, grid: tuple[int, int], alpha: float, targets: list[int], ignore: int
) -> np.ndarray:
    """Return the exact target grid of a label map, (rows, columns, 2)."""
    from roadseg import nus_native

    return nus_native.boundary_targets(
        label, grid, alpha, target_classes=targets or None, ignore=ignore, threads=1
    )


def round_trip(
    label: np.ndarray, control: np.ndarray, size: tuple[int, int], num_classes: int
) -> np.ndarray:
    """Return the labels that come back when `label` is sampled at `size` points, int32.

    label: integers (height, width). control: grid (rows, columns, 2), (row, column) 0..1, enlarged
    to `size`. Pixels among ignored samples only get `num_classes`.
    """
    from roadseg import nus_native
    from roadseg.sampling import enlarge, pixel_indices

    locations = enlarge(control[None], size)[0]
    pixels = np.asarray(pixel_indices(locations, label.shape))
    sampled = label[pixels[..., 0], pixels[..., 1]]
    # Only classes that were sampled can come back: far fewer channels than classes.
    present = [int(value) for value in np.unique(sampled) if value < num_classes]
    votes = sampled[..., None] == np.array(present, sampled.dtype)
    nobody = np.where(votes.any(axis=-1, keepdims=True), 0.0, NO_VOTE)
    scores = np.concatenate([votes, nobody], axis=-1).astype(np.float32)
    best = nus_native.interpolate(
        scores, np.asarray(locations), label.shape, argmax=True, threads=1
    )
    return np.array([*present, num_classes], np.int32)[best]


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


def parse_size(text: str) -> tuple[int, int]:
    """Return (height, width) for '128' or '96x192'; RoadsegError for anything else."""
    parts = text.split("x")
    if len(parts) not in (1, 2) or not all(part.isdecimal() and int(part) > 1 for part in parts):
        raise RoadsegError(f"sampling size '{text}': give a number from 2, or HEIGHTxWIDTH")
    return int(parts[0]), int(parts[-1])


def _check(options: OracleOptions) -> None:
    if not options.sampling_sizes or not options.alphas:
        raise RoadsegError("--sampling-size and --alpha need at least one value each")
    if min(options.grid) < 2:
        raise RoadsegError(f"--grid {options.grid[0]} {options.grid[1]}: both sides are at least 2")
    wrong = [alpha for alpha in options.alphas if not 0 < alpha <= 1]
    if wrong:
        raise RoadsegError(f"--alpha {wrong[0]:g}: the weight lies above 0 and is at most 1")
    if options.limit is not None and options.limit < 1:
        raise RoadsegError(f"--limit {options.limit}: at least one image is needed")
    if options.crop is not None and min(options.crop) < 2:
        raise RoadsegError(f"--crop {options.crop[0]} {options.crop[1]}: sides are at least 2")


def _row(sampling: _Sampling, scorer: SegmentationScorer) -> OracleRow:
    values: dict[str, Any] = scorer.values()
    names = [field.name for field in dataclasses.fields(OracleRow)][2:]
    return OracleRow(sampling.size, sampling.alpha, **{name: values[name] for name in names})


def table(result: OracleResult) -> Table:
    """Return the result as a table: one row a sampling, uniform and adaptive below each other."""
    drawn = f"drawn to {', '.join(result.target_classes) or 'all classes'}"
    where = f"{result.data_set}, {result.split}, {result.images} images"
    rows, columns = result.grid
    title = f"ceiling of sampling: {where}; {rows}x{columns} grid {drawn}"
    radii = [band.radius_px for band in result.rows[0].boundary]
    sizes = [size_text(size) for size in result.rows[0].objects[:2]]
    heads = ["samples", "grid", "mIoU", "target\nmIoU", "pixel\nacc."]
    heads += [f"within\n{radius} px" for radius in radii]
    heads += [f"target\n{radius} px" for radius in radii[1:2]]
    shown = new_table(title, *heads, *(f"recall\n{size}" for size in sizes))
    for row in result.rows:
        values = [row.miou, row.miou_target, row.pixel_accuracy]
        values += [band.accuracy for band in row.boundary]
        values += [row.boundary_target[1].accuracy] + [size.recall for size in row.objects[:2]]
        size = "x".join(map(str, row.sampling_size))
        shown.add_row(size, row.kind, *(number(value, 3) for value in values))
    shown.caption = "within n px of a boundary: accuracy; recall by object area in px"
    return shown
