"""Logits at scattered samples to labels as published: linear over a Delaunay triangulation."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.spatial import Delaunay

ROWS_AT_ONCE = 32
DEGENERATE = 1000 * np.finfo(np.float64).eps
"""Triangles whose reciprocal condition is smaller hold no pixel. Source: scipy.spatial.Delaunay."""


def delaunay_labels(logits: np.ndarray, grid: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return labels (height, width) int32 as `scipy.interpolate.griddata(method='linear')` does.

    logits: (h, w, classes) float. grid: (h, w, 2), (row, column) 0..1; positions are
    location * (size - 1), not rounded. A few rows of pixels are done at a time, so that the float64
    logits of the whole image never exist. About 0.2 s for 19 classes from 128x128 to 1024x1024.
    Source: adaptive-sampling, eval.py.
    """
    from scipy.interpolate import LinearNDInterpolator
    from scipy.spatial import Delaunay

    height, width = size
    points = grid.reshape(-1, 2).astype(np.float64) * (height - 1, width - 1)
    triangles = Delaunay(points)
    # SciPy would call LAPACK for each triangle; its threads take seconds when the cores are busy.
    triangles._transform = barycentric_transforms(triangles)
    interpolator = LinearNDInterpolator(triangles, logits.reshape(len(points), -1))
    labels = np.empty(size, np.int32)
    for top in range(0, height, ROWS_AT_ONCE):
        rows, columns = np.mgrid[top : min(top + ROWS_AT_ONCE, height), :width]
        labels[top : top + ROWS_AT_ONCE] = interpolator((rows, columns)).argmax(axis=-1)
    return labels


def barycentric_transforms(triangles: "Delaunay") -> np.ndarray:
    """Return what `Delaunay.transform` holds in two dimensions, (triangles, 3, 2).

    Rows 0 and 1: the matrix from (point - last corner) to the weights of the other two corners;
    row 2: the last corner. NaN for degenerate triangles.
    """
    corners = triangles.points[triangles.simplices]
    last = corners[:, 2]
    edges = (corners[:, :2] - last[:, None]).transpose(0, 2, 1)
    (a, b), (c, d) = edges[:, 0].T, edges[:, 1].T
    with np.errstate(divide="ignore", invalid="ignore"):
        adjugate = np.stack([d, -b, -c, a], axis=-1).reshape(-1, 2, 2)
        inverse = adjugate / (a * d - b * c)[:, None, None]
        norms = [np.abs(matrix).sum(axis=1).max(axis=1) for matrix in (edges, inverse)]
        # Not `<`: NaN, of a triangle without area, counts as degenerate.
        degenerate = ~(1 / (norms[0] * norms[1]) >= DEGENERATE)
    transforms = np.concatenate([inverse, last[:, None]], axis=1)
    transforms[degenerate] = np.nan
    return transforms
