"""Where each class lies: the centre of its pixels in every tile of every label map."""

from dataclasses import dataclass

import numpy as np

_VALUES = 256


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
    size = (tile, tile)
    if min(label.shape) < tile:
        if not whole_if_small:
            return np.zeros((0, 3), np.int64)
        size = (label.shape[0], label.shape[1])
    rows, columns = (side // step for side, step in zip(label.shape, size, strict=True))
    kept = label[: rows * size[0], : columns * size[1]]
    # Runs of one class within a row and a tile: far fewer than pixels, and added up as exactly.
    begins = np.ones(kept.shape, bool)
    begins[:, 1:] = kept[:, 1:] != kept[:, :-1]
    begins[:, :: size[1]] = True
    first = np.flatnonzero(begins)
    length = np.diff(first, append=kept.size)
    y, x = np.divmod(first, kept.shape[1])
    group = (y // size[0] * columns + x // size[1]) * _VALUES + kept.ravel()[first]
    pixels = _sums(group, length)
    found = np.flatnonzero(pixels)
    found = found[found % _VALUES < num_classes]
    mean_y = _sums(group, y * length)[found] // pixels[found]
    mean_x = _sums(group, (2 * x + length - 1) * length)[found] // (2 * pixels[found])
    return np.column_stack([found % _VALUES, mean_y, mean_x])


def _sums(group: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the sum of the values of each group; exact, as long as it is below 2**53."""
    return np.bincount(group, values).astype(np.int64)
