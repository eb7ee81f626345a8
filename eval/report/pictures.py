"""Pictures of a report: the best and the worst images as each run saw and labelled them."""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from roadseg.drawing import labels as drawing
from roadseg.errors import RoadsegError
from roadseg.eval.frames import Frame, read_frames
from roadseg.eval.job import crop_of
from roadseg.eval.protocols import choose_protocol, predictor
from roadseg.eval.report.data import ReportedRun
from roadseg.recipe.protocol import Protocol

WIDTH_PX = 640
CONTROL_POINTS = 9
VIEW_COLOURS = ((255, 224, 70), (110, 220, 255))


@dataclass(frozen=True)
class Seen:
    """One image as one run labelled it; RGB uint8, and the run's score on this image."""

    miou: float
    overlay: np.ndarray
    errors: np.ndarray
    samples: np.ndarray | None
    """The image with its sampling points; None without sampling."""
    grid: np.ndarray | None
    """The image under the coarse mesh of its sampling; None unless that is learned."""
    meshes: np.ndarray | None
    """That mesh, (views, rows, columns, 2), 0..1 of the image."""
    views: int = 1
    """Views side by side that covered the image."""
    density: np.ndarray | None = None
    """The image under the density that its grid was solved for; None where there is none."""


@dataclass(frozen=True)
class PicturedImage:
    """One image of the split, with what every run made of it."""

    name: str
    place: str
    """'worst' or 'best'."""
    miou: float
    """Mean over the runs."""
    image: np.ndarray
    truth: np.ndarray
    classes: list[int]
    """Train ids that occur in the label or in any prediction."""
    seen: list[Seen] = field(repr=False)


def pictured_images(
    runs: Sequence[ReportedRun],
    count: int,
    records: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[PicturedImage]:
    """Return the `count` worst and `count` best images, by the mean of the runs' mIoU, worst first.

    runs: segmentation runs evaluated on the same images. records: where the images are, default the
    first recipe's. Raises RoadsegError if records or checkpoints are gone.
    """
    if not runs or not count:
        return []
    results = [run.segmentation for run in runs]
    scores = [
        {image.name: image.miou for image in result.per_image} for result in results if result
    ]
    chosen = choose(scores, count)
    first = results[0]
    if first is None or not chosen:
        return []
    if first.sampler:
        raise RoadsegError(f"the images were sampled by '{first.sampler}', not by the run's own")
    protocol = first.protocol
    folder = records or Path(runs[0].recipe.records)
    crop = crop_of(protocol, runs[0].recipe)
    frames = _frames(folder, first.split, crop, first.limit, chosen)
    seen: dict[str, list[Seen]] = {name: [] for name in chosen}
    classes: dict[str, set[int]] = {
        name: set(np.unique(frames[name].label).tolist()) for name in chosen
    }
    for run, of_run in zip(runs, scores, strict=True):
        if progress:
            progress(f"pictures of {run.name}")
        painter = _Painter(run, protocol)
        for name in chosen:
            labels = painter.labels(frames[name].image)
            classes[name] |= set(np.unique(labels).tolist())
            seen[name].append(painter.paint(frames[name], labels, of_run[name]))
    table = runs[0].table
    return [
        PicturedImage(
            name=name,
            place=place,
            miou=float(np.mean([of_run[name] for of_run in scores])),
            image=small(as_uint8(frames[name].image)),
            truth=_painted(frames[name], frames[name].label, table),
            classes=sorted(index for index in classes[name] if index < table.num_classes),
            seen=seen[name],
        )
        for name, place in chosen.items()
    ]


def _frames(
    folder: Path,
    split: str,
    crop: tuple[int, int] | None,
    limit: int | None,
    names: Collection[str],
) -> dict[str, Frame]:
    """Return the frames called `names`; raise RoadsegError if one is not in the records."""
    from roadseg.data_conversion.read.records import open_records

    opened = open_records(folder, split)
    frames = {
        frame.name: frame for frame in read_frames(opened, crop, limit) if frame.name in names
    }
    missing = [name for name in names if name not in frames]
    if missing:
        raise RoadsegError(f"{opened.path}: '{missing[0]}' was evaluated and is not in the records")
    return frames


def choose(scores: Sequence[dict[str, float]], count: int) -> dict[str, str]:
    """Return image name -> 'worst' or 'best', worst first, for images that every run scored.

    scores: mIoU by image name, one for each run. No image is shown as both.
    """
    if not scores:
        return {}
    means = {
        name: sum(of_run[name] for of_run in scores) / len(scores)
        for name in scores[0]
        if all(name in of_run and not math.isnan(of_run[name]) for of_run in scores)
    }
    order = sorted(means, key=lambda name: (means[name], name))
    count = min(count, (len(order) + 1) // 2)
    best = order[max(count, len(order) - count) :]
    return {name: "worst" for name in order[:count]} | {name: "best" for name in best}


class _Painter:
    def __init__(self, run: ReportedRun, protocol: Protocol) -> None:
        self.run = run
        step = run.result.step if run.result else None
        self.segmenter: Any = run.run.load_segmenter(step)
        # Runs without sampling stand beside others: each has what it needs.
        way = "auto" if protocol.interpolation == "none" else protocol.interpolation
        if run.recipe.sampling.kind == "none":
            way = "auto"
        own = choose_protocol(run.recipe, protocol.replace({"interpolation": way}))
        self.predict = predictor(self.segmenter, own)

    def labels(self, image: np.ndarray) -> np.ndarray:
        return np.asarray(self.predict(image[None])[0]())

    def paint(self, frame: Frame, labels: np.ndarray, miou: float) -> Seen:
        picture, table = as_uint8(frame.image), self.run.table
        wrong = drawing.errors(frame.label, labels, table)
        overlay = _painted(frame, labels, table)
        if self.run.recipe.sampling.kind == "none":
            return Seen(miou, overlay, small(wrong, nearest=True), None, None, None)
        views = np.asarray(self.segmenter.locations(frame.image[None].astype(np.float32)))[0]
        canvas = _dimmed(picture)
        samples, grid, meshes = canvas, None, None
        for view, colour in zip(views, cycle(VIEW_COLOURS), strict=False):
            samples = drawing.draw_points(samples, view, colour, radius_px=_radius(views))
        if self.run.recipe.sampling.kind != "uniform":
            meshes, grid = np.stack([coarse(view) for view in views]), canvas
            for mesh, colour in zip(meshes, cycle(VIEW_COLOURS), strict=False):
                grid = drawing.draw_mesh(grid, mesh, colour)
        errors = small(wrong, nearest=True)
        density = self._density(frame, picture) if len(views) == 1 else None
        return Seen(miou, overlay, errors, samples, grid, meshes, len(views), density)

    def _density(self, frame: Frame, picture: np.ndarray) -> np.ndarray | None:
        sampler = self.segmenter.sampler
        if not hasattr(sampler, "density"):
            return None
        image = frame.image[None].astype(np.float32)
        return heat(picture, np.asarray(sampler.density(image, training=False))[0])


def coarse(grid: np.ndarray, points: int = CONTROL_POINTS) -> np.ndarray:
    """Return about `points` x `points` evenly chosen rows and columns of a grid (h, w, 2)."""
    rows, columns = (
        np.unique(np.linspace(0, side - 1, min(points, side)).round().astype(int))
        for side in grid.shape[:2]
    )
    return grid[np.ix_(rows, columns)]


def heat(picture: np.ndarray, density: np.ndarray) -> np.ndarray:
    """Return `picture` (height, width, 3) small and grey, lit up where `density` is high.

    density: (rows, columns), not negative, of any scale.
    """
    import cv2

    dark = _dimmed(picture)
    size = dark.shape[1], dark.shape[0]
    share = cv2.resize(density.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    level = np.rint(255 * share / max(float(share.max()), 1e-30)).astype(np.uint8)
    lit = cv2.applyColorMap(level, cv2.COLORMAP_INFERNO)[..., ::-1]
    grey = dark.mean(axis=-1, keepdims=True)
    return np.clip(0.35 * grey + 0.8 * lit, 0, 255).astype(np.uint8)


def small(picture: np.ndarray, nearest: bool = False) -> np.ndarray:
    """Return `picture` at most WIDTH_PX wide."""
    import cv2

    height, width = picture.shape[:2]
    if width <= WIDTH_PX:
        return picture
    size = (WIDTH_PX, max(1, round(height * WIDTH_PX / width)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST if nearest else cv2.INTER_AREA)


def as_uint8(image: np.ndarray) -> np.ndarray:
    """Return RGB 0..255 of any type as uint8."""
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _dimmed(picture: np.ndarray) -> np.ndarray:
    """Return `picture` WIDTH_PX wide and darker, so that thin marks show even on a bright sky."""
    import cv2

    size = (WIDTH_PX, max(1, round(picture.shape[0] * WIDTH_PX / picture.shape[1])))
    smooth = cv2.INTER_AREA if picture.shape[1] > WIDTH_PX else cv2.INTER_CUBIC
    return (cv2.resize(picture, size, interpolation=smooth) * 0.6).astype(np.uint8)


def _painted(frame: Frame, labels: np.ndarray, table: Any) -> np.ndarray:
    return small(drawing.overlay(as_uint8(frame.image), labels, table))


def _radius(views: np.ndarray) -> float:
    # A dot for each of many samples: below a pixel the points would fade into the picture.
    return max(0.8, min(2.2, WIDTH_PX / math.sqrt(views.size / 2) / 8))
