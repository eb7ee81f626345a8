"""Mean squared error of predicted sampling grids, as published and after projection."""

import math

import numpy as np


def project_border(grid_yx01: np.ndarray) -> np.ndarray:
    """Return grids with the border pulled onto the image border and all points clipped to it.

    grid_yx01: (..., rows, columns, 2), channel 0 = row. First and last row get row coordinate 0
    and 1, first and last column get column coordinate 0 and 1. Source: nus covering constraints.
    """
    projected = np.clip(grid_yx01, 0, 1)
    projected[..., 0, :, 0] = 0
    projected[..., -1, :, 0] = 1
    projected[..., :, 0, 1] = 0
    projected[..., :, -1, 1] = 1
    return projected


class GridError:
    """Running mean of squared errors over all entries of all grids, in float64."""

    def __init__(self) -> None:
        """Start at zero."""
        self._raw = self._projected = 0.0
        self._entries = 0

    def add(self, targets: np.ndarray, predictions: np.ndarray) -> tuple[float, float]:
        """Add grids (..., rows, columns, 2); return the raw and the projected MSE of these alone.

        Raises ValueError when the shapes differ.
        """
        if targets.shape != predictions.shape:
            raise ValueError(f"target grid {targets.shape}, predicted grid {predictions.shape}")
        target = targets.astype(np.float64)
        raw = float(np.square(predictions - target).sum())
        projected = float(np.square(project_border(predictions) - target).sum())
        self._raw += raw
        self._projected += projected
        self._entries += target.size
        return raw / target.size, projected / target.size

    @property
    def mse(self) -> float:
        """Error of the raw grid, border entries included: the published `mse`."""
        return self._raw / self._entries if self._entries else math.nan

    @property
    def mse_projected(self) -> float:
        """Error of the grid that is really used for sampling."""
        return self._projected / self._entries if self._entries else math.nan
