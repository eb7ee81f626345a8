"""Bilinear look-ups at free positions: dense warps and resampling, batched and differentiable.

Positions are pixels, (row, column), the first pixel's centre at 0; a network's flow field says in
its docstring where it differs. `tests/parity/test_tfa_ops.py` holds what tensorflow-addons returned
for the same inputs, `test_sfnet_modules.py` what SFSegNets' warp did.
"""

from typing import Any, Literal

from keras import ops

from roadseg.ops.precision import wide_type

Tensor = Any
Outside = Literal["edge", "zero"]


def sample_bilinear(images: Tensor, points_yx_px: Tensor, outside: Outside = "zero") -> Tensor:
    """Return `images` looked up bilinearly at each point, in the float type of `images`.

    images: (batch, height, width, channels) float, any range.
    points_yx_px: (batch, rows, columns, 2) float, (y, x) in pixels of `images`.
    outside: "zero" surrounds the frame with zeros, into which values fade over one pixel, as
        tensorflow-addons' resampler and PyTorch's zero padding do; "edge" moves points to the
        nearest position in the frame, as tensorflow-addons' dense_image_warp does.
    Returned: (batch, rows, columns, channels). Differentiable in both arguments.
    Raises ValueError for other ranks, or another word in `outside`.
    """
    images, points = ops.convert_to_tensor(images), ops.convert_to_tensor(points_yx_px)
    if len(images.shape) != 4 or len(points.shape) != 4 or points.shape[-1] != 2:
        raise ValueError(
            "images (batch, height, width, channels) and points (batch, rows, columns, 2) "
            f"expected, got {tuple(images.shape)} and {tuple(points.shape)}"
        )
    if outside not in ("edge", "zero"):
        raise ValueError(f"outside={outside!r}; there are 'edge' and 'zero'")
    height, width = ops.shape(images)[1:3]
    rows = _neighbours(points[..., 0], height, outside)
    columns = _neighbours(points[..., 1], width, outside)
    looked_up = _look_up_table(images)
    total: Any = 0
    for row, row_weight in rows:
        for column, column_weight in columns:
            weight = ops.cast(row_weight * column_weight, images.dtype)
            # Not `weight[..., None]`, which LiteRT has not for sizes that are not known.
            total = total + looked_up(row, column) * ops.expand_dims(weight, axis=-1)
    return total


def dense_warp(images: Tensor, flow_px: Tensor) -> Tensor:
    """Return `images` sampled at each pixel minus its flow, bilinearly; the edge repeats outside.

    images: (batch, height, width, channels) float, any range.
    flow_px: (batch, height, width, 2) float, (dy, dx) in pixels of `images`.
    Raises ValueError when the two sizes are known and differ.
    Source: tensorflow-addons 0.22, image/dense_image_warp.py, sign and edges as there.
    """
    images, flow_px = ops.convert_to_tensor(images), ops.convert_to_tensor(flow_px)
    for side, other in zip(images.shape[1:3], flow_px.shape[1:3], strict=True):
        if None not in (side, other) and side != other:
            raise ValueError(f"image {tuple(images.shape)} and flow {tuple(flow_px.shape)} differ")
    return sample_bilinear(images, pixel_positions(flow_px) - flow_px, outside="edge")


def flow_warp(images: Tensor, flow_xy: Tensor, align_corners: bool = True) -> Tensor:
    """Return `images` at the size of `flow_xy`, each pixel looked up where its flow points.

    images: (batch, height, width, channels) float, any range; it counts as zero outside.
    flow_xy: (batch, rows, columns, 2) float, (dx, dy) in this order, as published kernels give it.
        A flow of 1 moves the look-up by 1 / columns (1 / rows) where the frame is 2 wide: about
        half a pixel of the result. No flow resizes with aligned corners.
    align_corners: whether -1 and 1 are the centres of the frame's outermost pixels, or (False)
        their outer edges, as SFSegNets had it before July 2022 on PyTorch 1.3 and later.
    Computed in float32, or wider, and returned in the type of `images`: (batch, rows, columns,
    channels). Differentiable in both arguments.
    Source: lxtGH/SFSegNets ba475ba, AlignedModule.flow_warp.
    """
    images, flow_xy = ops.convert_to_tensor(images), ops.convert_to_tensor(flow_xy)
    wide = wide_type(images)
    height, width = ops.shape(images)[1:3]
    rows, columns = ops.shape(flow_xy)[1:3]
    flow = ops.cast(flow_xy, wide)
    y = even_steps(rows, wide)[:, None] + flow[..., 1] / ops.cast(rows, wide)
    x = even_steps(columns, wide) + flow[..., 0] / ops.cast(columns, wide)
    points = ops.stack(
        [pixel_of_position(y, height, align_corners), pixel_of_position(x, width, align_corners)],
        axis=-1,
    )
    return ops.cast(sample_bilinear(ops.cast(images, wide), points), images.dtype)


def pixel_positions(like: Tensor) -> Tensor:
    """Return the (y, x) of every pixel, (1, height, width, 2), in the size and type of `like`."""
    height, width = ops.shape(like)[1:3]
    y = ops.broadcast_to(ops.arange(height, dtype="int32")[:, None], (height, width))
    x = ops.broadcast_to(ops.arange(width, dtype="int32")[None, :], (height, width))
    return ops.cast(ops.stack([y, x], axis=-1)[None], like.dtype)


def even_steps(count: Any, dtype: str) -> Tensor:
    """Return `count` positions from -1 to 1, or -1 alone.

    Rounded to float32 in any type, from both ends inwards, as PyTorch's linspace has them: where
    training is compared in float64, a look-up on another side of a pixel has another gradient.
    """

    def rounded(values: Tensor) -> Tensor:
        return ops.cast(ops.cast(values, "float32"), dtype)

    index = ops.arange(count, dtype="int32")
    step = rounded(2 / ops.cast(ops.maximum(count - 1, 1), dtype))
    upwards = step * ops.cast(index, dtype) - 1
    downwards = 1 - step * ops.cast(count - 1 - index, dtype)
    return rounded(ops.where(index < ops.maximum(count // 2, 1), upwards, downwards))


def pixel_of_position(position: Tensor, side: Any, align_corners: bool) -> Tensor:
    """Return positions from -1 to 1 as pixels of an axis."""
    side = ops.cast(side, position.dtype)
    if align_corners:
        return (position + 1) / 2 * (side - 1)
    return ((position + 1) * side - 1) / 2


def _neighbours(position: Tensor, side: Any, outside: Outside) -> list[tuple[Tensor, Tensor]]:
    """Return the two pixels around each position, as (index int32, weight), along one axis."""
    last = ops.cast(side - 1, position.dtype)
    if outside == "edge":
        # Before the last pixel, so that the slope at the far edge is the one of the last cell.
        lower = ops.clip(ops.floor(position), 0, ops.maximum(last - 1, 0))
        fraction = ops.clip(position - lower, 0, 1)
        weights = [(lower, 1 - fraction), (ops.minimum(lower + 1, last), fraction)]
    else:
        lower = ops.floor(position)
        fraction = position - lower
        weights = [
            (pixel, ops.where((pixel >= 0) & (pixel <= last), weight, 0))
            for pixel, weight in ((lower, 1 - fraction), (lower + 1, fraction))
        ]
    return [(ops.cast(ops.clip(pixel, 0, last), "int32"), w) for pixel, w in weights]


def _look_up_table(images: Tensor) -> Any:
    """Return a function of (batch, rows, columns) row and column indices to pixels."""
    batch, height, width, channels = ops.shape(images)
    # One gather along one axis of the flattened batch: the fastest form, and its gradient's.
    pixels = ops.reshape(images, (-1, channels))
    first = ops.reshape(ops.arange(batch, dtype="int32") * (height * width), (-1, 1, 1))

    def look_up(row: Tensor, column: Tensor) -> Tensor:
        return ops.take(pixels, first + row * width + column, axis=0)

    return look_up
