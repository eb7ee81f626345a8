"""Where each class lies: the centre of its pixels in every tile of every label map."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Centroids:
    """One row a centroid, ordered by image, then tile, then class."""

    image: np.ndarray
    """(n,) integers: number of the image among the records."""
    train_id: np.ndarray
    """(n,) integers: class."""
    yx: np.ndarray
    """(n, 2) integers: row and column in the whole image; need not lie on a pixel of the class."""

    def of_class(self, train_id: int) -> np.ndarray:
        """Return the centroids of one class as (n, 3) int64: image, y, x."""
        rows = np.flatnonzero(self.train_id == train_id)
        return np.column_stack([self.image[rows], self.yx[rows]]).astype(np.int64)


def tile_centroids(
    label: np.ndarray, tile: int, num_classes: int, whole_if_small: bool = True
) -> np.ndarray:
    """Return (n, 3) int64, class, y and x, of each class in each tile: tiles by rows, then classes.

    label: (height, width) train ids; values that are no class count nowhere.
    tile: side in pixels; what is left over at the bottom and right belongs to no tile.
    whole_if_small: an image smaller than a tile, either way, is one tile; otherwise it has none.
    Means of rows and columns are cut to integers.
    Source: SFSegNets ba475ba, class-uniform sampling; `whole_if_small` is ours.
    """
    height, width = label.shape
    size = (tile, tile)
    if min(height, width) < tile:
        if not whole_if_small:
            return np.zeros((0, 3), np.int64)
        size = (height, width)
    rows, columns = height // size[0], width // size[1]
    kept = np.minimum(label[: rows * size[0], : columns * size[1]], num_classes).astype(np.int64)
    tiles = kept.reshape(rows, size[0], columns, size[1]).transpose(0, 2, 1, 3)
    # One number for each class of each tile, in which what is no class is one class more.
    groups = (num_classes + 1) * np.arange(rows * columns).reshape(rows, columns, 1, 1) + tiles
    count = rows * columns * (num_classes + 1)
    along_y = _histogram(groups, np.arange(size[0])[:, None], count, size[0])
    along_x = _histogram(groups, np.arange(size[1]), count, size[1])
    pixels = along_y.sum(axis=1)
    found = np.flatnonzero(pixels)
    found = found[found % (num_classes + 1) != num_classes]
    place, train_id = np.divmod(found, num_classes + 1)
    y = along_y[found] @ np.arange(size[0]) // pixels[found] + place // columns * size[0]
    x = along_x[found] @ np.arange(size[1]) // pixels[found] + place % columns * size[1]
    return np.column_stack([train_id, y, x])


def _histogram(groups: np.ndarray, position: np.ndarray, count: int, length: int) -> np.ndarray:
    """Return (count, length): how many pixels each group has at each position along one axis."""
    cells = (groups * length + position).ravel()
    return np.bincount(cells, minlength=count * length).reshape(count, length)
