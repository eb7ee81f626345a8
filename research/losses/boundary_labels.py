"""Labels of MSFNet's boundary head: the class on both sides of every boundary, elsewhere none."""

from math import isqrt
from typing import Any, Literal

from keras import ops

from roadseg.ops.resize import Corners, resize_nearest

Tensor = Any
BoundaryFrom = Literal["reduced", "full"]


def boundary_labels(
    labels: Tensor,
    size: tuple[Any, Any],
    distance: int = 1,
    boundary_from: BoundaryFrom = "reduced",
    per_class: bool = True,
    align_corners: Corners = True,
    ignore: int = 255,
    rest: int | None = None,
) -> Tensor:
    """Return int32 (batch, *size): class + 1 on boundaries, 0 elsewhere, `ignore` where it was.

    labels: (batch, height, width) integers, class (below `ignore` - 1) or `ignore`.
    size: (height, width) of the boundary head, Python integers or integer scalars of a graph.
    distance: a pixel is boundary if one of another class lies within it, in pixels between centres;
        1 means the four neighbours, so each boundary is two pixels wide. Ignored pixels make none.
    boundary_from: "reduced" finds boundaries in the map reduced to `size`; "full" in the whole one
        and reduces what it found, which breaks thin lines.
    per_class: False gives 1 on boundaries of whatever class.
    align_corners: how the nearest pixel is found, as in `resize_nearest`; as the network resizes.
    rest: label of pixels of unknown class, where labels name some classes only: what they are not
        bounds the others, and they come back as `ignore`. None: there is no such label.
    Raises ValueError for another rank, a distance below 1, or another word in `boundary_from`.
    Source: MSFNet (arXiv:1911.07217): the definition, distance 1, and the comparison at 1/8. Not
    stated there and our choice: the reduction, its place before the search, and the classes moved
    up by one, without which 0 would be both road and no boundary.
    """
    labels = ops.cast(labels, "int32")
    if len(labels.shape) != 3:
        raise ValueError(f"labels {tuple(labels.shape)}: (batch, height, width) expected")
    if distance < 1:
        raise ValueError(f"distance={distance}; 1 pixel or more")
    if boundary_from == "reduced":
        labels = _reduce(labels, size, align_corners)
        return _boundaries(labels, distance, per_class, ignore, rest)
    if boundary_from == "full":
        labels = _boundaries(labels, distance, per_class, ignore, rest)
        return _reduce(labels, size, align_corners)
    raise ValueError(f"boundary_from={boundary_from!r}; there are 'reduced' and 'full'")


def _reduce(labels: Tensor, size: tuple[Any, Any], align_corners: Corners) -> Tensor:
    return resize_nearest(labels[..., None], size, align_corners)[..., 0]


def _boundaries(
    labels: Tensor, distance: int, per_class: bool, ignore: int, rest: int | None
) -> Tensor:
    labelled = labels != ignore
    # Highest and lowest class around, the lowest as its negative: one maximum finds both.
    signed = ops.stack([labels, -labels], axis=-1)
    # Ignored pixels lose against every class, as no integer would on both sides.
    signed = ops.where(labelled[..., None], ops.cast(signed, "float32"), -float("inf"))
    around = _disc_maximum(signed, distance)
    boundary = around[..., 0] != -around[..., 1]
    found = ops.where(boundary, labels + 1 if per_class else ops.ones_like(labels), 0)
    known = labelled if rest is None else ops.logical_and(labelled, labels != rest)
    return ops.where(known, found, ignore)


def _disc_maximum(x: Tensor, radius: int) -> Tensor:
    """Return the maximum over all pixels within `radius`: a disc is a union of rectangles."""
    found = x
    for rows in range(radius + 1):
        columns = isqrt(radius**2 - rows**2)
        window = (2 * rows + 1, 2 * columns + 1)
        found = ops.maximum(found, ops.max_pool(x, window, strides=1, padding="same"))
    return found
