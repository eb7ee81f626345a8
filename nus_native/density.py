"""Density targets of learned sampling: label map -> boundaries -> how many lie in each cell."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadseg.errors import RoadsegError
from roadseg.label_tables.class_ids import label_id
from roadseg.nus_native import _targets
from roadseg.nus_native.arguments import class_ids, grid_size, label_maps, real, thread_count
from roadseg.ops.gaussian import gaussian_matrix


def boundary_density(
    labels: NDArray,
    cells: Sequence[int] = (24, 32),
    target_classes: Iterable[int] | None = None,
    ignore: int | None = 255,
    class_weights: ArrayLike | None = None,
    blur: float = 0.5,
    *,
    threads: int | None = None,
) -> NDArray[np.float32]:
    """Return where the boundaries of label maps lie, float32 (..., rows, columns), of sum 1.

    labels: (height, width) or (batch, height, width), uint8 or int32, both sides at least 2.
    cells: (rows, columns) that tile the map, each at least 2 and at most the map's side.
    target_classes: only pixels of these classes count; None: of every class.
    ignore: pixels of this label are no boundary themselves (their neighbours may be); None: no
        such label.
    class_weights: what a boundary pixel counts: (classes,) by its own class, or (classes, classes)
        by its own and its neighbour's, where a neighbour that is no class counts 0. Not negative.
        Pixels beyond these classes count 0. None: 1 each.
    blur: standard deviation of a Gaussian over the cells, in cells, borders reflected; 0 for none.
    threads: None is one for each label map, up to the CPUs. The GIL is released.
    A map without a boundary that counts gives the uniform density.
    Raises RoadsegError for sizes, weights or a blur out of range, ValueError for a wrong type.
    """
    maps, (rows, columns) = label_maps(labels), grid_size(cells)
    height, width = maps.shape[1:]
    if rows > height or columns > width:
        raise RoadsegError(
            f"cells {rows}x{columns} over a label map of {height}x{width}: a cell has at least one "
            "pixel; take fewer cells"
        )
    blur = real(blur, "blur")
    if not 0 <= blur <= 8:
        raise RoadsegError(f"blur {blur}: a standard deviation of 0 to 8 cells")
    ignore = None if ignore is None else label_id(ignore, "ignore")
    targets, weights = class_ids(target_classes), pair_weights(class_weights)
    if len(maps) == 0:
        return np.empty((0, rows, columns), np.float32)
    threads = thread_count(threads, len(maps))
    density = _targets.boundary_density(maps, rows, columns, targets, ignore, weights, threads)
    if blur:
        density = gaussian_matrix(rows, blur) @ density @ gaussian_matrix(columns, blur).T
    total = density.sum(axis=(1, 2), keepdims=True)
    density[total[:, 0, 0] <= 0] = 1
    density /= density.sum(axis=(1, 2), keepdims=True)
    shares: NDArray[np.float32] = density.astype(np.float32)
    return shares if np.ndim(labels) == 3 else shares[0]


def pair_weights(class_weights: ArrayLike | None) -> NDArray[np.float32]:
    """Return weights as (classes, classes + 1), the last column for neighbours of no class."""
    if class_weights is None:
        return np.empty((0, 1), np.float32)
    if np.iscomplexobj(class_weights):
        raise ValueError("class_weights are complex; pass real numbers")
    try:
        with np.errstate(over="ignore"):  # what float32 cannot hold is refused below
            weights = np.asarray(class_weights, np.float32)
    except (TypeError, ValueError):
        raise ValueError(f"class_weights is {class_weights!r}; pass numbers") from None
    square = weights.ndim == 2 and weights.shape[0] == weights.shape[1]
    if weights.size == 0 or not (weights.ndim == 1 or square):
        raise RoadsegError(
            f"class_weights of shape {weights.shape}: one value a class, or one for each pair of "
            "classes"
        )
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise RoadsegError("class_weights: every weight is a number of 0 or more")
    if weights.ndim == 1:
        return np.ascontiguousarray(np.repeat(weights[:, None], len(weights) + 1, axis=1))
    return np.pad(weights, ((0, 0), (0, 1)))
