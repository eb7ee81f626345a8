"""Where the boundaries of label maps lie, as densities over coarse cells, in a graph.

The same as `roadseg.nus_native.boundary_density`, batched and on whatever device the graph is on.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from keras import ops

from roadseg.ops.gaussian import gaussian_matrix
from roadseg.recipe.recipe import Recipe
from roadseg.sampling.grid import Size, Tensor, checked_size
from roadseg.sampling.targets import edge_map

STRIDE = 4
CELLS = 768


def cells_of(size: tuple[int, int]) -> tuple[int, int]:
    """Return the cells of a density for images of `size`, (rows, columns).

    About 768, as square as can be, so that every aspect costs the same: 24x32 for 360x480, 20x39
    for 1024x2048. At least 8 a side.
    """
    height, width = size
    rows = max(round((CELLS * height / width) ** 0.5), 8)
    return rows, max(round((CELLS * width / height) ** 0.5), 8)


def thumbnail_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return the size of the thumbnail that a density is predicted from: 4 pixels a cell."""
    rows, columns = cells_of(size)
    return STRIDE * rows, STRIDE * columns


def density_input(recipe: Recipe) -> tuple[int, int]:
    """Return the size of the thumbnail that the density of a recipe is predicted from."""
    if min(recipe.sampler.input_size) > 0:
        return recipe.sampler.input_size
    return thumbnail_size(recipe.augment.crop_size)


def boundary_density(
    labels: Tensor,
    cells: Size = (24, 32),
    target_classes: Iterable[int] | None = None,
    ignore: int | None = 255,
    blur: float = 0.5,
    class_weights: Sequence[float] = (),
) -> Tensor:
    """Return where the boundaries of label maps lie, (batch, rows, columns) float32, of sum 1.

    labels: (batch, height, width), integers, no side smaller than `cells` has there.
    cells: (rows, columns) that tile the map. blur: standard deviation of a Gaussian, in cells.
    target_classes, ignore: as in `boundary_targets`. class_weights: what a boundary pixel counts
    by its class, none for 1 each; labels beyond them count 0. A map without a boundary that
    counts gives the uniform density.
    Raises ValueError for another rank or cells below 2 a side.
    """
    rows, columns = checked_size(cells, "cells")
    labels = ops.cast(labels, "int32")
    if len(labels.shape) != 3:
        raise ValueError(f"labels are (batch, height, width); got {tuple(labels.shape)}")
    edges = ops.cast(edge_map(labels, target_classes, ignore), "float32")
    if len(class_weights):
        edges = edges * _weights(labels, class_weights)
    height, width = ops.shape(labels)[1:3]
    # Sums and blur go along one axis at a time: two small matrices do both.
    down, across = _pooling(height, rows, blur), _pooling(width, columns, blur)
    density = ops.matmul(ops.matmul(down, edges), ops.transpose(across))
    total = ops.sum(density, axis=(1, 2), keepdims=True)
    empty = total <= 0
    share = density / ops.where(empty, ops.ones_like(total), total)
    return ops.where(empty, ops.ones_like(share) / (rows * columns), share)


def _weights(labels: Tensor, class_weights: Sequence[float]) -> Tensor:
    """Return the weight of each pixel's class, 0 where it is none of them."""
    # The last entry is for every label without a weight.
    table = np.array([*class_weights, 0.0], np.float32)
    known = (labels >= 0) & (labels < len(class_weights))
    index = ops.where(known, labels, ops.full_like(labels, len(class_weights)))
    return ops.take(ops.convert_to_tensor(table), index)


def _pooling(pixels: Any, cells: int, blur: float) -> Tensor:
    """Return the (cells, pixels) matrix that adds up pixels by area and blurs the cells."""
    pixel = ops.cast(ops.arange(pixels, dtype="int32"), "float32")
    side = ops.cast(pixels, "float32")
    cell = ops.cast(ops.arange(cells, dtype="int32"), "float32")[:, None]
    # A pixel across the border of two cells counts in both, by its share in each.
    start = ops.maximum(pixel * cells / side, cell)
    end = ops.minimum((pixel + 1) * cells / side, cell + 1)
    overlap = ops.maximum(end - start, 0.0) * side / cells
    if not blur:
        return overlap
    matrix = gaussian_matrix(cells, blur).astype(np.float32)
    return ops.matmul(ops.convert_to_tensor(matrix), overlap)
