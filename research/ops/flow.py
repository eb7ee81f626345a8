"""Optical flow as Semantics Sharing has it: channels (x, y), in pixels of the flow's own map.

Coordinates are (y, x) everywhere else in the project; a name that ends in `flow_xy_px` is not.
"""

from typing import Any

from keras import ops

from roadseg.ops.resize import Corners, Size, resize_bilinear
from roadseg.ops.warp import pixel_positions, sample_bilinear

Tensor = Any


def resize_flow(
    flow_xy_px: Tensor, size: Size, align_corners: Corners = "half_pixel", swapped: bool = True
) -> Tensor:
    """Return a flow at another size, its values in pixels of that size.

    flow_xy_px: (batch, height, width, 2) float. size: (height, width).
    swapped: channel 0 (x) grows by the ratio of the heights and channel 1 (y) by that of the
        widths, as the original has it; False: x by the widths, y by the heights. The two differ
        only where both sides do not change alike.
    Source: SemanticsSharing 9fc1fde, the flow networks and their losses.
    """
    height, width = ops.shape(flow_xy_px)[1:3]
    resized = resize_bilinear(flow_xy_px, size, align_corners)
    down = ops.cast(size[0], resized.dtype) / ops.cast(height, resized.dtype)
    across = ops.cast(size[1], resized.dtype) / ops.cast(width, resized.dtype)
    return resized * ops.stack([down, across] if swapped else [across, down])


def warp_by_flow(
    images: Tensor, flow_xy_px: Tensor, sign: int = 1, align_corners: bool = True
) -> Tensor:
    """Return `images` looked up bilinearly at each pixel plus `sign` times its flow.

    images: (batch, height, width, channels) float; outside the frame is zero.
    flow_xy_px: (batch, rows, columns, 2) float, the size of the result. Where `images` are of
        another size, the frames coincide, and the flow counts in pixels of its own.
    align_corners: whether the frame's rim are the centres of the first and last pixels, as the
        originals have it, or (False) their outer edges, as PyTorch has it since 1.3 by default:
        then no flow shrinks the image about its middle, by one pixel in all.
    Source: SemanticsSharing 9fc1fde; plus in `Net`, minus in `Net_MobileNetV3` and the losses.
    """
    points = pixel_positions(flow_xy_px) + sign * ops.flip(flow_xy_px, axis=-1)
    sides, counts = ops.shape(images)[1:3], ops.shape(flow_xy_px)[1:3]
    steps = [
        _step(side, count, align_corners, points.dtype)
        for side, count in zip(sides, counts, strict=True)
    ]
    points = points * ops.stack(steps) - (0 if align_corners else 0.5)
    return sample_bilinear(images, points, outside="zero")


def _step(side: Any, count: Any, align_corners: bool, dtype: Any) -> Tensor:
    """Return how many pixels of a side lie between two of `count` points; 1 for as many."""
    pixels = ops.maximum(side - 1, 1) if align_corners else side
    return ops.cast(pixels, dtype) / ops.cast(ops.maximum(count - 1, 1), dtype)
