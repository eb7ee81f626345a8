"""Tiles of one size that cover an image, and logits added up from them."""

import math
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np

# Pixels that go through the network together: an image of 1024x2048, or three tiles of 832.
PIXELS_AT_ONCE = 1024 * 2048


def tile_starts(length: int, tile: int, overlap: float) -> list[int]:
    """Return where the tiles along one axis begin.

    A tile begins ceil(tile (1 - overlap)) pixels after the one before it; the last one is shifted
    back to end with the image. An axis shorter than a tile has one, at 0.
    Source: lxtGH/Fast_Seg 7895738, val.py. For an axis shorter than a tile by a stride or more it
    has no tile at all (and divides by 0); here it has one.
    """
    stride = math.ceil(tile * (1 - overlap))
    count = max(1, math.ceil((length - tile) / stride) + 1)
    return [max(0, min(number * stride, length - tile)) for number in range(count)]


def visits(length: int, tile: int, starts: Sequence[int]) -> np.ndarray:
    """Return how many of the tiles at `starts` cover each pixel of an axis, (length,) float32."""
    counts = np.zeros(length, np.float32)
    for start in starts:
        counts[start : start + tile] += 1
    return counts


def tiled_logits(
    image: np.ndarray,
    logits_of: Callable[[np.ndarray, tuple[int, int]], np.ndarray],
    tile: int,
    overlap: float,
    padding: Sequence[float] | None = None,
) -> np.ndarray:
    """Return class logits (height, width, classes), each the mean over the tiles that saw it.

    image: (height, width, 3) float32. logits_of: takes tiles (n, tile, tile, 3) and the size of
    the logits wanted. padding: colour (3,) at the bottom and on the right of an image smaller than
    a tile; the one that normalisation brings to 0 is Fast_Seg's choice. None: the tiles of such an
    image are smaller, which is SFSegNets' way.
    Memory: the sum (159 MB for 19 classes at 1024x2048) and the logits of the tiles under way
    (up to PIXELS_AT_ONCE pixels, or one tile). Adding up is done in place, outside the graph: on
    a CPU four times as fast as in a variable.
    """
    height, width = image.shape[:2]
    axes = [tile_starts(length, tile, overlap) for length in (height, width)]
    full = height, width
    if padding is not None:
        full = max(height, tile), max(width, tile)
        image = _padded(image, full, padding)
    corners = list(product(*axes))
    at_once = max(1, PIXELS_AT_ONCE // (tile * tile))
    total = np.zeros((0, 0, 0), np.float32)
    for chunk in np.array_split(corners, math.ceil(len(corners) / at_once)):
        tiles = np.stack([image[top : top + tile, left : left + tile] for top, left in chunk])
        logits = logits_of(tiles, (tiles.shape[1], tiles.shape[2]))
        if not total.size:
            total = np.zeros((*full, logits.shape[-1]), np.float32)
        for (top, left), logit in zip(chunk, logits, strict=True):
            total[top : top + tile, left : left + tile] += logit
    rows, columns = (visits(side, tile, at) for side, at in zip(full, axes, strict=True))
    total /= (rows[:, None] * columns)[..., None]
    return total[:height, :width]


def _padded(image: np.ndarray, size: tuple[int, int], colour: Sequence[float]) -> np.ndarray:
    """Return an image (height, width, 3) grown at the bottom and on the right to `size`."""
    if image.shape[:2] == size:
        return image
    grown = np.empty((*size, 3), np.float32)
    grown[:] = np.asarray(colour, np.float32)
    grown[: image.shape[0], : image.shape[1]] = image
    return grown
