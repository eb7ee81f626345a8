"""Resizes, the only ones in the project: the originals align corners in three different ways.

Source positions are ratios of integers, so index and weight are computed in integers and are exact
at every size, known when the graph is traced or not.
"""

from typing import Any, Literal

import keras

from roadseg.ops import operations as ops
from roadseg.ops.precision import wide_type

Tensor = Any
Size = tuple[Any, Any]
Corners = bool | Literal["half_pixel"]


def resize_bilinear(images: Tensor, size: Size, align_corners: Corners = True) -> Tensor:
    """Return `images` resized bilinearly to `size`, in their own float type (integers: float32).

    images: (batch, height, width, channels).
    size: (height, width), Python integers or integer scalars of a graph.
    align_corners: where output row i is read in `images` (columns alike):
        True: i (in - 1) / (out - 1), 0 if out = 1; first and last samples coincide.
        False: i in / out, TensorFlow 1's default; output 0 is input 0.
        "half_pixel": (i + 1/2) in / out - 1/2, clamped to the frame; PyTorch's default.
    No antialiasing. Raises ValueError for another rank or another word in `align_corners`.
    """
    images = _checked(images)
    height, width = ops.shape(images)[1:3]
    target_height, target_width = size
    # Growing columns first leaves whole rows to gather last, which are contiguous.
    rows_first = _is_smaller(target_height, height)
    if rows_first:
        images = _blend_axis(images, height, target_height, 1, align_corners)
    images = _blend_axis(images, width, target_width, 2, align_corners)
    if not rows_first:
        images = _blend_axis(images, height, target_height, 1, align_corners)
    return images


def resize_nearest(images: Tensor, size: Size, align_corners: Corners = True) -> Tensor:
    """Return `images` (labels, say) resized to `size` by picking pixels; the type stays.

    images: (batch, height, width, channels), any type.
    size: (height, width), Python integers or integer scalars of a graph.
    align_corners: as in `resize_bilinear`. True rounds the position, halves up (TensorFlow 1);
        False takes its integer part; "half_pixel" takes the integer part of (i + 1/2) in / out.
    Raises ValueError for another rank or another word in `align_corners`.
    """
    images = _checked(images)
    height, width = ops.shape(images)[1:3]
    rows = _nearest_index(height, size[0], align_corners)
    columns = _nearest_index(width, size[1], align_corners)
    return ops.take(ops.take(images, rows, axis=1), columns, axis=2)


def _checked(images: Tensor) -> Tensor:
    images = ops.convert_to_tensor(images)
    if len(images.shape) != 4:
        raise ValueError(f"(batch, height, width, channels) expected, got shape {images.shape}")
    return images


def _is_float(images: Tensor) -> bool:
    return "float" in keras.backend.standardize_dtype(images.dtype)


def _as_float(images: Tensor) -> Tensor:
    return images if _is_float(images) else ops.cast(images, "float32")


def _is_smaller(target: Any, source: Any) -> bool:
    return isinstance(target, int) and isinstance(source, int) and target < source


def _position(source: Any, target: Any, align_corners: Corners) -> tuple[Tensor, Any]:
    """Return numerators (int32, one for each output sample) and the denominator of positions."""
    index = ops.arange(target, dtype="int32")
    if align_corners == "half_pixel":
        highest = 2 * target * (source - 1)
        return ops.clip((2 * index + 1) * source - target, 0, highest), 2 * target
    if align_corners is True:
        return index * (source - 1), ops.maximum(target - 1, 1)
    if align_corners is False:
        return index * source, target
    raise ValueError(f"align_corners={align_corners!r}; there are True, False and 'half_pixel'")


def _blend_axis(
    images: Tensor, source: Any, target: Any, axis: int, align_corners: Corners
) -> Tensor:
    """Return `images` with `axis` (1 or 2) resized from `source` to `target` samples."""
    if isinstance(source, int) and isinstance(target, int) and source == target:
        return _as_float(images)
    numerator, denominator = _position(source, target, align_corners)
    lower = numerator // denominator
    upper = ops.minimum(lower + 1, source - 1)
    wide = wide_type(images)
    fraction = ops.cast(numerator % denominator, wide) / ops.cast(denominator, wide)
    shape = (1, -1, 1, 1) if axis == 1 else (1, 1, -1, 1)
    # Cast after the choice: a byte image reduced to a few rows is not made float as a whole.
    below = _as_float(ops.take(images, lower, axis=axis))
    above = _as_float(ops.take(images, upper, axis=axis))
    weight = ops.cast(ops.reshape(fraction, shape), below.dtype)
    return below + (above - below) * weight


def _nearest_index(source: Any, target: Any, align_corners: Corners) -> Tensor:
    index = ops.arange(target, dtype="int32")
    if align_corners == "half_pixel":
        return ((2 * index + 1) * source) // (2 * target)
    numerator, denominator = _position(source, target, align_corners)
    if align_corners is True:
        return (2 * numerator + denominator) // (2 * denominator)
    return numerator // denominator
