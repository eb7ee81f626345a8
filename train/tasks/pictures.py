"""Batches as pictures for TensorBoard."""

from typing import Any

import numpy as np
from keras import ops

from roadseg.drawing.labels import draw_points, overlay
from roadseg.label_tables.label_table import LabelTable

Tensor = Any


def overlays(images: Tensor, labels: Tensor, table: LabelTable) -> np.ndarray:
    """Return `labels` (batch, height, width) over `images`, uint8."""
    pairs = zip(as_bytes(images), np.asarray(labels), strict=True)
    return np.stack([overlay(image, label, table) for image, label in pairs])


def points(images: Tensor, grids: Tensor, colour: tuple[int, int, int]) -> np.ndarray:
    """Return `images` as uint8 with a dot of `colour` at each point of `grids` (0..1)."""
    inside = np.clip(np.nan_to_num(np.asarray(grids, np.float64)), 0, 1)
    pairs = zip(as_bytes(images), inside, strict=True)
    return np.stack([draw_points(image, grid, colour) for image, grid in pairs])


def as_bytes(images: Tensor) -> np.ndarray:
    """Return images 0..255 as uint8."""
    return ops.convert_to_numpy(ops.cast(images, "uint8"))
