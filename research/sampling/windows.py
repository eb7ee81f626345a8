"""Several views side by side over an image whose aspect is not the one a network was trained on."""

import math
from dataclasses import dataclass
from typing import Any

from keras import ops

from roadseg.ops.division import quotient_up
from roadseg.sampling.grid import Tensor

# A view may be stretched by a tenth before one more is laid beside it: 721x1280 is one 720x1280.
STRETCH_PERCENT = 10


@dataclass(frozen=True)
class Axis:
    """How views cover one image axis; integers, or scalar tensors where the size is not known."""

    length: Any
    count: Any
    extent: Any

    def starts(self) -> Tensor:
        """Return the first pixel of each view, int32 (count,): evenly spread, ends included."""
        # A single view has no gap; nothing is divided by 0.
        gaps = larger(self.count - 1, 1)
        return ops.arange(self.count, dtype="int32") * (self.length - self.extent) // gaps

    def pixels(self) -> Tensor:
        """Return the pixels of all views, one view after the other, int32 (count * extent,)."""
        inside = ops.arange(self.extent, dtype="int32")
        return ops.reshape(self.starts()[:, None] + inside, (-1,))

    def places(self) -> Tensor:
        """Return where in `pixels` each pixel stands in the view whose centre is nearest to it."""
        pixel = ops.arange(self.length, dtype="int32")
        starts = self.starts()
        # Twice the distance, since centres may lie between two pixels.
        from_centre = ops.absolute(2 * (pixel[:, None] - starts) - (self.extent - 1))
        nearest = ops.cast(ops.argmin(from_centre, axis=1), "int32")
        return nearest * self.extent + pixel - ops.take(starts, nearest)


def larger(first: Any, second: Any) -> Any:
    """Return the maximum of two integers, a plain one where both are."""
    if isinstance(first, int) and isinstance(second, int):
        return max(first, second)
    return ops.maximum(first, second)


def _smaller(first: Any, second: Any) -> Any:
    return -larger(-first, -second)


def cover(size: tuple[Any, Any], view: tuple[int, int]) -> tuple[Axis, Axis]:
    """Return how views of the aspect of `view` cover an image of `size`, rows and columns.

    A view has the image's full extent along one axis; along the other there are as many as needed,
    overlapping rather than beyond the border. size, view: (height, width).
    """
    divisor = math.gcd(*view)
    aspect = view[0] // divisor, view[1] // divisor
    height, width = size
    rows = _cover_axis(height, width, aspect[0], aspect[1])
    return rows, _cover_axis(width, height, aspect[1], aspect[0])


def _cover_axis(length: Any, other: Any, along: int, across: int) -> Axis:
    # In integers, so that known and unknown sizes give the same views: ceil(length / view - 0.1).
    needed = 100 * length * across - STRETCH_PERCENT * other * along
    # A negative quotient, of a narrow image, is rounded up or not: it counts as 1.
    count = larger(quotient_up(needed, 100 * other * along), 1)
    extent = larger(quotient_up(length, count), _smaller(length, other * along // across))
    return Axis(length, count, extent)


def cut(images: Tensor, axes: tuple[Axis, Axis]) -> Tensor:
    """Return the views of `images` as one batch, (batch * views, height, width, channels)."""
    rows, columns = axes
    batch, channels = ops.shape(images)[0], images.shape[-1]
    images = ops.take(ops.take(images, rows.pixels(), axis=1), columns.pixels(), axis=2)
    split = (batch, rows.count, rows.extent, columns.count, columns.extent, channels)
    images = ops.transpose(ops.reshape(images, split), (0, 1, 3, 2, 4, 5))
    return ops.reshape(images, (-1, rows.extent, columns.extent, channels))


def stitch(views: Tensor, axes: tuple[Axis, Axis]) -> Tensor:
    """Return whole images from the views that `cut` made, (batch, height, width, channels).

    Each pixel is taken from the view whose centre is nearest to it.
    """
    rows, columns = axes
    channels = views.shape[-1]
    split = (-1, rows.count, columns.count, rows.extent, columns.extent, channels)
    views = ops.transpose(ops.reshape(views, split), (0, 1, 3, 2, 4, 5))
    joined = (-1, rows.count * rows.extent, columns.count * columns.extent, channels)
    views = ops.reshape(views, joined)
    return ops.take(ops.take(views, rows.places(), axis=1), columns.places(), axis=2)


def to_image(grid: Tensor, axes: tuple[Axis, Axis]) -> Tensor:
    """Return grids of views as locations in the whole image, (batch, views, h, w, 2), 0..1.

    grid: (batch, views, h, w, 2), (row, column), 0..1 of each view.
    """
    rows, columns = axes
    starts = ops.meshgrid(rows.starts(), columns.starts(), indexing="ij")
    start = ops.stack([ops.reshape(each, (-1,)) for each in starts], axis=-1)
    start = ops.cast(start, "float32")[:, None, None]
    extent = ops.stack([ops.cast(axis.extent - 1, "float32") for axis in axes])
    last = ops.stack([ops.cast(axis.length - 1, "float32") for axis in axes])
    return (grid * extent + start) / ops.maximum(last, 1.0)
