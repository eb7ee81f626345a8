"""Draws what the benchmark needs: label maps like streets, and class scores sampled there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roadseg import nus_native

ROAD, SIDEWALK, BUILDING, POLE, SIGN, VEGETATION, SKY = 0, 1, 2, 5, 7, 8, 10
PERSON, RIDER, CAR, TRUCK, BICYCLE, VOID = 11, 12, 13, 14, 18, 255
OBJECTS = tuple(range(11, 19))  # the target classes of the published scripts: person to bicycle
CLASSES = 19


@dataclass(frozen=True)
class Case:
    """Samples to bring back to pixels: scores (n, n, classes), grid (n, n, 2), and the size."""

    name: str
    scores: NDArray[np.float32]
    grid: NDArray[np.float32]
    size: tuple[int, int]


def draw_street(height: int, width: int, seed: int) -> NDArray[np.uint8]:
    """Return a label map (height, width) of Cityscapes train ids, 255 where nothing is known.

    A road in perspective between pavements, a ragged skyline, trees and poles, and some dozens of
    vehicles and people that grow and overlap towards the camera; the bonnet is unknown.
    """
    rng = np.random.default_rng(seed)
    rows, columns = np.arange(height)[:, None] / height, np.arange(width)[None] / width
    horizon, vanishing = rng.uniform(0.38, 0.48), rng.uniform(0.35, 0.65)
    labels = np.full((height, width), SKY, np.uint8)
    roofs = np.repeat(rng.uniform(0.05, horizon, 12), -(-width // 12))[:width]
    labels[rows > roofs[None]] = BUILDING
    crowns = horizon - 0.1 * np.abs(np.sin(columns * 40 + rng.uniform(0, 6))) * (columns < 0.4)
    labels[(rows > crowns) & (columns < 0.4)] = VEGETATION
    depth = np.maximum(rows - horizon, 0) / (1 - horizon)  # 0 at the horizon, 1 at the camera
    beside = np.abs(columns - vanishing)
    labels[(rows > horizon) & (beside < 0.1 + 1.1 * depth)] = SIDEWALK
    labels[(rows > horizon) & (beside < 0.02 + 0.7 * depth)] = ROAD
    for _ in range(10):
        _draw_pole(labels, rng, horizon)
    for near in np.sort(rng.uniform(0.03, 1, 36) ** 1.5):
        _draw_object(labels, rng, horizon + near * (0.95 - horizon), near)
    labels[(rows > 0.93) & (np.abs(columns - 0.5) < 0.4)] = VOID
    return labels


def _draw_pole(labels: NDArray[np.uint8], rng: np.random.Generator, horizon: float) -> None:
    height, width = labels.shape
    left, foot = rng.integers(0, width), int(height * rng.uniform(horizon, 0.75))
    thickness, top = max(1, width // 400), int(height * rng.uniform(0.15, horizon))
    labels[top:foot, left : left + thickness] = POLE
    labels[top : top + height // 25, left : left + height // 30] = SIGN


def _draw_object(
    labels: NDArray[np.uint8], rng: np.random.Generator, foot: float, near: float
) -> None:
    height, width = labels.shape
    kind = rng.choice([PERSON, PERSON, RIDER, CAR, CAR, CAR, TRUCK])
    tall = height * (0.04 + 0.35 * near) * (0.7 if kind == CAR else 1.0)
    wide = tall * (1.8 if kind in (CAR, TRUCK) else 0.4)
    bottom, middle = foot * height, rng.uniform(0, width)
    if kind == RIDER:
        _fill_ellipse(labels, bottom, middle, tall * 0.5, tall * 0.7, BICYCLE)
        bottom -= tall * 0.25
    _fill_ellipse(labels, bottom, middle, tall, wide, int(kind))


def _fill_ellipse(
    labels: NDArray[np.uint8], bottom: float, middle: float, tall: float, wide: float, kind: int
) -> None:
    """Fill a rounded box that stands on row `bottom`."""
    height, width = labels.shape
    top, left = max(0, int(bottom - tall)), max(0, int(middle - wide / 2))
    box = labels[top : min(height, int(bottom)), left : min(width, int(middle + wide / 2))]
    y = (np.arange(box.shape[0])[:, None] + top - bottom + tall / 2) / max(tall / 2, 1)
    x = (np.arange(box.shape[1])[None] + left - middle) / max(wide / 2, 1)
    box[y**4 + x**4 < 1] = kind


def interpolation_cases(side: int) -> list[Case]:
    """Return samples as a network gives them: from a street, and with boundaries everywhere."""
    street = draw_street(side, 2 * side, seed=0)
    samples = max(16, side // 8)
    grid = enlarge(nus_native.boundary_targets(street, target_classes=OBJECTS), samples)
    rng = np.random.default_rng(0)
    coarse = enlarge(nus_native.boundary_targets(street, target_classes=OBJECTS), samples // 8)
    pixels = np.rint(coarse * (np.array(street.shape) - 1)).astype(int)
    classes = street[pixels[..., 0], pixels[..., 1]]
    certain = 8 * np.eye(256)[classes][..., :CLASSES]
    scores = enlarge(certain + rng.normal(size=certain.shape), samples)
    smooth = enlarge(rng.normal(size=certain.shape), samples)
    size = (side, 2 * side)
    return [
        Case("street", scores.astype(np.float32), grid.astype(np.float32), size),
        Case("edges everywhere", smooth.astype(np.float32), grid.astype(np.float32), size),
    ]


def enlarge(values: NDArray, samples: int) -> NDArray[np.float64]:
    """Return `values` (h, w, channels) enlarged to (samples, samples), corners aligned."""
    for axis in (0, 1):
        values = np.moveaxis(values, axis, 0)
        places = np.linspace(0, len(values) - 1, samples)
        low = np.minimum(places.astype(int), len(values) - 2)
        share = (places - low)[:, None, None]
        values = np.moveaxis((1 - share) * values[low] + share * values[low + 1], 0, axis)
    return values
